"""How well the lines of a dub keep the time of the source, in figures that a listener would notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Span = tuple[float, float]
"""Start and end in seconds on the episode clock."""

QUICK = 1.10
FAST = 1.20
RUSHED = 1.35
"""Paces against the voice's own above which a listener notices that a line is hurried."""


@dataclass(frozen=True, slots=True)
class TimedLine:
    """One line as it is heard in the source and in the dub; times in seconds on the episode clock."""

    id: str
    source: Span
    dub: Span | None
    """None where it is not spoken."""
    pace: float | None = None
    """Against the voice's own: 1.2 is a fifth faster; None where that is not known."""
    cut: bool = False
    """Whether words are lost because its time was over."""
    too_long: float = 0.0
    """Seconds that its text is too long for the fastest acceptable pace, wherever it is placed."""
    seen: bool = False
    """Whether the picture shows the speaker's mouth."""
    first_words: int = 0
    """Words of the first translation."""
    words: int = 0
    """Words of the text that is spoken."""

    @property
    def start_error(self) -> float | None:
        """Seconds that it starts late, below 0 early; None where it is not spoken."""
        return None if self.dub is None else self.dub[0] - self.source[0]


@dataclass(frozen=True, slots=True)
class TimingFigures:
    """Figures of an episode's timing. Shares are of the lines that are spoken; None where nothing tells."""

    lines: int
    """Those that are spoken."""
    cut: int
    over_110: int
    over_120: int
    over_135: int
    too_long: int
    """Lines whose text is too long wherever it is placed."""
    overlap: float | None
    """Share of the time in which the source speaks that the dub speaks too."""
    talking_over: float
    """Most seconds that two lines of the dub are heard together beyond what they were in the source."""
    start_error_median: float | None
    """Of the distances of the starts, in seconds, early or late."""
    start_error_worst: float | None
    seen_start_error_worst: float | None
    """Of the lines whose speaker's mouth is seen."""
    words_lost: int
    """Words of the first translations that the texts chosen for their length have less."""
    first_words: int
    """Words of the first translations."""

    def share(self, lines: int) -> float | None:
        """Return a number of lines as a share of those that are spoken."""
        return lines / self.lines if self.lines else None


def timing_figures(
    lines: Iterable[TimedLine],
    *,
    source_speech: Sequence[Span] | None = None,
    dub_speech: Sequence[Span] | None = None,
) -> TimingFigures:
    """Return the figures of some lines.

    `source_speech` and `dub_speech` are when source and dub speak, where that was measured; else they
    speak during their lines.
    """
    lines = list(lines)
    spoken = [line for line in lines if line.dub is not None]
    dub = [line.dub for line in lines if line.dub is not None]
    errors = [abs(error) for line in spoken if (error := line.start_error) is not None]
    seen = [abs(error) for line in spoken if line.seen and (error := line.start_error) is not None]
    source_spans = [line.source for line in lines] if source_speech is None else source_speech
    return TimingFigures(
        lines=len(spoken),
        cut=sum(line.cut for line in spoken),
        over_110=faster_than(QUICK, spoken),
        over_120=faster_than(FAST, spoken),
        over_135=faster_than(RUSHED, spoken),
        too_long=sum(line.too_long > 0 for line in spoken),
        overlap=covered(source_spans, dub if dub_speech is None else dub_speech),
        talking_over=talking_over(spoken),
        start_error_median=median(errors) if errors else None,
        start_error_worst=max(errors, default=None),
        seen_start_error_worst=max(seen, default=None),
        words_lost=sum(max(0, line.first_words - line.words) for line in lines),
        first_words=sum(line.first_words for line in lines),
    )


def faster_than(pace: float, lines: Iterable[TimedLine]) -> int:
    """Count the lines that are faster than a pace, as people read paces: to a hundredth."""
    return sum(line.pace is not None and round(line.pace, 2) > pace for line in lines)


def covered(spans: Iterable[Span], by: Iterable[Span]) -> float | None:
    """Return the share of the time of some spans that others cover; None where the spans have no length.

    >>> covered([(0.0, 2.0), (3.0, 5.0)], [(1.0, 4.0)])
    0.5
    """
    wanted, there = joined(spans), joined(by)
    length = sum(end - start for start, end in wanted)
    if not length:
        return None
    both, first = 0.0, 0
    for start, end in wanted:
        while first < len(there) and there[first][1] <= start:
            first += 1
        for other_start, other_end in there[first:]:
            if other_start >= end:
                break
            both += min(end, other_end) - max(start, other_start)
    return both / length


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order of time, those that touch or overlap put together, without empty ones."""
    whole: list[Span] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    return whole


def talking_over(lines: Iterable[TimedLine]) -> float:
    """Return the most seconds that two lines are heard together beyond what they were in the source."""
    ordered = sorted((line.dub, line.source) for line in lines if line.dub is not None)
    most = 0.0
    for position, (dub, source) in enumerate(ordered):
        for later_dub, later_source in ordered[position + 1 :]:
            if later_dub[0] >= dub[1]:
                break
            most = max(most, _together(dub, later_dub) - max(0.0, _together(source, later_source)))
    return most


def talked_over(lines: Iterable[TimedLine], speakers: Mapping[str, str]) -> dict[str, float]:
    """Return line -> most seconds that a line of somebody else is heard with it, beyond what it was before.

    `speakers` holds the speaker of each line. A line that nobody talks over has no entry.
    """
    ordered = sorted((line.dub, line.source, line.id) for line in lines if line.dub is not None)
    found: dict[str, float] = {}
    for position, (dub, source, name) in enumerate(ordered):
        for later_dub, later_source, other in ordered[position + 1 :]:
            if later_dub[0] >= dub[1]:
                break
            over = _together(dub, later_dub) - max(0.0, _together(source, later_source))
            if over > 0 and speakers[name] != speakers[other]:
                found[name], found[other] = max(found.get(name, 0.0), over), max(found.get(other, 0.0), over)
    return found


def _together(one: Span, other: Span) -> float:
    return min(one[1], other[1]) - max(one[0], other[0])
