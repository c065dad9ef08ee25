"""The voices of a source apart from its music and effects."""
