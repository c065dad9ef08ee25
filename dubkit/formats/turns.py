"""Turns: names and times as files of turns spell them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dubkit.formats.document import Document


def one_word(name: str) -> str:
    """Return a name without blanks, at which some formats split: underscores stand in their place."""
    return "_".join(name.split())


def turn_seconds(file: Document, place: str, field: str, text: str, cure: str) -> float:
    """Return seconds from `12.5`, `1:02.5` or `0:01:02,5`. Raises MediaError for anything else."""
    try:
        parts = [float(part) for part in text.strip().replace(",", ".").split(":")]
    except ValueError:
        raise file.error(place, f"{field} is {text!r}, not a time", cure) from None
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + part
    # `not (x >= 0)` also refuses NaN, which float() accepts.
    if not 0 <= seconds < float("inf") or len(parts) > 3:
        raise file.error(place, f"{field} is {text!r}, not a time", cure)
    return seconds
