"""SubStation Alpha, both versions: read as subtitle editors save it, with the Name field as the speaker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.formats.content import Cue
from dubkit.formats.format import Format
from dubkit.formats.text import one_line

if TYPE_CHECKING:
    from dubkit.formats.document import Document


def _read(file: Document) -> list[Cue]:
    import pysubs2

    text = file.text()
    try:
        film = pysubs2.SSAFile.from_string(text, format_=file.path.suffix.lower().lstrip("."))
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError) as error:
        cure = "Open and save it in a subtitle editor, or convert it to SRT."
        raise file.error("", f"it is not a valid ASS file ({error})", cure) from error
    shown = [event for event in film if event.type == "Dialogue" and not event.is_drawing]
    if not shown and text.strip():
        cure = "An ASS file needs an [Events] section with Dialogue lines."
        raise file.error("line 1", "there is no cue in it", cure)
    return [
        Cue(event.start / 1000, event.end / 1000, one_line(event.plaintext), event.name.strip())
        for event in shown
    ]


ASS = Format(
    name="ass",
    title="Advanced SubStation Alpha subtitles",
    suffixes=(".ass",),
    media_type="text/x-ass",
    read_cues=_read,
    time_step=0.01,
    edited_as="srt",
)

SSA = Format(
    name="ssa",
    title="SubStation Alpha subtitles",
    suffixes=(".ssa",),
    media_type="text/x-ssa",
    read_cues=_read,
    time_step=0.01,
    edited_as="srt",
)
