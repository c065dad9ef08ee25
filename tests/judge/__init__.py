"""Judging finished dubs."""
