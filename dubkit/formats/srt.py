"""SubRip (SRT): what nearly every player and editor reads. It does not name speakers."""

from __future__ import annotations

from collections.abc import Iterable

from dubkit.formats.blocks import read_blocks
from dubkit.formats.content import Cue, Heading
from dubkit.formats.cues import visible
from dubkit.formats.format import Format
from dubkit.formats.text import break_lines
from dubkit.formats.times import milliseconds


def write_srt(cues: Iterable[Cue], heading: Heading = Heading()) -> bytes:
    """Return cues as SRT in UTF-8, lines broken for reading."""
    import pysubs2

    film = pysubs2.SSAFile()
    for cue in visible(cues):
        event = pysubs2.SSAEvent(start=milliseconds(cue.start), end=milliseconds(cue.end))
        # A brace would read as a style override, and a blank line would end the cue.
        event.text = break_lines(cue.text).replace("{", "(").replace("}", ")").replace("\n", r"\N")
        film.append(event)
    return film.to_string("srt").encode("utf-8")


FORMAT = Format(
    name="srt",
    title="SubRip subtitles",
    suffixes=(".srt",),
    media_type="application/x-subrip",
    read_cues=read_blocks,
    write_cues=write_srt,
)
