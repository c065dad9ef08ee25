"""Read the files that people hand in; the suffix says the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.errors import MediaError
from dubkit.formats.document import Document
from dubkit.formats.format import Format, format_of, readable

if TYPE_CHECKING:
    from pathlib import Path

    from dubkit.formats.content import Content, Cue
    from dubkit.types import Turn


def read_cues(path: Path) -> list[Cue]:
    """Read cues in order of time.

    Speakers come from fields that name them, such as WebVTT voice tags; a `Name:` in a text stays text.
    A text that is not UTF-8 is read as Windows-1252. Raises MediaError naming file, line and cure.
    """
    read = _format(path, "cues").read_cues
    assert read is not None
    return sorted(read(Document.open(path, guess=True)), key=lambda cue: (cue.start, cue.end))


def read_turns(path: Path) -> tuple[Turn, ...]:
    """Read who speaks when, in order of time. Raises MediaError naming file, line and cure."""
    read = _format(path, "turns").read_turns
    assert read is not None
    return tuple(sorted(read(Document.open(path)), key=lambda turn: (turn.start, turn.end)))


def _format(path: Path, content: Content) -> Format:
    format = format_of(path, lambda format: format.reads(content))
    if format is None:
        problem = f"files of type {path.suffix or '(no suffix)'!r} cannot be read for {content}"
        raise MediaError(path, problem, f"Use a file that ends in {', '.join(readable(content))}.")
    return format
