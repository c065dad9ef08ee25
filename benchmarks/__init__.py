"""Measurements of the finished program from outside: they read files and start commands, nothing more."""
