"""What a file of another program carries: cues, turns, or the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Content = Literal["cues", "turns", "rows"]
"""Subtitles; who speaks when; or all lines with a column for everything that is known of them."""

LineRow = Mapping[str, Any]
"""One line of the episode: column -> value. `id`, `start`, `end`, `speaker` and `text` are always there."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: seconds from the episode's zero, the text, and who speaks it where that is known."""

    start: float
    end: float
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table that a person changed."""

    place: str
    """Where it stands, for messages: `row 3`."""
    cells: Mapping[str, str]
    """Column in lower case -> text of the cell; a cell that is not there has no entry."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a file may say of its content as a whole."""

    name: str = ""
    """Name of the episode."""
    language: str = ""
    """Language tag of the text, such as `pt-BR`; empty for the source's."""
