"""What a file of another program carries: cues, turns, the rows of a table, a script, or a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import UNSET, UnsetType

CueRole = Literal["", "sign", "song"]
"""What a cue is where it is no speech: something written in the picture, or sung."""

Content = Literal["cues", "turns", "rows", "sheet", "script", "timeline"]
"""Subtitles; who speaks when; all lines with a column for everything that is known of them; what actors
record from; the script of the dub; or its picture and sounds on tracks."""

LineRow = Mapping[str, Any]
"""One line of the episode: column -> value. `id`, `start`, `end`, `speaker` and `text` are always there."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: seconds from the episode's zero, the text, and who speaks it where that is known."""

    start: float
    end: float
    text: str
    speaker: str = ""
    lines: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """Its text as it is shown, line by line, each with its speaker; empty where that is not known."""
    place: str = field(default="", compare=False)
    """Where it stands in its file, for messages: `line 12`."""
    role: CueRole = field(default="", compare=False)
    shown: str | UnsetType = field(default=UNSET, compare=False)
    """Its text as it is to be shown, with line feeds; unset: the writer breaks it.

    Left out of keys where it is not set, so that a dub depends on the same cues as ever.
    """


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One cue of a cue sheet: a line that an actor records."""

    cue: int
    """Its number in the episode, from 1."""
    line: str
    character: str
    begin: str
    """Timecode, as `end`."""
    end: str
    seconds: float
    text: str
    source: str
    note: str
    file: str
    """Name of the file to record to."""


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
