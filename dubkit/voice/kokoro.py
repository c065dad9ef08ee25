"""Kokoro-82M: neural speech in seven languages, on the processor.

Measured with the int8 model: 0.4 CPU seconds per second of speech, noise floor -80 dBFS, the same samples in
every process and with 1 to 16 threads.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import ModelDamaged
from dubkit.voice.phonemes import Phonemiser, espeak_code, pieces
from dubkit.voice.trim import trimmed
from dubkit.voice.voices import KOKORO, default_voice, parse_blend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

RATE = 24_000

SENTENCE_END = ".!?…"
SENTENCE_PAUSE, CLAUSE_PAUSE = 0.30, 0.12
"""Seconds between two pieces of a long line at speed 1."""


class KokoroSynthesiser:
    """Speaks with the packaged voice vectors or any blend of them."""

    name = KOKORO
    rate = RATE

    def __init__(self, model: Path, vocab: Path, voices: Path, threads: int) -> None:
        """Load the network (about 0.5 s). Raises ModelDamaged when a file is not what it should be."""
        self._ids = _vocabulary(vocab)
        self._styles = _styles(voices)
        self._session = _session(model, threads)
        self._phonemes = Phonemiser(frozenset(self._ids))

    def voices(self, language: str) -> tuple[str, ...]:
        """Return the voices that can be blended; none for a language that Kokoro cannot speak."""
        return tuple(sorted(self._styles)) if espeak_code(language) else ()

    def speak(self, text: str, *, voice: str, language: str, speed: float) -> NDArray[np.float32]:
        """Return (N,) speech at 24 kHz whose first sample is its start; `text` is already spoken text.

        Raises VoiceError for an unknown language or voice.
        """
        import numpy as np

        blend = parse_blend(voice or default_voice(KOKORO, language), tuple(self._styles))
        style = sum(weight * self._styles[name] for weight, name in blend)
        parts = [np.zeros(0, np.float32)]  # so that text without any phoneme gives no sound
        for piece in pieces(self._phonemes(text, language)):
            pause = SENTENCE_PAUSE if piece[-1] in SENTENCE_END else CLAUSE_PAUSE
            silence = np.zeros(round(pause / speed * RATE), np.float32)
            parts += [self._run(piece, np.asarray(style), speed), silence]
        return np.concatenate(parts[:-1] or parts)

    def _run(self, piece: str, style: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
        import numpy as np

        # Without a closing mark the model lets the last word hang, or swallows it.
        closed = piece if piece[-1] in SENTENCE_END + ",;:—" else f"{piece}."
        tokens = [self._ids[symbol] for symbol in closed]
        row = style[min(len(tokens), len(style)) - 1].reshape(1, -1)
        fed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": row.astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        sound = np.asarray(self._session.run(None, fed)[0], np.float32).ravel()
        return trimmed(sound - sound.mean(), RATE)


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
