"""What can speak a language on this machine, and how it is opened."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from dubkit.errors import VoiceError
from dubkit.voice.engines import espeak, hibari
from dubkit.voice.text.phonemes import KOKORO_LANGUAGES, espeak_code
from dubkit.voice.voices import ESPEAK, HIBARI, KOKORO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Provider = Literal["auto", "kokoro", "hibari", "espeak"]

_KOKORO_NEEDS = ("onnxruntime", "misaki", "phonemizer", "espeakng_loader")
_OFFLINE = 'Run: pip install "dubkit[offline]"'


class Synthesiser(Protocol):
    """Anything that turns spoken text into sound."""

    name: str
    """As in `SpokenLine.engine` and in cache keys."""
    rate: int
    """Samples per second of what it speaks."""

    def voices(self, language: str) -> tuple[str, ...]:
        """Return the names of its voices; none for a language that it cannot speak."""

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        """Return (N,) mono speech at `rate`, full scale 1.0, whose first sample is its start.

        A `seed` asks for another reading of the text than the plain one, in the same voice. The same
        arguments give the same samples. Raises VoiceError when the language or voice is unknown.
        """


@dataclass(frozen=True, slots=True)
class SynthesiserChoice:
    """What speaks, and why; `degraded` when something better exists for the language but is missing here."""

    name: str
    reason: str
    degraded: bool = False


def choose_synthesiser(
    provider: Provider, language: str, available: Mapping[str, Path | None]
) -> SynthesiserChoice:
    """Return what speaks `language`, by looking only at what is installed.

    `available` maps providers to the folders of their models; Kokoro needs one with `kokoro.onnx`,
    `vocab.json` and `voices.npz`, the others carry theirs in their package.
    Raises VoiceError when nothing can speak the language, or the named provider cannot.
    """
    hindrances = {
        "hibari": _hibari_hindrance(language),
        "kokoro": _kokoro_hindrance(language, available.get("kokoro")),
        "espeak": _espeak_hindrance(language),
    }
    if provider != "auto":
        if hindrances[provider]:
            raise VoiceError(f"speak.provider is {provider!r}, but {hindrances[provider]}")
        return SynthesiserChoice(_NAMES[provider], "chosen by speak.provider", provider == "espeak")
    for candidate, hindrance in hindrances.items():
        if not hindrance:
            better = hindrances["hibari" if hibari.speaks(language) else "kokoro"]
            if candidate != "espeak":
                return SynthesiserChoice(_NAMES[candidate], f"the best voice for {language} here")
            return SynthesiserChoice(ESPEAK, f"espeak-ng, a robotic voice, speaks: {better}", degraded=True)
    raise VoiceError(f"Nothing here can speak {language!r}:\n" + "\n".join(hindrances.values()))


_NAMES: Mapping[str, str] = {"kokoro": KOKORO, "hibari": HIBARI, "espeak": ESPEAK}


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)


def _kokoro_hindrance(language: str, folder: Path | None) -> str:
    if espeak_code(language) is None:
        return f"Kokoro does not speak {language}; it speaks {', '.join(sorted(KOKORO_LANGUAGES))}."
    if folder is None:
        return f"the Kokoro model is not on this machine. {_OFFLINE}"
    missing = [package for package in _KOKORO_NEEDS if not _installed(package)]
    return f"Kokoro needs {', '.join(missing)}. {_OFFLINE}" if missing else ""


def _hibari_hindrance(language: str) -> str:
    if not hibari.speaks(language):
        return f"hibari does not speak {language}; it speaks en."
    return "" if _installed("hibari", "onnxruntime") else f"hibari is not installed. {_OFFLINE}"


def _espeak_hindrance(language: str) -> str:
    if not espeak.installed():
        return "espeak-ng is not installed. Run: pip install espeakng-loader"
    return "" if espeak.speaks(language) else f"espeak-ng does not know the language {language}."


def open_synthesiser(choice: SynthesiserChoice, folder: Path | None, threads: int = 0) -> Synthesiser:
    """Load what was chosen; `folder` holds its model, `threads` 0 takes every core.

    The number of threads changes the time, not the samples. Raises ModelDamaged or VoiceError.
    """
    threads = threads or os.cpu_count() or 1
    if choice.name == KOKORO:
        from dubkit.voice.engines.kokoro import KokoroSynthesiser

        if folder is None:
            raise VoiceError(f"The Kokoro model is not on this machine.\n{_OFFLINE}")
        files = folder / "kokoro.onnx", folder / "vocab.json", folder / "voices.npz"
        return KokoroSynthesiser(*files, threads=threads)
    if choice.name == HIBARI:
        return hibari.HibariSynthesiser(folder / "hibari.onnx" if folder else None, threads=1)
    return espeak.EspeakSynthesiser()
