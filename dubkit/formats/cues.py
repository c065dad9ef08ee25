"""Cues as every reader makes them, and the ones that every writer shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.formats.content import Cue, CueRole
from dubkit.formats.document import CueMistake
from dubkit.formats.text import break_lines, one_line
from dubkit.formats.times import CLOCK, clock_seconds

if TYPE_CHECKING:
    from dubkit.formats.document import Document


Source = TypeVar("Source")


def visible(cues: Iterable[Cue]) -> list[Cue]:
    """Return the cues that have a text, in order of time."""
    return sorted((cue for cue in cues if cue.text.strip()), key=lambda cue: (cue.start, cue.end))


def shown_text(cue: Cue) -> str:
    """Return the text of a cue with its line breaks."""
    return cue.shown if isinstance(cue.shown, str) else break_lines(cue.text)


def cue_at(file: Document, place: str, start: float, end: float, text: str, speaker: str = "") -> Cue:
    """Return a cue with its text on one line. Raises MediaError for impossible times."""
    if not 0 <= start <= end < float("inf"):
        cure = "Correct the times: 0 or more, and the end after the start."
        raise file.mistake(place, f"the cue runs from {start} s to {end} s", cure, text)
    return Cue(start, end, one_line(text), speaker.strip(), place=place)


def cue_of_lines(
    file: Document,
    place: str,
    start: float,
    end: float,
    lines: Sequence[tuple[str, str]],
    role: CueRole = "",
) -> Cue:
    """Return the cue of lines with their speakers; the first speaker is the cue's.

    One that begins before 0 begins at 0. Raises MediaError for impossible times.
    """
    speaker = next((name for name, _ in lines if name), "")
    if start < 0 < end:
        file.remark("cue-times-changed", f"The cue begins at {start:g} s; it was moved to 0.", place)
        start = 0.0
    cue = cue_at(file, place, start, end, "\n".join(text for _, text in lines), speaker)
    return Cue(cue.start, cue.end, cue.text, speaker, tuple(lines), place, role)


def keep_good(file: Document, sources: Iterable[Source], read: Callable[[Source], Cue]) -> list[Cue]:
    """Return the cues that can be read; the others are left out and named with their place.

    Raises the mistake of the first one where none is good.
    """
    good: list[Cue] = []
    mistakes: list[CueMistake] = []
    for source in sources:
        try:
            good.append(read(source))
        except CueMistake as mistake:
            mistakes.append(mistake)
    if mistakes and not good:
        raise mistakes[0]
    for left_out in mistakes:
        problem = left_out.problem[:1].upper() + left_out.problem[1:]
        said = f"left out: “{left_out.text}”" if left_out.text else "there is no text below it"
        file.remark("cue-left-out", f"{problem}; {said}.", left_out.place)
    return good


def cue_from_fields(file: Document, place: str, fields: Any) -> Cue:
    """Return the cue of a record with the fields start, end, text and maybe speaker."""
    if not isinstance(fields, dict):
        raise file.error(place, f"{fields!r} is no record", "It needs start, end and text.")
    start, end = (_seconds(file, place, name, fields.get(name)) for name in ("start", "end"))
    text = fields.get("text")
    if not isinstance(text, str):
        raise file.error(place, f"text is {text!r}", "Give every line a text.")
    return cue_at(file, place, start, end, text, str(fields.get("speaker") or ""))


def _seconds(file: Document, place: str, name: str, value: object) -> float:
    """Return seconds from a number, a numeral with comma or point, or a clock time such as 0:01:02.5."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    spelled = str(value or "").strip()
    clock = re.fullmatch(CLOCK, spelled)
    if clock:
        return clock_seconds(clock.groups())
    try:
        return float(spelled.replace(",", "."))
    except ValueError:
        cure = "Write seconds (12.5) or a clock time (00:00:12.500)."
        raise file.error(place, f"{name} is {value!r}, not a time", cure) from None
