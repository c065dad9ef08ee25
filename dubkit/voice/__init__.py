"""Speech from text, fitted into the time of its line."""
