"""The generator's files, checked by their headers."""
