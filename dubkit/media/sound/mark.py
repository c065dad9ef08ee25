"""An inaudible mark on generated speech, and how it is found again.

The short-time spectrum of the speech is made a little louder or softer: `STRENGTH_DB` up or down in each of
`BANDS` bands for `HALF` samples, then the other way round for as many. Which way comes first is fixed for
each slot and band, and repeats every `SLOTS` slots of the episode's clock. Whatever the speech does is left
out of the comparison of the two halves, so many slots together show the pattern where no single one does.

The pattern is public: the mark says that speech was generated to whoever looks for it. It proves nothing
against somebody who removes it, and nothing is signed by it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

STRENGTH_DB = 0.75
"""How far a band goes up or down. The change lies 23 dB or more below the speech of the same moment."""

HALF = 512
"""Samples of half a slot: 10.7 ms."""

SLOTS = 48
"""Slots of the pattern: it repeats after 1.024 s."""

BANDS = 20
"""Bands of `BINS` bins each, from 281 Hz to 7.8 kHz."""

BINS = 4
FIRST_BIN = 3

WINDOW = 512
HOP = WINDOW // 4

SURE = 6.0
"""Standard deviations from which a pattern that was looked for at every place counts as found."""

THERE = 3.5
"""Standard deviations from which three seconds are marked, where the place of the pattern is known."""

LEAST = 1.0
"""Standard deviations that the second in the middle must have of its own."""

STRETCH = 15
"""Seconds in which a pattern is looked for; a film that was cut has it at several places."""

_STEP = 2 * HALF // HOP  # spectra of a slot
_CLIP_DB = 6.0
_FLOOR_DB = 60.0
_PIECE = SAMPLE_RATE * 30
_BLOCK = 4096


def mark_speech(speech: Samples, start_sample: int) -> Samples:
    """Return speech with the mark, `(n,)` or `(n, C)` as given, of the same length.

    `start_sample` is its place on the episode's clock (48 kHz).
    """
    import numpy as np

    if speech.ndim == 2:
        return np.stack([mark_speech(channel, start_sample) for channel in speech.T], axis=1)
    window = np.sqrt(_window())
    padded = np.concatenate([np.zeros(WINDOW), speech, np.zeros(2 * WINDOW)])
    count = (len(padded) - WINDOW) // HOP + 1
    marked = np.zeros(len(padded))
    for first in range(0, count, _BLOCK):
        numbers = np.arange(first, min(count, first + _BLOCK))
        spectra = np.fft.rfft(_frames(padded, numbers) * window)
        # The middle of spectrum k lies at sample k * HOP - WINDOW / 2 of the speech.
        spectra *= _gains(start_sample - WINDOW // 2 + numbers * HOP)
        sounds = np.fft.irfft(spectra, WINDOW) * window / 2.0
        for number, sound in zip(numbers, sounds, strict=True):
            marked[number * HOP : number * HOP + WINDOW] += sound
    return marked[WINDOW : WINDOW + len(speech)]


class MarkFinder:
    """Looks for the mark in sound that is fed piece by piece."""

    def __init__(self) -> None:
        import numpy as np

        self._rest = np.zeros(WINDOW // 2)
        self._spectra = 0
        self._samples = 0
        self._scores: list[Samples] = []
        self._powers: list[Samples] = []

    def feed(self, sound: Samples) -> None:
        """Take the next samples, `(n,)` at 48 kHz."""
        import numpy as np

        self._samples += len(sound)
        self._rest = np.concatenate([self._rest, sound])
        while len(self._rest) >= _PIECE:
            self._look(_PIECE)

    def seconds(self) -> list[bool]:
        """Say for each second of the sound whether it holds marked speech; to be asked once, at the end."""
        import numpy as np

        self._rest = np.concatenate([self._rest, np.zeros(WINDOW)])
        self._look(len(self._rest))
        length = -(-self._samples // SAMPLE_RATE)
        scores = _padded(self._scores, length, (_STEP, SLOTS))
        powers = _padded(self._powers, length, (_STEP,))
        marked = np.zeros(length, dtype=bool)
        for place in _places(scores, powers):
            own = _deviations(scores, powers, place)
            around = _deviations(_around(scores), _around(powers), place)
            marked |= (around >= THERE) & (own >= LEAST)
        return [bool(value) for value in marked]

    def _look(self, count: int) -> None:
        """Score the spectra of the first `count` samples; keep what the next ones need."""
        import numpy as np

        ahead = 2 * HALF  # what a spectrum is compared with lies up to a slot later
        number = (count - WINDOW - ahead) // HOP + 1
        if number < 1:
            return
        levels = _levels(self._rest, number + _STEP)
        differences = _differences(levels)
        projected = differences @ _pattern().T  # (spectra, SLOTS)
        power = np.square(differences).sum(axis=1)
        numbers = self._spectra + np.arange(number)
        slots, phases = numbers // _STEP, numbers % _STEP
        turned = np.take_along_axis(projected, (slots[:, None] - np.arange(SLOTS)) % SLOTS, axis=1)
        for second in np.unique(numbers * HOP // SAMPLE_RATE):
            here = numbers * HOP // SAMPLE_RATE == second
            while len(self._scores) <= second:
                self._scores.append(np.zeros((_STEP, SLOTS)))
                self._powers.append(np.zeros(_STEP))
            np.add.at(self._scores[second], phases[here], turned[here])
            np.add.at(self._powers[second], phases[here], power[here])
        self._spectra += number
        self._rest = self._rest[number * HOP :]


def _pattern() -> Samples:
    """Return which way comes first, `(SLOTS, BANDS)` of 1 and -1."""
    import numpy as np

    count = -(-SLOTS * BANDS // 256)
    drawn = b"".join(hashlib.sha256(f"dubkit mark {number}".encode()).digest() for number in range(count))
    bits = np.unpackbits(np.frombuffer(drawn, np.uint8))[: SLOTS * BANDS]
    return np.asarray(bits.reshape(SLOTS, BANDS) * 2.0 - 1.0, dtype=np.float64)


def _gains(middles: NDArray[np.int64]) -> Samples:
    """Return the factor of every bin for spectra around samples of the clock, `(n, WINDOW / 2 + 1)`."""
    import numpy as np

    halves = middles // HALF
    ways = _pattern()[(halves // 2) % SLOTS] * np.where(halves % 2, -1.0, 1.0)[:, None]
    steps = np.zeros((len(middles), WINDOW // 2 + 1))
    steps[:, FIRST_BIN : FIRST_BIN + BANDS * BINS] = np.repeat(ways, BINS, axis=1) * STRENGTH_DB
    return np.asarray(np.power(10.0, steps / 20.0), dtype=np.float64)


def _window() -> Samples:
    import numpy as np

    window: Samples = np.hanning(WINDOW + 1)[:-1]
    return window


def _frames(sound: Samples, numbers: NDArray[np.int64]) -> Samples:
    import numpy as np

    frames: Samples = sound[numbers[:, None] * HOP + np.arange(WINDOW)]
    return frames


def _levels(sound: Samples, count: int) -> Samples:
    """Return the mean level of each band of `count` spectra in dB, `(count, BANDS)`."""
    import numpy as np

    levels = np.empty((count, BANDS))
    sound = np.concatenate([sound, np.zeros(max(0, (count - 1) * HOP + WINDOW - len(sound)))])
    for first in range(0, count, _BLOCK):
        numbers = np.arange(first, min(count, first + _BLOCK))
        spectra = np.fft.rfft(_frames(sound, numbers) * _window())
        bins = np.square(np.abs(spectra[:, FIRST_BIN : FIRST_BIN + BANDS * BINS]))
        levels[first : first + len(numbers)] = (
            (10.0 * np.log10(bins + 1e-12)).reshape(len(numbers), BANDS, BINS).mean(axis=2)
        )
    return levels


def _differences(levels: Samples) -> Samples:
    """Return how much louder each band is in half a slot than in the next half, `(n - _STEP, BANDS)`.

    What all bands do together is taken out; bands that are next to silent say nothing.
    """
    import numpy as np

    half = _STEP // 2
    sums = np.cumsum(np.vstack([np.zeros((1, BANDS)), levels]), axis=0)
    means = (sums[half:] - sums[:-half]) / half
    before, after = means[: len(levels) - _STEP], means[half : len(levels) - _STEP + half]
    heard = np.minimum(before, after) > levels.max() - _FLOOR_DB
    found = np.where(heard, before - after, np.nan)
    silent = ~heard.any(axis=1)
    found[silent] = 0.0
    found -= np.nanmedian(found, axis=1, keepdims=True)
    clipped: Samples = np.clip(np.nan_to_num(found), -_CLIP_DB, _CLIP_DB)
    return clipped


def _padded(parts: list[Samples], length: int, shape: tuple[int, ...]) -> Samples:
    import numpy as np

    whole = np.zeros((length, *shape))
    for number, part in enumerate(parts[:length]):
        whole[number] = part
    return whole


def _places(scores: Samples, powers: Samples) -> list[tuple[int, int]]:
    """Return where in the pattern the sound may begin: for the whole of it, and for stretches of it."""
    import numpy as np

    length = len(scores)
    starts = range(0, max(1, length - STRETCH + 1), max(1, STRETCH // 3))
    spans = {(0, length), *((start, min(length, start + STRETCH)) for start in starts)}
    found = set()
    for first, last in sorted(spans):
        power = np.sqrt(powers[first:last].sum(axis=0) + 1e-9)[:, None]
        sure = scores[first:last].sum(axis=0) / power
        phase, slot = np.unravel_index(int(sure.argmax()), sure.shape)
        if sure[phase, slot] >= SURE:
            found.add((int(phase), int(slot)))
    return sorted(found)


def _deviations(scores: Samples, powers: Samples, place: tuple[int, int]) -> Samples:
    """Return for each second how far the pattern at a place stands out, in standard deviations."""
    import numpy as np

    phase, slot = place
    found: Samples = scores[:, phase, slot] / np.sqrt(powers[:, phase] + 1e-9)
    return found


def _around(values: Samples) -> Samples:
    """Return the sums over each second and the two beside it."""
    import numpy as np

    edge = np.zeros((1, *values.shape[1:]))
    wide = np.concatenate([edge, values, edge])
    summed: Samples = wide[:-2] + wide[1:-1] + wide[2:]
    return summed
