"""From written text to what a voice engine is given."""

from dubkit.voice.text.spoken import spoken_text

__all__ = ["spoken_text"]
