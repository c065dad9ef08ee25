"""When the lines of an episode are spoken, and how fast: a linear programme weighs all of them together."""
