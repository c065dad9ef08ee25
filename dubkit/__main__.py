"""`python -m dubkit` is the command line."""

from dubkit.cli import main

main()
