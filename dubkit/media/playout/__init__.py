"""Chunks of a dub that play while the rest is being made: borders, sound, fragments, playlist."""
