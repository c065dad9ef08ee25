"""Clips by programs of other people: any command, and ready ones for programs that move lips."""
