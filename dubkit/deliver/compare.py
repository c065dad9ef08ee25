"""A film beside the episode that it was made from: which seconds are the source's, and which the dub's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.deliver.statement import Origin, TrackStatement
from dubkit.deliver.timeline import picture_track, seconds_of, sound_track
from dubkit.episode.context import Context, finished_languages
from dubkit.media.delivery.verify import same_frames
from dubkit.media.sound.audio import read_span
from dubkit.types import SAMPLE_RATE
from stages.shared.finished_dub import SOUND

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

ALIKE = 0.05
"""Share of a second's energy that may differ between a coded sound and what it was coded from: -13 dB."""

REACH = SAMPLE_RATE // 10
"""Samples that a file may be off the episode's clock."""

SILENT = 1e-4
"""Level (root mean square) below which a second is silence."""

_ALIGNING = 30


class Comparison:
    """The finished dubs of an episode, to compare films with."""

    def __init__(self, context: Context) -> None:
        self.context = context
        tags = finished_languages(context)
        self.dubs = [context.fresh(tag) for tag in tags if context.store.has(SOUND, tag)]

    def picture(self, file: Path) -> list[Origin | None]:
        """Say for each second where a film's first picture comes from; None where that cannot be told."""
        frames = same_frames(self.context.source, file, self.context.episode)
        statements = [track for dub in self.dubs if (track := picture_track(dub, 0)) and track.stretches]
        found: list[Origin | None] = []
        by_second: dict[int, list[bool]] = {}
        for time, same in frames:
            by_second.setdefault(int(time + 0.001), []).append(same)
        for second in range(max(by_second, default=-1) + 1):
            if all(by_second.get(second, [False])):
                found.append("source")
                continue
            said = (seconds_of(track.stretches, second) for track in statements)
            found.append(next((origin for origin in said if origin), None))
        return found

    def sound(self) -> SoundComparison:
        """Begin to compare a sound track."""
        mixes = [(sound_track(dub, 0), dub.store.path(SOUND, dub.language)) for dub in self.dubs]
        return SoundComparison(self.context.audio, mixes)


class SoundComparison:
    """Compares a sound that is fed piece by piece with a source and its dubs."""

    def __init__(self, source: Path, mixes: Sequence[tuple[TrackStatement, Path]]) -> None:
        import numpy as np

        self._source, self._mixes = source, mixes
        self._rest = np.zeros(0)
        self._lag: int | None = None
        self._found: list[Origin | None] = []

    def feed(self, sound: Samples) -> None:
        """Take the next samples, `(n,)` at 48 kHz."""
        import numpy as np

        self._rest = np.concatenate([self._rest, sound])
        if len(self._rest) >= _ALIGNING * SAMPLE_RATE:
            self._compare(len(self._rest) // SAMPLE_RATE)

    def seconds(self) -> list[Origin | None]:
        """Say for each second where it comes from; None where it is like neither source nor dub."""
        self._compare(-(-len(self._rest) // SAMPLE_RATE))
        return self._found

    def _compare(self, count: int) -> None:
        if self._lag is None:
            self._lag = _lag(self._rest, _mono(self._source, 0, len(self._rest)))
        for number in range(count):
            here = self._rest[number * SAMPLE_RATE : (number + 1) * SAMPLE_RATE]
            self._found.append(self._second(here, len(self._found), self._lag))
        self._rest = self._rest[count * SAMPLE_RATE :]

    def _second(self, here: Samples, second: int, lag: int) -> Origin | None:
        import numpy as np

        if float(np.sqrt(np.mean(np.square(here)))) < SILENT:
            return "silence"
        start = second * SAMPLE_RATE - lag
        if _difference(here, _mono(self._source, start, len(here))) < ALIKE:
            return "source"
        for track, mix in self._mixes:
            if _difference(here, _mono(mix, start, len(here))) < ALIKE:
                return seconds_of(track.stretches, second) or "source"
        return None


def _mono(file: Path, start: int, length: int) -> Samples:
    """Return samples of a file as they are heard; silence before its beginning and after its end."""
    import numpy as np

    from dubkit.deliver.hear import CENTRE

    sound = read_span(file, max(0, start), max(0, start + length))
    mono = sound[:, CENTRE] if sound.shape[1] > 2 else sound.mean(axis=1)
    before = min(length, max(0, -start))
    whole = np.zeros(length)
    whole[before : before + len(mono)] = mono[: length - before]
    return whole


def _lag(samples: Samples, source: Samples) -> int:
    """Return how many samples later a sound is than its source, where they are alike; else 0."""
    import numpy as np
    from scipy.signal import correlate  # type: ignore[import-untyped]

    count = min(len(samples), len(source), _ALIGNING * SAMPLE_RATE)
    found = correlate(samples[:count], source[:count], mode="full", method="fft")
    middle = count - 1
    near = found[max(0, middle - REACH) : middle + REACH + 1]
    return int(near.argmax()) - min(REACH, middle) if len(near) and np.abs(near).max() > 0 else 0


def _difference(one: Samples, other: Samples) -> float:
    """Return the share of a sound's energy that another one does not explain, whatever its level."""
    import numpy as np

    energy = float(np.square(other).sum())
    whole = float(np.square(one).sum())
    if not energy or not whole:
        return 1.0
    gain = float((one * other).sum()) / energy
    return float(np.square(one - gain * other).sum()) / whole
