"""Tiny generator files with random weights, in the published layout."""
