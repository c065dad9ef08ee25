"""The spoken lines of a mix, read from their files between any two samples of the episode."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.media.sound import loudness
from dubkit.media.sound.audio import open_wav, read_open

if TYPE_CHECKING:
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

_OPEN_FILES = 8


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A placement with the samples it covers."""

    id: str
    speaker: str
    speech: Path
    start: int
    end: int
    source: loudness.Span
    core: loudness.Span
    """Speech and source line together."""
    heard: bool = True
    louder_db: float = 0.0
    placed: bool = False
    tail: int = 0
    recorded: bool = False

    @property
    def reach(self) -> loudness.Span:
        """The core, and the echo after it."""
        return self.core[0], max(self.core[1], self.end)


class Voices:
    """The speech of all lines at their gains; mono speech is panned with `pan`, one gain per channel.

    Only the files read last stay open.
    """

    def __init__(self, stack: ExitStack, lines: Sequence[PlacedLine], pan: NDArray[np.float64]) -> None:
        self._lines, self.pan = lines, pan
        self.mono = not any(line.placed for line in lines)
        """Whether every voice is the same sound in all channels, but for its level."""
        self._order = sorted(range(len(lines)), key=lambda number: lines[number].start)
        self._starts = [lines[number].start for number in self._order]
        self._longest = max((line.end - line.start for line in lines), default=0)
        self._files: dict[Path, tuple[ExitStack, sf.SoundFile]] = {}
        stack.callback(self._close)

    def between(self, start: int, end: int) -> list[PlacedLine]:
        """Return the lines that are heard between two samples, in the order they were placed in."""
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_left(self._starts, end)
        near = (self._lines[number] for number in sorted(self._order[first:last]))
        return [line for line in near if line.start < end and line.end > start]

    def add(self, sound: Samples, gains: Mapping[str, float], start: int, end: int) -> Samples:
        """Add the voices to the sound between two samples, `(n, C)`, in place."""
        for line, a, b, speech in self._read(start, end):
            gain = 10 ** (gains[line.id] / 20)
            inside = sound[a - start : b - start]
            if line.placed:
                inside += speech * gain
                continue
            for channel, level in enumerate(self.pan):
                if level:
                    inside[:, channel] += speech[:, 0] * (gain * level)
        return sound

    def alone(self, gains: Mapping[str, float], start: int, end: int) -> Samples:
        """Return the voices between two samples, `(n, C)`; where all are `mono`, `(n, 1)` before panning."""
        import numpy as np

        if not self.mono:
            return self.add(np.zeros((end - start, len(self.pan))), gains, start, end)
        sound = np.zeros((end - start, 1))
        for line, a, b, speech in self._read(start, end):
            sound[a - start : b - start] += speech * 10 ** (gains[line.id] / 20)
        return sound

    def _read(self, start: int, end: int) -> Iterator[tuple[PlacedLine, int, int, Samples]]:
        for line in self.between(start, end):
            a, b = max(start, line.start), min(end, line.end)
            yield line, a, b, read_open(self._open(line.speech), a - line.start, b - line.start)

    def _open(self, path: Path) -> sf.SoundFile:
        if path not in self._files:
            while len(self._files) >= _OPEN_FILES:
                self._files.pop(next(iter(self._files)))[0].close()
            stack = ExitStack()
            self._files[path] = stack, stack.enter_context(open_wav(path))
        return self._files[path][1]

    def _close(self) -> None:
        for stack, _ in self._files.values():
            stack.close()
        self._files.clear()


def pan_of(roles: Sequence[str]) -> NDArray[np.float64]:
    """Gain of mono speech in each channel, with a total power of 1 so that its loudness is that of mono."""
    import numpy as np

    for wanted in (("FC",), ("FL", "FR"), tuple(roles)):
        if all(role in roles for role in wanted):
            break
    level = len(wanted) ** -0.5
    return np.array([level if role in wanted else 0.0 for role in roles])
