"""Speak a line to a length that was set beforehand: once, at the speed whose length was told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE
from dubkit.voice.fit import NOTHING, Speech
from dubkit.voice.length import Lengths
from dubkit.voice.pauses import with_pauses
from dubkit.voice.stretch import stretched
from dubkit.voice.text.spoken import spoken_text
from dubkit.voice.trim import faded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

REST = 0.10
"""Share of its length by which what was spoken may miss it: beyond, the line is spoken once more."""

TRIES = 10
"""How often a speed is bettered: lengths are known in frames, so there is no exact one."""

CLOSE = 0.004
"""Share of a length that is no reason for another try."""

SHY = 0.010
"""Seconds by which a line may be shorter than its length without being stretched."""

DEAF = 0.02
"""Share by which speech at another speed differs from that at the voice's own pace, at least, from an engine
that takes speeds: one that passes over them is not asked again."""

EDGE = 0.010
"""Seconds of the fade where the last milliseconds of the decay are left out."""


Speeds = tuple[float, float]
"""The slowest and the fastest speed that a voice is asked for; a stretch does what is beyond."""


@dataclass(frozen=True, slots=True)
class TimedSpeech:
    """Speech that starts at once: (N,) mono at 48 kHz, N at most the length that was asked for."""

    samples: NDArray[np.float32]
    pace: float
    """Against the voice's own pace, as it was told."""
    calls: int
    """How often the voice spoke."""

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags of the line."""
        return () if self.calls else (NOTHING,)


def told_samples(speech: Speech, lengths: Lengths, natural: int, speed: float) -> float:
    """Return how many samples at 48 kHz a line is told to take at a speed.

    `natural` are those at the voice's own pace, as they were told before.
    """
    if speed == 1.0:
        return natural
    told = lengths.ask(
        speech.text, voice=speech.voice, language=speech.language, speed=speed, seed=speech.seed
    )
    return told.seconds * SAMPLE_RATE if told.source in ("network", "spoken") else natural / speed


def speak_to(speech: Speech, length: int, told: Callable[[float], float], speeds: Speeds) -> TimedSpeech:
    """Speak a line, whole, to `length` samples at 48 kHz, or up to 10 ms less.

    `told` gives the samples at a speed: that within `speeds` which comes nearest is taken. Pauses inside the
    line take what is left, and a stretch that keeps the pitch takes the last of it. A line without words has
    no samples. Raises VoiceError as the synthesiser.
    """
    import numpy as np

    said = spoken_text(speech.text, speech.language)
    if not said:
        return TimedSpeech(np.zeros(0, np.float32), 1.0, 0)
    natural = told(1.0)
    if length <= 0:
        length = round(natural)
    spoken = replace(speech, text=said)
    if speech.exact:
        return _told_its_length(spoken, length, natural)
    speed, calls = speed_for(told, length, speeds), 1
    sound = spoken.at(speed).samples
    again = min(max(speed * len(sound) / length, speeds[0]), speeds[1])
    heeded = abs(speed - 1) <= REST or abs(len(sound) / natural - 1) >= DEAF
    if abs(len(sound) / length - 1) > REST and again != speed and heeded:
        calls = 2
        sound = min(sound, spoken.at(again).samples, key=lambda samples: abs(len(samples) - length))
    log.debug("%r: %s calls, %s samples for %s", said, calls, len(sound), length)
    return TimedSpeech(brought_to(sound, length), round(natural / length, 3), calls)


def _told_its_length(speech: Speech, length: int, natural: float) -> TimedSpeech:
    """Speak a line with an engine that is told how long to speak; a rest is brought to the length."""
    sound = speech.at(1.0, length / SAMPLE_RATE).samples
    log.debug("%r: %s samples for %s", speech.text, len(sound), length)
    return TimedSpeech(brought_to(sound, length), round(natural / length, 3), 1)


def speed_for(told: Callable[[float], float], length: float, speeds: Speeds) -> float:
    """Return the speed at which a line is told to take about `length`, within the slowest and the fastest."""
    slow, fast = speeds
    speed = best = min(max(told(1.0) / length, slow), fast)
    error = float("inf")
    for _ in range(TRIES):
        ratio = told(speed) / length
        if abs(ratio - 1) < error:
            best, error = speed, abs(ratio - 1)
        if ratio > 1:
            slow = max(slow, speed)
        else:
            fast = min(fast, speed)
        if error <= CLOSE or slow >= fast:
            break
        speed = speed * ratio if slow < speed * ratio < fast else (slow * fast) ** 0.5
    return best


def brought_to(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return (N,) speech at 48 kHz made exactly `length` long, or up to SHY less; nothing of it is cut."""
    samples = with_pauses(samples, SAMPLE_RATE, length)
    if length - SHY * SAMPLE_RATE <= len(samples) <= length:
        return samples
    samples = stretched(samples, len(samples) / length, SAMPLE_RATE)
    # The stretch is exact to a few milliseconds, which at the end are the decay after the last word.
    return faded(samples[:length], SAMPLE_RATE, 0.0, EDGE) if len(samples) > length else samples
