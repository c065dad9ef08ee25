"""Everything that made a line of a dub."""
