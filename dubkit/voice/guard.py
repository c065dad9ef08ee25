"""Voice engines of other packages: what breaks in one names its package, and what it returns is checked."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dubkit.errors import DubkitError, PluginFailed, VoiceError
from dubkit.types.voices import Receipt
from dubkit.voice.engine import (
    ENGINES,
    LengthSource,
    LengthTeller,
    SpeakerTraits,
    Synthesiser,
    VoiceEngine,
    VoiceList,
    VoiceOpening,
)
from dubkit.voice.receipts import receipt_of, stop

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

CURE = "Update or uninstall that package, or set speak.provider to another engine."


def open_engine(engine: VoiceEngine, opening: VoiceOpening) -> Synthesiser:
    """Load a voice engine; that of another package is guarded.

    Raises ModelDamaged or VoiceError as the engine does, and PluginFailed when another package breaks.
    """
    package = ENGINES.package(engine.name)
    if not package:
        return engine.open(opening)
    with _naming(f"{package}: {engine.name}.open"):
        return GuardedSynthesiser(f"{package}: {engine.name}", engine.open(opening))


def open_teller(engine: VoiceEngine, opening: VoiceOpening) -> LengthTeller | None:
    """Load what tells the lengths of an engine's speech, None where nothing does; guarded as the engine.

    Raises ModelDamaged or VoiceError as the engine does, and PluginFailed when another package breaks.
    """
    if engine.lengths is None:
        return None
    package = ENGINES.package(engine.name)
    if not package:
        return engine.lengths(opening)
    with _naming(f"{package}: {engine.name}.lengths"):
        teller = engine.lengths(opening)
        return GuardedTeller(f"{package}: {engine.name}", teller) if teller is not None else None


def callers_of(engine: VoiceEngine, opening: VoiceOpening) -> int:
    """Return how many threads may call an engine at the same time.

    Raises PluginFailed when another package breaks, VoiceError when what it returns is no such number.
    """
    package = ENGINES.package(engine.name)
    if not package:
        return engine.callers(opening)
    with _naming(f"{package}: {engine.name}.callers"):
        callers: object = engine.callers(opening)
    if isinstance(callers, int) and not isinstance(callers, bool) and callers > 0:
        return callers
    raise VoiceError(
        f"{package}: {engine.name}.callers returned {callers!r}; a number from 1 is needed.\n{CURE}"
    )


def list_voices(engine: VoiceEngine, opening: VoiceOpening) -> VoiceList | None:
    """Return an engine's voices, None where it cannot list them.

    Raises PluginFailed when another package breaks, VoiceError when what it returns is no list of voices.
    """
    if engine.voices is None:
        return None
    package = ENGINES.package(engine.name)
    if not package:
        return engine.voices(opening)
    with _naming(f"{package}: {engine.name}.voices"):
        listed: object = engine.voices(opening)
    if isinstance(listed, VoiceList):
        return listed
    raise VoiceError(f"{package}: {engine.name}.voices returned {listed!r}; a VoiceList is needed.\n{CURE}")


def cast_voice(engine: VoiceEngine, traits: SpeakerTraits, taken: Sequence[str]) -> str:
    """Return an engine's voice for a speaker. Raises VoiceError when what it returns is no name."""
    voice: object = engine.voice_for(traits, taken)
    if isinstance(voice, str) and voice:
        return voice
    package = ENGINES.package(engine.name) or "dubkit"
    raise VoiceError(
        f"{package}: {engine.name}.voice_for returned {voice!r}; the name of a voice is needed.\n{CURE}"
    )


class GuardedSynthesiser:
    """An open voice engine of another package.

    An exception of its own becomes PluginFailed, samples or a rate that cannot be used VoiceError.
    """

    def __init__(self, place: str, synthesiser: Synthesiser) -> None:
        """Guard a synthesiser; `place` names its package and its engine: `dubkit_beep 1.0: beep`."""
        self._place, self._synthesiser = place, synthesiser
        self.rate = 0
        """Samples per second of what was spoken last; an engine may know it only then."""

    def speak(
        self,
        text: str,
        *,
        voice: str,
        language: str,
        speed: float,
        seed: int | None = None,
        **abilities: Any,
    ) -> NDArray[np.float32]:
        """Return (N,) speech as Synthesiser does, checked."""
        with _naming(f"{self._place}.speak"):
            sound: Any = self._synthesiser.speak(
                text, voice=voice, language=language, speed=speed, seed=seed, **abilities
            )
            rate: Any = self._synthesiser.rate
        if problem := _rate_problem(rate):
            raise VoiceError(f"{self._place}.{problem}.\n{CURE}")
        samples, problem = _samples(sound)
        if problem:
            raise VoiceError(f"{self._place}.speak {problem}.\n{CURE}")
        self.rate = int(rate)
        return samples

    def receipt(self, text: str, voice: str) -> Receipt:
        """Return what a text in a voice took, checked; nothing where the engine keeps no count."""
        with _naming(f"{self._place}.receipt"):
            told: object = receipt_of(self._synthesiser, text, voice)
        if isinstance(told, Receipt):
            return told
        raise VoiceError(f"{self._place}.receipt returned {told!r}; a Receipt is needed.\n{CURE}")

    def stop(self) -> None:
        """Let the engine stop, where it can."""
        with _naming(f"{self._place}.stop"):
            stop(self._synthesiser)


class GuardedTeller:
    """What tells the lengths of an engine of another package.

    An exception of its own becomes PluginFailed, what is no length VoiceError.
    """

    def __init__(self, place: str, teller: LengthTeller) -> None:
        """Guard a teller; `place` names its package and its engine."""
        self._place, self._teller = place, teller
        self.spread = float(teller.spread)
        self.source: LengthSource = "spoken" if teller.source == "spoken" else "network"

    def seconds(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> float:
        """Return a length as LengthTeller does, checked."""
        with _naming(f"{self._place}.seconds"):
            told: Any = self._teller.seconds(text, voice=voice, language=language, speed=speed, seed=seed)
            if 0 <= (seconds := float(told)) < float("inf"):
                return seconds
        raise VoiceError(f"{self._place}.seconds returned {told!r}; seconds are needed.\n{CURE}")


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Raise PluginFailed for what breaks inside; a full disk stays what it is, so that the run stops."""
    try:
        yield
    except DubkitError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's function can raise anything
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        log.debug("%s", place, exc_info=True)
        raise PluginFailed(place, error) from error


def _rate_problem(rate: Any) -> str:
    """Return what is wrong with a sample rate, or an empty text."""
    import numpy as np

    number = isinstance(rate, int | float | np.integer | np.floating) and not isinstance(rate, bool)
    if number and rate > 0 and rate % 1 == 0:
        return ""
    return f"rate is {rate!r}; a positive whole number of samples per second is needed"


def _samples(sound: Any) -> tuple[NDArray[np.float32], str]:
    """Return samples as an array, and what is wrong with them or an empty text."""
    import numpy as np

    try:
        samples = sound if isinstance(sound, np.ndarray) else np.asarray(sound, np.float32)
    except Exception as error:  # a stranger's object can raise anything
        return np.zeros(0, np.float32), f"gave a {type(sound).__name__} that holds no samples: {error}"
    if samples.ndim != 1:
        form = f"samples of shape {samples.shape}" if samples.ndim else f"a {type(sound).__name__}"
        return samples, f"gave {form}; (N,) is needed"
    if samples.dtype.kind != "f":
        return samples, f"gave samples of type {samples.dtype}; floats with a full scale of 1.0 are needed"
    if not np.isfinite(samples).all():
        return samples, "gave samples that are not finite numbers"
    return samples, ""
