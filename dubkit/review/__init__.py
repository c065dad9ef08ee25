"""Review of a dub line by line: what a person sees, and what a person changes."""
