"""From written text to what a voice engine is given."""
