"""Translate dialogue line by line; no text is handed over before it was checked."""
