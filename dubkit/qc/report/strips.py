"""Strips and figures of the timing as the report draws and words them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dubkit.qc.numbers import DASH, count, percent
from dubkit.qc.report.model import LineCard, LineTimes
from dubkit.qc.timing import FAST, QUICK, RUSHED, Span, TimingFigures
from dubkit.types import EpisodeQc

SLOW = 0.95
"""Pace against the voice's own below which a line is drawn out."""

NOTICED = 0.02
"""Seconds that a start is off before it is worth a word."""

MARGIN = 0.04
"""Share of a strip that is left free at each end."""

Tone = Literal["slow", "natural", "quick", "fast", "rushed", "cut", "unknown"]

WORDS: dict[Tone, str] = {
    "slow": "slow",
    "natural": "natural",
    "quick": "quick",
    "fast": "fast",
    "rushed": "rushed",
    "cut": "cut short",
    "unknown": "pace not known",
}
"""What the report calls the paces; the colours only repeat it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a strip, in percent of its width."""

    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Strip:
    """One line in the source and in the dub, on one scale."""

    source: Bar
    dub: Bar | None
    """None where it is not spoken."""
    own_pace: Bar | None
    """How long it would last at the voice's own pace."""
    tone: Tone
    lead: str
    """The same in words: `1.08x, natural`."""
    rest: str
    """And what is to be added: `: 4.2 s at the voice's own pace, 3.9 s spoken; starts 0.10 s late`."""


@dataclass(frozen=True, slots=True)
class TimingRow:
    """One figure of the table: what, how much, and what that means."""

    label: str
    value: str
    note: str = ""
    marked: bool = False


def strip_of(line: LineCard) -> Strip | None:
    """Return the strip of a line; None where nothing is known of its timing."""
    times = line.times
    if times is None:
        return None
    dub = (line.dub_start, line.dub_end) if times.spoken else None
    begin = dub[0] if dub else line.start if times.given_start is None else times.given_start
    own = (begin, begin + times.predicted) if times.predicted else None
    spans = [span for span in ((line.start, line.end), dub, own) if span is not None]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    scale = max(last - first, 0.001)

    def bar(span: Span) -> Bar:
        free = 100 * MARGIN
        left, right = ((at - first) / scale * (100 - 2 * free) + free for at in span)
        return Bar(round(left, 2), round(right - left, 2))

    tone: Tone = "cut" if line.fit == "cut" else tone_of(times.pace)
    return Strip(
        source=bar((line.start, line.end)),
        dub=bar(dub) if dub else None,
        own_pace=bar(own) if own else None,
        tone=tone,
        lead=WORDS[tone] if times.pace is None else f"{times.pace:.2f}\u00d7, {WORDS[tone]}",
        rest=_lengths(line, times) + "".join(f"; {said}" for said in _misses(times)),
    )


def tone_of(pace: float | None) -> Tone:
    """Return how a pace is heard, as people read it: to a hundredth."""
    if pace is None:
        return "unknown"
    read = round(pace, 2)
    if read > FAST:
        return "rushed" if read > RUSHED else "fast"
    if read > QUICK:
        return "quick"
    return "slow" if read < SLOW else "natural"


def _lengths(line: LineCard, times: LineTimes) -> str:
    lasts = line.dub_end - line.dub_start if times.spoken else times.given
    if times.predicted is None or not lasts:
        return ""
    how = "spoken" if times.spoken else "given"
    return f": {times.predicted:.1f} s at the voice's own pace, {lasts:.1f} s {how}"


def _misses(times: LineTimes) -> Iterator[str]:
    if times.too_long:
        yield f"too long by {times.too_long:.1f} s"
    if times.start_error is not None and abs(times.start_error) >= NOTICED:
        yield f"starts {abs(times.start_error):.2f} s {'late' if times.start_error > 0 else 'early'}"


def timing_rows(figures: TimingFigures, measured: EpisodeQc) -> list[TimingRow]:
    """Return the table of an episode's timing."""
    rows = [
        _lines("Cut short", figures.cut, figures, "words are lost at their end", marked=figures.cut > 0),
        _lines(
            "Faster than 1.2\u00d7", figures.over_120, figures, _dense(figures), marked=figures.over_120 > 0
        ),
        _lines("Faster than 1.1\u00d7", figures.over_110, figures, "those above among them"),
        TimingRow(
            "Spoken together", percent(figures.overlap), "of the time of the source's lines, the dub speaks"
        ),
        TimingRow("Start, median", _seconds(figures.start_error_median), "early or late against the source"),
        TimingRow("Start, worst", _seconds(figures.start_error_worst), _seen(figures)),
        TimingRow("Line over line", _seconds(figures.talking_over), "at most, beyond what the source has"),
    ]
    if figures.first_words:
        lost = f"{figures.words_lost:,} of {figures.first_words:,}"
        rows.append(TimingRow("Words left out", lost, "of the first translation, so that lines fit"))
    if measured.word_error is not None:
        heard = f"heard by {measured.listener.name}" if measured.listener else "when the dub is heard again"
        rows.append(TimingRow("Words heard otherwise", percent(measured.word_error), heard))
    return rows


def _lines(label: str, number: int, figures: TimingFigures, note: str, *, marked: bool = False) -> TimingRow:
    value = f"{number:,} of {figures.lines:,} ({percent(figures.share(number))})" if figures.lines else DASH
    return TimingRow(label, value, note, marked)


def _dense(figures: TimingFigures) -> str:
    if not figures.too_long:
        return "than the voice's own pace"
    return f"{count(figures.too_long, 'line')} too long wherever placed"


def _seen(figures: TimingFigures) -> str:
    if figures.seen_start_error_worst is None:
        return ""
    return f"{_seconds(figures.seen_start_error_worst)} where the mouth is seen"


def _seconds(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f} s"
