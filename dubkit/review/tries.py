"""The takes that were tried of lines, how good each is, and which is the best: kept in `best.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dubkit.episode.context import Context
from dubkit.episode.store import Record, canonical, decode_json
from dubkit.qc.check import CHECKS
from dubkit.review.budget import Spent
from dubkit.types import Line, LineQc, Segment, SpokenLine
from dubkit.types.telling import FOR_NOW

FILE = "best.json"
FAILED = "failed"
VERSION = 1

SEEDS = ("seed", "picture_seed", "takes")
"""Fields of a line's edits that decide which take is in use."""

Values = Mapping[str, Mapping[str, Any]]
"""Line -> field of its edits (`seed`, `takes`) -> value; None where the edit is not there."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How one take of a line came out."""

    flags: tuple[str, ...] = ()
    """Flags that another take may be without."""
    parts: dict[str, float] = field(default_factory=dict)
    """What the score is made of, each from 0 to 1: `words`, `fit`, and the names of checks with a score."""


@dataclass(frozen=True, slots=True)
class Try:
    """One take of everything in a unit."""

    values: dict[str, dict[str, Any]]
    """The edits that it was made with."""
    takes: tuple[str, ...] = ()
    """Full names: `s0003/v002`."""
    marks: dict[str, Marks] = field(default_factory=dict)
    """Line -> how it came out; empty before it was measured."""
    spent: Spent = field(default_factory=Spent)
    """What it needed; before it was measured, what it may need at most."""

    @property
    def measured(self) -> bool:
        """Whether it was made and measured."""
        return bool(self.marks)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of all its lines."""
        return tuple(flag for marks in self.marks.values() for flag in marks.flags)


@dataclass(frozen=True, slots=True)
class Unit:
    """Lines whose takes are made together: one line, or those of the same clips."""

    name: str
    lines: tuple[str, ...]
    clips: tuple[str, ...]
    clips_of: dict[str, tuple[str, ...]]
    """Line -> the clips that it is generated in."""
    basis: str
    """Digest of what they are made from besides seeds: tries of another basis count no more."""
    tries: tuple[Try, ...] = ()
    now: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The edits that were set last; any other values are a person's."""
    before: dict[str, dict[str, Any]] | None = None
    """The edits before those, while it is not certain that they were set."""
    most: int = 0
    """Tries that a person asked for; 0 takes the setting."""


@dataclass(frozen=True, slots=True)
class BestOf:
    """Artifact `best.json`: the tries of a language, and what they needed."""

    spent: Spent = field(default_factory=Spent)
    units: dict[str, Unit] = field(default_factory=dict)
    reproducible: bool = True
    """False where a budget of minutes decided which takes were made."""
    version: int = VERSION


def read_tries(context: Context) -> BestOf:
    """Return the tries of a language; none before the first. Raises ArtifactDamaged."""
    if not context.store.has(FILE, context.language):
        return BestOf()
    return context.store.read(FILE, BestOf, context.language)


def may_mend(flag: str) -> bool:
    """Tell whether a line with a flag should get another take: one that is not mild, and of the take."""
    check = CHECKS.get(flag)
    return check is not None and check.retake and not check.mild


def passing(record: Record | None) -> bool:
    """Tell whether a line failed for a reason that may pass, which no seed changes."""
    return record is not None and any(said.code == FOR_NOW for said in record.remarks)


def marks_of(segment: Segment, line: Line, record: Record | None, measured: LineQc | None) -> Marks:
    """Return how the take of a line came out, from its record of `speak` and its measures."""
    if record is None or record.error or record.value is None:
        return Marks((FAILED,))
    spoken = decode_json(canonical(record.value), SpokenLine)
    parts = {"fit": 0.0 if spoken.fit == "cut" else _evenness(spoken.speed)}
    if measured is None:
        return Marks((), parts)
    earlier = {*segment.flags, *line.flags}
    flags = tuple(flag for flag in measured.flags if flag not in earlier and may_mend(flag))
    if measured.word_error is not None:
        parts["words"] = 1.0 - min(1.0, measured.word_error)
    for name, value in (measured.measures or {}).items():
        check = CHECKS.get(name)
        if check is not None and check.score is not None and not isinstance(value, str):
            parts[name] = min(1.0, max(0.0, check.score(value)))
    return Marks(flags, {name: round(value, 4) for name, value in sorted(parts.items())})


def _evenness(speed: float) -> float:
    """Return 1 for the voice's own pace, and less the faster or slower it is."""
    return min(speed, 1.0 / speed) if speed > 0 else 0.0


def scores(tries: Sequence[Try]) -> list[float]:
    """Return the score of each try, 0 to 1, from the parts that all of them have; -1 for one that failed.

    It is the mean over the parts of a line, and over the lines.
    """
    whole = [one for one in tries if one.measured and FAILED not in one.flags]
    shared: dict[str, set[str]] = {}
    for one in whole:
        for line, marks in one.marks.items():
            shared[line] = shared.get(line, set(marks.parts)) & marks.parts.keys()
    found = []
    for one in tries:
        if one not in whole:
            found.append(-1.0)
            continue
        lines = [[marks.parts[name] for name in sorted(shared[line])] for line, marks in one.marks.items()]
        means = [sum(parts) / len(parts) for parts in lines if parts]
        found.append(round(sum(means) / len(means), 6) if means else 0.0)
    return found


def best_try(tries: Sequence[Try]) -> Try:
    """Return the best of the measured tries: one with fewest flags, of those the one with the highest score.

    Of equals, the earliest. One that failed comes after all others.
    """
    judged = [
        (FAILED in one.flags, len(one.flags), -score, number)
        for number, (one, score) in enumerate(zip(tries, scores(tries), strict=True))
        if one.measured
    ]
    return tries[min(judged)[3]]


def settled_values(unit: Unit) -> dict[str, dict[str, Any]]:
    """Return the edits with which the best take of a unit is in use.

    Another seed brings back speech that was made with it. A clip is chosen by its take, as making it again
    takes more than the step that keeps takes.
    """
    best = best_try(unit.tries)
    if FAILED in best.flags:
        return unit.now  # nothing was made that could be brought back
    if not unit.clips or best is unit.tries[-1]:
        return best.values
    chosen: dict[str, dict[str, Any]] = {}
    for line in unit.lines:
        kept = {*unit.clips_of.get(line, ()), line}
        takes = [take for take in best.takes if take.partition("/")[0] in kept]
        chosen[line] = {**unit.now.get(line, {}), "takes": takes or None}
    return chosen


def without_last(state: BestOf, unit: Unit) -> tuple[BestOf, dict[str, dict[str, Any]]]:
    """Return the tries without the last one of a unit, which was not made, and the edits to set back."""
    lost = unit.tries[-1]
    earlier = replace(unit, tries=unit.tries[:-1], before=unit.now)
    values = settled_values(earlier)
    units = {**state.units, unit.name: replace(earlier, now=values)}
    back = {line: {**dict.fromkeys(SEEDS), **own} for line, own in values.items()}
    return replace(state, units=units, spent=less(state.spent, lost.spent)), back


def less(one: Spent, other: Spent) -> Spent:
    """Return an amount without another one that is part of it."""
    return one + Spent(-other.calls, -other.seconds, -other.money)


def total_of(amounts: Iterable[Spent]) -> Spent:
    return sum(amounts, Spent())
