"""SubViewer (SBV): the subtitles that YouTube gives out, `0:00:01.000,0:00:02.500` above each text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.formats.blocks import read_blocks
from dubkit.formats.format import Format

if TYPE_CHECKING:
    from dubkit.formats.content import Cue
    from dubkit.formats.document import Document


def _read(file: Document) -> list[Cue]:
    return read_blocks(file)


FORMAT = Format(
    name="sbv",
    title="SubViewer subtitles",
    suffixes=(".sbv",),
    media_type="text/plain",
    read_cues=_read,
    edited_as="srt",
)
