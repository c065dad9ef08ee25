"""Sound: read, measure, mix."""
