"""Frames of what is said: seconds become frames exactly, at fixed and at variable rates.

Frame n is on screen from its own time to that of the next. Ranges of frames are first and one past the last.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dubkit.types import Segment, VideoStream

Range = tuple[int, int]

ROUNDING = Fraction(1, 1_000_000)
"""Seconds that a time may be off and still name the frame edge it was rounded from."""
NOTABLE = Fraction(1, 10)
"""Seconds outside the picture that are reported; recognisers overshoot by less."""


@dataclass(frozen=True, slots=True)
class LineSpan:
    """The frames on screen while a line is spoken: `first`, and `end`, one past the last."""

    line: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class FrameClock:
    """When every frame comes on screen, in exact seconds from the episode's zero.

    `time_of(n)` is the time of frame n for 0 <= n < `frames`; `time_of(frames)` is the end of the picture.
    """

    frames: int
    time_of: Callable[[int], Fraction]

    @classmethod
    def even(cls, video: VideoStream) -> FrameClock:
        """Return the clock of a picture of fixed rate."""
        return cls(video.frames, lambda number: video.start + number / video.rate)

    @classmethod
    def listed(cls, times: Sequence[Fraction], end: Fraction) -> FrameClock:
        """Return the clock of a picture whose frames come at `times`, ascending, and that lasts to `end`."""
        return cls(len(times), [*times, max([end, *times[-1:]])].__getitem__)

    def shown(self, start: float, end: float) -> Range:
        """Return the frames on screen between two moments; an empty range where there are none.

        A frame counts if any part of it is on screen in that time.
        """
        first, last = Fraction(start), Fraction(end)
        if last - first <= ROUNDING or first >= self.time_of(self.frames) - ROUNDING:
            edge = self.edges(first, first)[0]
            return edge, edge
        begun = bisect_right(range(self.frames), first + ROUNDING, key=self.time_of)
        due = self._due(last - ROUNDING)
        return min(max(begun - 1, 0), due), due

    def edges(self, start: float | Fraction, end: float | Fraction) -> Range:
        """Return the frames that begin between two moments, as the first and the last of them.

        Where no frame begins, both are the next one: a split between two words falls on it.
        """
        first = self._due(Fraction(start) - ROUNDING)
        after = bisect_right(range(self.frames), Fraction(end) + ROUNDING, key=self.time_of)
        return first, max(first, after - 1)

    def _due(self, moment: Fraction) -> int:
        """Return the first frame that begins at a moment or later."""
        return bisect_left(range(self.frames), moment, key=self.time_of)


def line_spans(
    lines: Iterable[tuple[str, float, float]], clock: FrameClock
) -> tuple[tuple[LineSpan, ...], dict[str, str]]:
    """Return the frames of lines (id, start, end in seconds), cut to the picture, and remarks.

    A line that has no frame gets no span. The remarks say why, and which lines were shortened.
    """
    spans: list[LineSpan] = []
    remarks: dict[str, str] = {}
    for line, start, end in lines:
        if not clock.frames:
            remarks[line] = "the source has no picture"
            continue
        first, last = clock.shown(start, end)
        if last > first:
            spans.append(LineSpan(line, first, last))
            before = clock.time_of(0) - Fraction(start)
            after = Fraction(end) - clock.time_of(clock.frames)
            outside = max(before, Fraction(0)) + max(after, Fraction(0))
            if outside > NOTABLE:
                remarks[line] = f"{float(outside):.1f} s of the line lie outside the picture"
        elif end <= start:
            remarks[line] = "the line has no length"
        else:
            remarks[line] = "no frame of the picture is shown during the line"
    return tuple(spans), remarks


def silences(segments: Iterable[Segment], clock: FrameClock) -> tuple[Range, ...]:
    """Return the frames on which speech may be split: between two words, where nobody else speaks.

    A segment without words, such as one whose text was written anew, is one block. Both ends of a range are
    frames on which a new clip may begin.
    """
    spoken = sorted(
        piece
        for segment in segments
        for piece in ([(word.start, word.end) for word in segment.words] or [(segment.start, segment.end)])
    )
    found: list[Range] = []
    until = spoken[0][1] if spoken else 0.0
    for start, end in spoken[1:]:
        if start >= until:
            found.append(clock.edges(until, start))
        until = max(until, end)
    return tuple(found)
