"""Open, read and probe media files."""
