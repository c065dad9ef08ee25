"""RTTM: who speaks when, as diarisation tools exchange it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dubkit.formats.content import Heading
from dubkit.formats.format import Format
from dubkit.formats.turns import one_word, turn_seconds
from dubkit.types import Turn

if TYPE_CHECKING:
    from dubkit.formats.document import Document

CURE = "Each line reads: SPEAKER <file> 1 <start> <duration> <NA> <NA> <speaker> <NA> <NA>"


def write_rttm(turns: Iterable[Turn], heading: Heading = Heading()) -> bytes:
    """Return turns as RTTM. Blanks in names become underscores: RTTM is split at blanks."""
    file = one_word(heading.name)
    return "".join(
        f"SPEAKER {file} 1 {turn.start:.3f} {turn.end - turn.start:.3f} "
        f"<NA> <NA> {one_word(turn.speaker)} <NA> <NA>\n"
        for turn in turns
    ).encode("utf-8")


def _read(file: Document) -> list[Turn]:
    """Return the turns; lines of other types are skipped."""
    turns = []
    for number, line in enumerate(file.text().splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        place = f"line {number}"
        if len(fields) < 8:
            raise file.error(place, f"{len(fields)} fields instead of 10", CURE)
        start = turn_seconds(file, place, "start", fields[3], CURE)
        length = turn_seconds(file, place, "duration", fields[4], CURE)
        turns.append(Turn(start, start + length, fields[7]))
    if not turns:
        raise file.error("", "no SPEAKER line in it", CURE)
    return turns


FORMAT = Format(
    name="rttm",
    title="Rich Transcription Time Marked",
    suffixes=(".rttm",),
    media_type="text/plain",
    read_turns=_read,
    write_turns=write_rttm,
)
