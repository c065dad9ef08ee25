"""Care for an installation: what this machine can do, and what is missing."""
