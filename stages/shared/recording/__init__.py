"""Lines that people record instead of a voice engine."""
