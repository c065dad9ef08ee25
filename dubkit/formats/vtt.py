"""WebVTT: the subtitles of browsers, with the speaker of each cue."""

from __future__ import annotations

import html
from collections.abc import Iterable

from dubkit.formats.blocks import read_blocks
from dubkit.formats.content import Cue, Heading
from dubkit.formats.cues import shown_text, visible
from dubkit.formats.format import Format
from dubkit.formats.text import one_line
from dubkit.formats.times import milliseconds


def write_vtt(cues: Iterable[Cue], heading: Heading = Heading()) -> bytes:
    """Return cues as WebVTT in UTF-8, with a voice tag where the speaker is known."""
    blocks = ["WEBVTT\n"]
    for cue in visible(cues):
        text = html.escape(shown_text(cue), quote=False)
        voice = f"<v {html.escape(one_line(cue.speaker), quote=False)}>" if cue.speaker else ""
        blocks.append(f"{_stamp(cue.start)} --> {_stamp(cue.end)}\n{voice}{text}\n")
    return "\n".join(blocks).encode("utf-8")


def _stamp(seconds: float) -> str:
    whole, thousandths = divmod(milliseconds(seconds), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}.{thousandths:03d}"


FORMAT = Format(
    name="vtt",
    title="WebVTT subtitles",
    suffixes=(".vtt",),
    media_type="text/vtt",
    read_cues=read_blocks,
    write_cues=write_vtt,
)
