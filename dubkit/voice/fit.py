"""Speak a line into its slot: by pace first, then with silence after it, and only at last by cutting."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import gcd
from typing import TYPE_CHECKING, Any, Literal

from dubkit.errors import VoiceError
from dubkit.types import SAMPLE_RATE, Slot
from dubkit.voice.seed import varied
from dubkit.voice.settings import Speak
from dubkit.voice.stretch import stretched
from dubkit.voice.text.spoken import spoken_text
from dubkit.voice.trim import faded, trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.engine import Synthesiser

log = logging.getLogger(__name__)

Fit = Literal["fits", "faster", "borrowed", "cut"]

NOTHING, RUSHED, CUT = "nothing-to-say", "rushed", "cut"
"""Flags: the line holds no words; it is faster than `max_speed`; its end is missing."""

CEILING = 0.95
"""Highest sample value: a voice that peaks near full scale can pass it once it is resampled."""

SPARE = 1.01
"""Extra speed asked of a synthesiser, because its length is not quite inverse to its speed."""

MAX_CALLS = 3
"""How often a line is spoken at most."""

PACE = (0.95, 1.07)
"""What a seed decides: the pace tried first, against the plain one, within the limits of the settings."""

CUT_FADE = 0.015
"""Seconds of the fade where a line is cut."""

LETTERS_PER_SECOND = 13.0
"""Pace of the voices at speed 1, measured in Portuguese; only the first try depends on it."""


@dataclass(frozen=True, slots=True)
class FittedSpeech:
    """Speech that starts with its slot: (N,) mono at 48 kHz, N at most `limit_sample - start_sample`."""

    samples: NDArray[np.float32]
    speed: float
    fit: Fit
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Utterance:
    """The line spoken once; `speed` includes any stretch after synthesis."""

    samples: NDArray[np.float32]
    speed: float

    @property
    def natural(self) -> float:
        """Samples that the line would last at speed 1."""
        return len(self.samples) * self.speed


@dataclass(frozen=True, slots=True)
class Speech:
    """One line to be spoken at any speed; a `seed` asks for another reading than the plain one."""

    synthesiser: Synthesiser
    text: str
    voice: str
    language: str
    seed: int | None = None
    engine: str = "The voice engine"
    """As sentences call what speaks."""
    abilities: Mapping[str, Any] = field(default_factory=dict)
    """Keywords for what the engine can beside reading (`dubkit.voice.engine.KEYWORDS`)."""
    exact: bool = False
    """Whether the engine can be told how long the speech is to be."""

    def at(self, speed: float, seconds: float | None = None) -> Utterance:
        """Speak at `speed` times the voice's own rate, or in `seconds` where the engine is exact.

        Raises VoiceError when no sound comes back.
        """
        asked = {**self.abilities, "seconds": seconds} if self.exact else self.abilities
        sound = self.synthesiser.speak(
            self.text, voice=self.voice, language=self.language, speed=speed, seed=self.seed, **asked
        )
        samples = at_clock_rate(trimmed(sound, self.synthesiser.rate), self.synthesiser.rate)
        if not len(samples):
            raise VoiceError(
                f"{self.engine} gave no sound for {self.text!r} in {self.language}.\n"
                "Change the line, or set speak.provider to another engine."
            )
        return Utterance(samples, speed)


def fit_line(speech: Speech, slot: Slot, settings: Speak) -> FittedSpeech:
    """Speak a line into `slot`; measured length decides, in at most three calls of the synthesiser.

    The first sample is the start of the speech. `fit` says what it took: `fits` at its own pace, `faster` by
    pace alone, `borrowed` silence up to the limit, `cut` at the limit. Raises VoiceError as the synthesiser.
    """
    import numpy as np

    speech = replace(speech, text=spoken_text(speech.text, speech.language))
    if not speech.text:
        return FittedSpeech(np.zeros(0, np.float32), 1.0, "fits", (NOTHING,))
    limit = slot.limit_sample - slot.start_sample
    if limit <= 0:
        return FittedSpeech(np.zeros(0, np.float32), 1.0, "cut", (CUT,))
    # A source line may itself run into the next one; then the limit is what counts.
    room = min(max(slot.end_sample - slot.start_sample, 0), limit)
    fitted = _placed(_spoken(speech, room, limit, settings), room, limit, settings)
    log.debug("%r: %s at speed %s, %s samples", speech.text, fitted.fit, fitted.speed, len(fitted.samples))
    return fitted


def _spoken(speech: Speech, room: int, limit: int, settings: Speak) -> Utterance:
    """Return the best of at most MAX_CALLS attempts."""
    guess = len(speech.text) / LETTERS_PER_SECOND * SAMPLE_RATE
    leaves_room = guess < 0.8 * room * settings.min_speed
    first = min(settings.min_speed if leaves_room else settings.max_speed, 1.0)
    attempt = speech.at(first if speech.seed is None else _other_pace(first, speech.seed, settings))
    for _ in range(MAX_CALLS - 1):
        speed = _next_speed(attempt, room, limit, settings)
        if speed is None:
            break
        # Of two lengths the shorter one counts: a faster call may give a longer sound when a pause moves.
        attempt = min(attempt, speech.at(speed), key=lambda spoken: len(spoken.samples))
    return attempt


def _other_pace(speed: float, seed: int, settings: Speak) -> float:
    """Return the speed that another reading is first spoken at, within the limits of every reading."""
    slowest, fastest = max(PACE[0] * speed, min(settings.min_speed, speed)), PACE[1] * speed
    return varied(seed, "pace", slowest, min(fastest, max(settings.max_speed, speed)))


def _next_speed(attempt: Utterance, room: int, limit: int, settings: Speak) -> float | None:
    """Return the speed that should bring the line into its slot, None when no higher speed is called for."""
    if len(attempt.samples) <= room:
        return None
    speed = SPARE * attempt.natural / room if room else math.inf
    if speed > settings.max_speed:
        to_limit = SPARE * attempt.natural / limit
        speed = min(max(to_limit, settings.max_speed), settings.hard_max_speed)
        if len(attempt.samples) <= limit and attempt.speed >= settings.max_speed:
            return None
    return speed if speed > attempt.speed else None


def _placed(attempt: Utterance, room: int, limit: int, settings: Speak) -> FittedSpeech:
    """Name how the line fits, after the last two means: squeezing its sound, then cutting it."""
    if len(attempt.samples) > limit:
        attempt = _squeezed(attempt, limit, settings.hard_max_speed)
    flags = (RUSHED,) if attempt.speed > settings.max_speed * SPARE else ()
    speed = round(attempt.speed, 3)
    length = len(attempt.samples)
    if length > limit:
        samples = faded(attempt.samples[:limit], SAMPLE_RATE, 0.0, CUT_FADE)
        return FittedSpeech(samples, speed, "cut", (*flags, CUT))
    fit: Fit = "borrowed" if length > room else "faster" if speed > 1.0 else "fits"
    return FittedSpeech(attempt.samples, speed, fit, flags)


def _squeezed(attempt: Utterance, limit: int, hard_max_speed: float) -> Utterance:
    """Squeeze sound that its synthesiser could not speak any faster, without moving its pitch."""
    factor = min(SPARE * len(attempt.samples) / limit, hard_max_speed / attempt.speed)
    if factor <= 1.0:
        return attempt
    shorter = trimmed(stretched(attempt.samples, factor, SAMPLE_RATE), SAMPLE_RATE)
    return Utterance(shorter, attempt.speed * factor)


def at_clock_rate(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return (N,) sound at 48 kHz whose samples stay within CEILING."""
    import numpy as np
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    if not len(samples):
        return np.zeros(0, np.float32)
    shared = gcd(SAMPLE_RATE, rate)
    raised = resample_poly(samples.astype(np.float64), SAMPLE_RATE // shared, rate // shared)
    return np.asarray(raised * min(1.0, CEILING / float(np.abs(raised).max())), np.float32)
