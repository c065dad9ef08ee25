"""hibari: small neural English speech with one bundled voice, 0.08 CPU seconds per second of speech."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
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
    installed,
)
from dubkit.voice.engines.hibari_lengths import HibariLengths
from dubkit.voice.seed import varied
from dubkit.voice.trim import trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOICE = "heart"
PITCH_HZ = 210.0
"""The one voice, which all speakers share."""

SEED = 0
"""Of the breath noise: the same line always gets the same samples."""

VOICED_HZ = 40.0
"""Pitch above which a frame has a voice, as in the package's own synthesis."""

WIDEST = 12.0
"""Semitones from its middle that a melody keeps within."""

RANGE, SHIFT, TILT, PAUSE = (0.75, 1.4), (-0.8, 0.8), (-1.2, 1.2), (0.0, 0.15)
"""What a seed varies: the range of the melody against the voice's own, its height in semitones, how many
semitones it rises or falls over a sentence, and the seconds of silence added between two sentences."""


class HibariSynthesiser:
    """Speaks American English as the voice that the package carries; its other voices need a download."""

    rate = 24_000

    def __init__(self, model: Path | None, threads: int) -> None:
        """Load the network, from the package when `model` is None."""
        from hibari import Hibari  # type: ignore[import-untyped]

        self._hibari = Hibari(voice=VOICE, model=str(model) if model else None, threads=threads)
        self._turn = Lock()

    def lengths(self) -> HibariLengths:
        """Return what tells how long its speech will be. Raises ValueError for a network of another kind."""
        return HibariLengths(Path(self._hibari.model_path), self._symbols, _pause)

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        """Return (N,) speech at 24 kHz whose first sample is its start.

        A `seed` gives it another melody, breath and pauses; its words keep their lengths.
        Raises VoiceError for another language or voice.
        """

        if not ENGINE.speaks(language):
            raise VoiceError(f"hibari cannot speak {language!r}. It speaks: en.")
        if voice not in ("", VOICE):
            raise VoiceError(f"hibari has no voice {voice!r}. Names: {VOICE}.")
        sentences = self._symbols(text)
        sound = self._plain(sentences, speed) if seed is None else self._other(sentences, speed, seed)
        return trimmed(sound - (sound.mean() if sound.size else 0.0), self.rate)

    def _symbols(self, text: str) -> list[list[int]]:
        """Return the network's symbols for each sentence; its reader of spellings serves one at a time."""
        with self._turn:
            return [self._hibari.ids(phonemes) for phonemes in self._hibari.phonemize(text)]

    def _plain(self, sentences: list[list[int]], speed: float) -> NDArray[np.float32]:
        """Speak as the package does: one stream of breath for all sentences."""
        import numpy as np

        breath = np.random.default_rng(SEED)
        parts = [self._hibari.from_ids(ids, speed, breath) for ids in sentences]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def _other(self, sentences: list[list[int]], speed: float, seed: int) -> NDArray[np.float32]:
        """Speak another reading: the network gives the melody apart from the colour of the sounds."""
        import numpy as np
        from hibari import dsp

        breath = np.random.default_rng(seed % 2**63)
        silence = np.zeros(round(_pause(seed) / speed * self.rate), np.float32)
        parts = [np.zeros(0, np.float32)]
        for number, ids in enumerate(sentences):
            fed = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([speed], np.float32)}
            *colour, melody = (part[0] for part in self._hibari.sess.run(None, fed))
            spoken = dsp.synth(*colour, other_melody(melody, seed), breath)
            parts += [silence, spoken] if number else [spoken]
        return np.concatenate(parts)


def _pause(seed: int | None) -> float:
    """Return the seconds of silence added between two sentences at speed 1."""
    return 0.0 if seed is None else varied(seed, "pause", *PAUSE)


def other_melody(melody: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return the (F,) pitch in Hz of another reading; frames without a voice stay as they are."""
    import numpy as np

    voiced = melody > VOICED_HZ
    if not voiced.any():
        return melody
    semitones = 12 * np.log2(melody[voiced])
    centre = np.median(semitones)
    place = np.linspace(-0.5, 0.5, len(melody))[voiced]
    moved = centre + varied(seed, "range", *RANGE) * (semitones - centre)
    moved += varied(seed, "shift", *SHIFT) + varied(seed, "tilt", *TILT) * place
    other = melody.copy()
    other[voiced] = 2 ** (np.clip(moved, centre - WIDEST, centre + WIDEST) / 12)
    return other


MODEL = ModelSpec(
    role="tts-en",
    name="hibari-heart",
    licence="Apache-2.0",
    licence_url="https://github.com/MMWilliams/hibari",
    about="hibari, English speech with one voice",
    does="voice",
    without="Where Kokoro is missing too, English lines are spoken by espeak-ng, which sounds robotic.",
    default=True,
    optional=True,
    files=(
        ModelFile(
            "hibari.onnx", 7_936_868, "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
        ),
        ModelFile("oov.onnx", 2_975_020, "d3cfd8122c5f172a98c8de38268bf1213ee09f2c2ae4df6e055fc6532590fe76"),
    ),
    required=("hibari.onnx",),
    in_package=InPackage("hibari-tts==0.2.1", "hibari", "assets"),
    needs=("onnxruntime",),
    runtime_pip="onnxruntime",
)


PACES = {
    "en": MeasuredPace(0.156, 0.283, 0.318, 0.22, 4.00),
}
"""Fitted to 30 lines in each language, those of `benchmarks/lengths`, in the plain voice."""


def _voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    return VOICE


def _hindrance(need: VoiceNeed) -> str:
    if installed("hibari") and installed("onnxruntime"):
        return ""
    return 'hibari is not installed. Run: pip install "dubkit[offline]"'


def _open(opening: VoiceOpening) -> HibariSynthesiser:
    folder = opening.folder
    return HibariSynthesiser(folder / "hibari.onnx" if folder else None, threads=1)


def _lengths(opening: VoiceOpening) -> HibariLengths | None:
    try:
        return _open(opening).lengths()
    except (OSError, ValueError):
        return None  # another network than the package's: speaking it says what is wrong


def _callers(opening: VoiceOpening) -> int:
    return opening.cores or os.cpu_count() or 1


def _voices(opening: VoiceOpening) -> VoiceList:
    return VoiceList((Voice(VOICE, "the one voice of the package", "female", PITCH_HZ),))


ENGINE = VoiceEngine(
    name="hibari",
    title="hibari, one neural voice for English",
    languages=("en",),
    hindrance=_hindrance,
    voice_for=_voice_for,
    open=_open,
    voices=_voices,
    one_voice=True,
    models=(MODEL,),
    role=MODEL.role,
    lengths=_lengths,
    paces=PACES,
    callers=_callers,
)
