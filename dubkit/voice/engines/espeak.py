"""espeak-ng: a robotic voice for about a hundred languages, where nothing better can speak one."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import VoiceError
from dubkit.types.models import InPackage, ModelFile, ModelSpec
from dubkit.voice.engine import (
    MeasuredPace,
    SpeakerTraits,
    Voice,
    VoiceEngine,
    VoiceList,
    VoiceNeed,
    VoiceOpening,
)
from dubkit.voice.engines import espeak_process
from dubkit.voice.length import SpokenLengths
from dubkit.voice.seed import varied
from dubkit.voice.trim import trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORDS_PER_MINUTE = 165
"""Pace at speed 1; espeak itself allows 80 to 450."""

RATE = 22_050

LOW = ("m3", "m1", "m7", "m2", "m4", "m8")
HIGH = ("f2", "f3", "f1", "f4", "f5")
"""Voices, which espeak-ng calls variants: the most intelligible first."""

PITCHES = {
    "m3": 103.0, "m1": 92.0, "m7": 103.0, "m2": 99.0, "m4": 92.0, "m8": 84.0,
    "f2": 192.0, "f3": 200.0, "f1": 177.0, "f4": 178.0, "f5": 201.0,
}  # fmt: skip
"""Median pitch in Hz of a sentence each in en, pt-BR, ja and ru, by swift-f0; they are within 8 % of it."""

LOW_PITCH = 165.0
"""Hz below which a speaker gets a low voice."""

PITCH, RANGE, WORD_GAP = (43.0, 57.0), (32.0, 72.0), (0.0, 2.0)
"""What a seed varies: pitch and its range (50 is the voice's own), and tens of ms between words."""

TIME_LIMIT = 120.0
"""Seconds after which a line that is still being spoken is given up."""

_INSTALL = "Run: pip install espeakng-loader"

_OTHER_NAMES = {"en": "en-us", "zh": "cmn", "no": "nb", "pt": "pt-br", "fr": "fr-fr", "tl": "fil", "iw": "he"}
"""espeak's names for language tags that it knows under another one, and the region of plain tags."""


def packaged_library() -> Path | None:
    """Return the folder of the packaged library without importing it, None when it is not installed."""
    spec = importlib.util.find_spec("espeakng_loader")
    return (
        Path(next(iter(spec.submodule_search_locations)))
        if spec and spec.submodule_search_locations
        else None
    )


def installed() -> bool:
    """Say whether an espeak-ng library is on this machine."""
    return packaged_library() is not None or ctypes.util.find_library("espeak-ng") is not None


def languages() -> frozenset[str]:
    """Return the lower-case tags that the packaged espeak-ng knows; empty when they cannot be listed."""
    folder = packaged_library()
    return _languages(folder) if folder is not None else frozenset()


@cache
def _languages(folder: Path) -> frozenset[str]:
    files = (folder / "espeak-ng-data/lang").rglob("*")
    return frozenset(path.name.lower() for path in files if path.is_file())


def speaks(language: str) -> bool:
    """Say whether espeak-ng knows a language; a system library is trusted."""
    known = languages()
    return not known or any(name in known or name == "fr-fr" for name in names(language))


def names(language: str) -> tuple[str, ...]:
    """Return the espeak voices to try for a language tag, the most fitting first.

    >>> names("pt-PT"), names("zh-TW"), names("fr")
    (('pt-pt', 'pt'), ('zh-tw', 'zh', 'cmn'), ('fr-fr', 'fr'))
    """
    tag = language.replace("_", "-").lower()
    base = tag.partition("-")[0]
    if tag == base:
        return (_OTHER_NAMES[base], base) if base in _OTHER_NAMES else (base,)
    return (tag, base, _OTHER_NAMES[base]) if base in ("zh", "no", "tl", "iw") else (tag, base)


class EspeakSynthesiser:
    """Speaks each line in a fresh process of espeak-ng, so that its samples repeat."""

    rate = RATE

    def __init__(self) -> None:
        """Find the library. Raises VoiceError when there is none."""
        folder = packaged_library()
        found = _library_file(folder) if folder else ctypes.util.find_library("espeak-ng")
        if found is None:
            raise VoiceError(f"espeak-ng is not installed.\n{_INSTALL}")
        self.library = str(found)
        self._data = str(folder / "espeak-ng-data") if folder else ""

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        """Return (N,) speech at `rate` whose first sample is its start; empty `voice` takes the plain one.

        A `seed` varies how high and how lively it speaks, and how long it waits between words.
        Raises VoiceError for an unknown language or voice, and when the library fails.
        """
        import numpy as np

        variants = (*LOW, *HIGH)
        if voice not in ("", *variants):
            raise VoiceError(f"espeak-ng has no voice {voice!r}. Names: {', '.join(variants)}.")
        full = [f"{name}+{voice}" if voice else name for name in names(language)]
        ran = self._run(text, full, _parameters(speed, seed))
        if ran.returncode == espeak_process.UNKNOWN_VOICE:
            raise VoiceError(
                f"espeak-ng cannot speak {language!r}. It speaks: {', '.join(sorted(languages()))}."
            )
        if ran.returncode:
            problem = ran.stderr.decode(errors="replace").strip() or f"it ended with {ran.returncode}"
            raise VoiceError(f"espeak-ng could not speak {text!r}: {problem}.\n{_INSTALL}")
        rate, pcm = int.from_bytes(ran.stdout[:4], "little"), ran.stdout[4:]
        assert rate == RATE, f"espeak-ng speaks at {rate} Hz"
        sound = np.frombuffer(pcm, np.int16).astype(np.float32) / np.float32(32768)
        return trimmed(sound, RATE)

    def _run(self, text: str, voices: list[str], parameters: str) -> subprocess.CompletedProcess[bytes]:
        # -P: the script's folder has a module of the name of one of the standard library, numbers.
        program = [sys.executable, "-P", str(espeak_process.__file__)]
        arguments = [self.library, self._data, parameters, *voices]
        try:
            return subprocess.run(
                [*program, *arguments],
                input=text.encode(),
                capture_output=True,
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise VoiceError(f"espeak-ng did not finish {text!r} within {TIME_LIMIT:g} s.") from None


def _parameters(speed: float, seed: int | None) -> str:
    """Return what is set in the library, as its process reads it; a plain reading sets the pace only."""
    values = {espeak_process.PACE: round(WORDS_PER_MINUTE * speed)}
    if seed is not None:
        values[espeak_process.PITCH] = round(varied(seed, "pitch", *PITCH))
        values[espeak_process.RANGE] = round(varied(seed, "range", *RANGE))
        values[espeak_process.WORD_GAP] = round(varied(seed, "word gap", *WORD_GAP))
    return ",".join(f"{number}={value}" for number, value in values.items())


def _library_file(folder: Path) -> Path | None:
    names_by_system = ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll")
    return next((folder / name for name in names_by_system if (folder / name).is_file()), None)


MODEL = ModelSpec(
    role="espeak",
    name="espeak-ng",
    licence="GPL-3.0-or-later (separate library, loaded at run time)",
    licence_url="https://github.com/espeak-ng/espeak-ng/blob/master/COPYING",
    about="espeak-ng: phonemes for Kokoro, and the last-resort voice of about 100 languages",
    does="voice",
    without="Only English can be spoken, where hibari is installed.",
    default=True,
    files=(ModelFile("espeak-ng-data/phondata", 554_740),),
    required=("espeak-ng-data/phondata",),
    in_package=InPackage("espeakng-loader==0.2.4", "espeakng_loader"),
)


PACES = {
    "de": MeasuredPace(0.177, 0.352, 0.147, 0.18, 3.71),
    "en": MeasuredPace(0.179, 0.390, 0.291, 0.19, 4.00),
    "es": MeasuredPace(0.152, 0.274, 0.134, 0.15, 2.96),
    "fr": MeasuredPace(0.155, 0.291, 0.105, 0.18, 3.86),
    "it": MeasuredPace(0.146, 0.336, 0.166, 0.14, 2.89),
    "pt": MeasuredPace(0.161, 0.158, 0.132, 0.17, 2.82),
}
"""Fitted to 30 lines in each language, those of `benchmarks/lengths`, in the plain voice."""


def _voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    ranked = (*LOW, *HIGH) if traits.pitch_hz < LOW_PITCH else (*HIGH, *LOW)
    return next((name for name in ranked if name not in taken), ranked[len(taken) % len(ranked)])


def _hindrance(need: VoiceNeed) -> str:
    return "" if installed() else f"espeak-ng is not installed. {_INSTALL}"


def _open(opening: VoiceOpening) -> EspeakSynthesiser:
    return EspeakSynthesiser()


def _lengths(opening: VoiceOpening) -> SpokenLengths:
    return SpokenLengths(EspeakSynthesiser())  # a line takes it a twentieth of a second


def _callers(opening: VoiceOpening) -> int:
    return os.cpu_count() or 1


def _voices(opening: VoiceOpening) -> VoiceList:
    low = [Voice(name, f"low, number {name[1:]}", "male", PITCHES[name]) for name in LOW]
    high = [Voice(name, f"high, number {name[1:]}", "female", PITCHES[name]) for name in HIGH]
    return VoiceList((*low, *high))


def _library_version() -> str:
    library = ctypes.CDLL(EspeakSynthesiser().library)
    library.espeak_Info.restype = ctypes.c_char_p
    return f"espeak-ng {library.espeak_Info(None).decode()}"


ENGINE = VoiceEngine(
    name="espeak",
    title="espeak-ng, robotic voices for about a hundred languages",
    called="espeak-ng",
    take_name="espeak-ng",
    languages=speaks,
    hindrance=_hindrance,
    voice_for=_voice_for,
    open=_open,
    voices=_voices,
    models=(MODEL,),
    lengths=_lengths,
    paces=PACES,
    callers=_callers,
    degraded="a robotic voice",
    probe=_library_version,
)
