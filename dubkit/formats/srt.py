"""SubRip (SRT): what nearly every player and editor reads. It does not name speakers."""

from __future__ import annotations

from collections.abc import Iterable

from dubkit.formats.blocks import read_blocks
from dubkit.formats.content import Cue, Heading
from dubkit.formats.cues import shown_text, visible
from dubkit.formats.format import Format
from dubkit.formats.times import milliseconds


def write_srt(cues: Iterable[Cue], heading: Heading = Heading()) -> bytes:
    """Return cues as SRT in UTF-8, lines broken for reading."""
    blocks = []
    for number, cue in enumerate(visible(cues), start=1):
        # A brace would read as a style override, and a blank line would end the cue.
        text = shown_text(cue).replace("{", "(").replace("}", ")")
        blocks.append(f"{number}\n{_stamp(cue.start)} --> {_stamp(cue.end)}\n{text}\n\n")
    return "".join(blocks).encode("utf-8")


def _stamp(seconds: float) -> str:
    whole, thousandths = divmod(milliseconds(seconds), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d},{thousandths:03d}"


FORMAT = Format(
    name="srt",
    title="SubRip subtitles",
    suffixes=(".srt",),
    media_type="application/x-subrip",
    read_cues=read_blocks,
    write_cues=write_srt,
)
