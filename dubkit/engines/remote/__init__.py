"""Clips made on other machines: a worker that makes them, and an engine that asks several workers."""
