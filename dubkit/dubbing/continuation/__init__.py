"""A shot in several clips: each begins with the end of the one before."""
