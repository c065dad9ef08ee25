"""Cues laid out for reading: texts broken into lines and cues, shown long enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest

from dubkit.formats.content import Cue
from dubkit.formats.layout.breaks import in_lines, in_parts, parts_needed
from dubkit.formats.layout.reading import GAP, SHORTEST, Reading
from dubkit.types.remarks import Tell, remark

Moment = Callable[[float], float]
"""From a share of the text, 0 to 1, to the second at which it is spoken."""


def laid_out(cue: Cue, language: str, reading: Reading, moment: Moment | None = None) -> list[Cue]:
    """Return a cue in as many as its text needs, each with its line breaks.

    Without `moment`, time passes evenly over the text.
    """
    parts = in_parts(cue.text, language, parts_needed(cue.text, language, reading))
    shown = [in_lines(part, language, reading) for part in parts]
    return _cues(cue, parts, shown, moment)


def laid_out_pair(
    cue: Cue, languages: tuple[str, str], other: str, readings: tuple[Reading, Reading]
) -> list[Cue]:
    """Do the same with a text and the same in another language below it; both change together."""
    texts = (cue.text, other)
    each = tuple(zip(texts, languages, readings, strict=True))
    count = max(parts_needed(*one) for one in each)
    parts = [in_parts(text, language, count) for text, language, _ in each]
    rows = list(zip_longest(*parts, fillvalue=""))
    shown = [
        "\n".join(
            in_lines(part, tag, reading)
            for part, tag, reading in zip(row, languages, readings, strict=True)
            if part
        )
        for row in rows
    ]
    return _cues(cue, [" ".join(filter(None, row)) for row in rows], shown, None)


def _cues(cue: Cue, parts: Sequence[str], shown: Sequence[str], moment: Moment | None) -> list[Cue]:
    total = sum(map(len, parts)) or 1
    at, cues, start = 0, [], cue.start
    for number, (part, lines) in enumerate(zip(parts, shown, strict=True), 1):
        at += len(part)
        share = at / total
        end = moment(share) if moment else cue.start + share * (cue.end - cue.start)
        end = cue.end if number == len(parts) else min(max(end, start), cue.end)
        cues.append(replace(cue, start=round(start, 3), end=round(end, 3), text=part, shown=lines))
        start = end
    return cues


def timed(cues: Sequence[Cue], reading: Reading, tell: Tell | None = None) -> list[Cue]:
    """Return cues that are shown long enough to be read where the next one leaves room.

    `tell` hears of those that stay too fast.
    """
    ordered = sorted(cues, key=lambda cue: (cue.start, cue.end))
    starts = sorted({cue.start for cue in ordered})
    found, fast = [], []
    for cue in ordered:
        needed = max(SHORTEST, len(cue.text) / reading.speed)
        later = next((start for start in starts if start > cue.start), None)
        end = max(cue.end, cue.start + needed)
        if later is not None and (end > later - GAP and cue.end <= later):
            end = max(later - GAP, cue.start + (later - cue.start) / 2)
        elif later is not None and cue.end > later:
            end = cue.end  # two speak at once
        found.append(replace(cue, end=round(end, 3)))
        if len(cue.text) > reading.speed * (end - cue.start) * 1.01:
            fast.append(found[-1])
    if fast and tell is not None:
        first = fast[0]
        speed = len(first.text) / max(0.001, first.end - first.start)
        sentence = (
            f"{len(fast)} of {len(found)} subtitles are faster than {reading.speed:g} characters a second; "
            f"the first of them has {speed:.0f} at {first.start:.1f} s."
        )
        tell(remark("subtitle-too-fast", sentence))
    return found
