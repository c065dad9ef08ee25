"""dubkit: localise a whole episode with one command."""

__version__ = "0.1.0"
