"""Every prompt as a text file, so that wording can be read and changed without touching code."""

from __future__ import annotations

from importlib.resources import files


def read(name: str) -> str:
    """Text of `<name>.txt` in this package, without the newline that ends the file."""
    return (files(__name__) / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")
