"""Subtitles that a person changed in an editor: which lines their cues are, and what they change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dubkit.episode.context import Context
from dubkit.errors import EditRefused
from dubkit.formats.content import Cue
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS, Format
from dubkit.formats.reading import cues_of
from dubkit.formats.writing import write
from dubkit.review.changes import LineChange
from dubkit.review.lines import review_lines


def changes_of_cues(
    context: Context, file: Path, cues: Sequence[Cue], format: Format
) -> dict[str, LineChange]:
    """Return what cues change: texts and times. Raises EditRefused naming a cue that no line is spoken in."""
    shown = [line for line in review_lines(context) if line.text.strip()]
    shown.sort(key=lambda line: (line.start, line.end))
    before = _as_written([Cue(line.start, line.end, line.text, line.speaker) for line in shown], format)
    if len(before) != len(shown):
        raise EditRefused(f"{file}: {format.title} joins or leaves out lines. Use another format for edits.")
    changes: dict[str, LineChange] = {}
    for line, was, own in zip(shown, before, _paired(before, cues, file), strict=True):
        if not own:
            continue
        now = Cue(own[0].start, own[-1].end, " ".join(cue.text for cue in own))
        change = _change(was, now, format.tolerance)
        if change is not None:
            changes[line.id] = change
    return changes


def _as_written(cues: Sequence[Cue], format: Format) -> Sequence[Cue]:
    """Return cues as they come back from a file: times in its unit, without braces, tags and line breaks."""
    out = FORMATS.records[format.edited_as] if format.edited_as else format
    return cues_of(Document(Path(f"lines{out.suffixes[0]}"), write(out, "cues", cues)), out)


def _paired(lines: Sequence[Cue], cues: Sequence[Cue], file: Path) -> list[list[Cue]]:
    """Return the cues that each line has become, in order of time; every cue belongs to one line.

    A cue goes to the line whose text it has kept, then by order where the rest are as many, else to the line
    it shares the most time with. Raises EditRefused naming a cue that no line is spoken in.
    """
    texts = [_flat(line) for line in lines]
    if texts == [_flat(cue) for cue in cues]:
        return [[cue] for cue in cues]  # nothing but times has changed, by however much
    own, left = _by_text(lines, cues)
    waiting = [at for at, cues_of_line in enumerate(own) if not cues_of_line]
    pairs = list(zip(waiting, left, strict=False))
    if len(waiting) == len(left) and all(_may_be(lines[at], cue) for at, cue in pairs):
        for at, cue in pairs:
            own[at].append(cue)
        return own
    for cue in left:
        at = max(range(len(lines)), key=lambda at: _shared(lines[at], cue), default=-1)
        if at < 0 or 2 * _shared(lines[at], cue) <= cue.end - cue.start:
            raise EditRefused(
                f"{file} cue {cues.index(cue) + 1} ({cue.start:.3f} to {cue.end:.3f} s): no line is spoken "
                f"there.\nThere are {len(lines)} lines and {len(cues)} cues. Change texts and times in two "
                "steps: first all of one, then all of the other."
            )
        own[at].append(cue)
    return [sorted(of_line, key=lambda cue: (cue.start, cue.end)) for of_line in own]


def _by_text(lines: Sequence[Cue], cues: Sequence[Cue]) -> tuple[list[list[Cue]], list[Cue]]:
    """Return the cue of every line that has kept its text and some of its time, and all other cues."""
    by_text: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        by_text.setdefault(_flat(line), []).append(at)
    own: list[list[Cue]] = [[] for _ in lines]
    left: list[Cue] = []
    for cue in cues:
        same = [at for at in by_text.get(_flat(cue), ()) if not own[at] and _shared(lines[at], cue) > 0]
        if same:
            own[max(same, key=lambda at: _shared(lines[at], cue))].append(cue)
        else:
            left.append(cue)
    return own, left


def _may_be(line: Cue, cue: Cue) -> bool:
    return _shared(line, cue) > 0 or _flat(line) == _flat(cue)


def _shared(line: Cue, cue: Cue) -> float:
    """Seconds that both last."""
    return min(line.end, cue.end) - max(line.start, cue.start)


def _flat(cue: Cue) -> str:
    return " ".join(cue.text.split())


def _change(was: Cue, now: Cue, tolerance: float) -> LineChange | None:
    text = _flat(now) if _flat(now) != _flat(was) else None
    start = now.start if abs(now.start - was.start) > tolerance else None
    end = now.end if abs(now.end - was.end) > tolerance else None
    if text is None and start is None and end is None:
        return None
    return LineChange(text=text, start=start, end=end)
