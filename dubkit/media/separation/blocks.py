"""A network that takes voices out of a few seconds of sound, run over hours of it.

Shapes: blocks (n, 2) at 48 kHz; the network sees them at its own rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import gcd
from typing import TYPE_CHECKING

from dubkit.media.separation.separator import Advance, Span, StereoSound
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Block = NDArray[np.float32]

SILENCE = 1e-6
"""Peak below which there is nothing to take a voice out of (-120 dBFS)."""


FILTER = ("kaiser", 9.0)
"""Window of the filters that change the rate: what they add lies 90 dB below the sound."""


class InBlocks:
    """Runs a network over overlapping blocks and blends them, so that memory does not grow with the sound."""

    def __init__(
        self, network: Callable[[Block], Block], rate: int, *, seconds: float, overlap: float
    ) -> None:
        """Prepare the blocks.

        Args:
            network: stereo sound (n, 2) at `rate` -> the voices in it, as long and on the same samples.
            rate: samples per second that the network works at.
            seconds: length of a block.
            overlap: seconds that two blocks share; one fades into the other there.
        """
        common = gcd(rate, SAMPLE_RATE)
        self._network, self._up, self._down = network, rate // common, SAMPLE_RATE // common
        self._block = self._whole(seconds)
        self._overlap = self._whole(overlap)
        if not 0 < 2 * self._overlap <= self._block:
            raise ValueError(f"blocks of {seconds} s cannot overlap by {overlap} s")

    def _whole(self, seconds: float) -> int:
        """Return a length in samples at 48 kHz that is whole at the network's rate, too."""
        return int(seconds * SAMPLE_RATE) // self._down * self._down

    def voices(self, sound: StereoSound, spans: Sequence[Span], advance: Advance) -> Iterator[Block]:
        """Yield the voices; blocks in which nobody speaks are silent without work."""
        import numpy as np

        rise = np.asarray((np.arange(self._overlap) + 0.5) / self._overlap, dtype=np.float32)[:, None]
        step = self._block - self._overlap
        tail = np.zeros((self._overlap, 2), dtype=np.float32)
        for start in range(0, max(sound.samples, 1), step):
            voice = self._voice(sound, start, spans)
            if start:
                voice[: self._overlap] = voice[: self._overlap] * rise + tail
            tail = np.asarray(voice[step:] * (1 - rise), dtype=np.float32)
            last = start + self._block >= sound.samples
            yield voice[: sound.samples - start if last else step]
            advance(min(1.0, (start + step) / max(sound.samples, 1)))
            if last:
                return

    def _voice(self, sound: StereoSound, start: int, spans: Sequence[Span]) -> Block:
        """Return the voices of one block, all of its length."""
        import numpy as np
        from scipy.signal import resample_poly  # type: ignore[import-untyped]

        empty = np.zeros((self._block, 2), dtype=np.float32)
        end = start + self._block
        if not any(first < end and start < last for first, last in spans):
            return empty
        block = sound.read(start, end)
        if np.abs(block).max(initial=0.0) < SILENCE:
            return empty
        if self._up == self._down:
            return np.array(self._network(block), dtype=np.float32)
        # Both filters are centred, so every sample stays where it is.
        voice = self._network(resample_poly(block, self._up, self._down, window=FILTER).astype(np.float32))
        return np.asarray(
            resample_poly(voice, self._down, self._up, window=FILTER)[: self._block], dtype=np.float32
        )
