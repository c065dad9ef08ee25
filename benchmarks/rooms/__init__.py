"""Rooms made by code: how near dubkit hears them, and the network that hears them."""
