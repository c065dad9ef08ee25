"""Recordings made by code: tones with silence, breaths and room tone around them, as wav or other files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

RATE = 48_000


def tone(seconds: float, hertz: float = 220.0, level: float = 0.3, rate: int = RATE) -> NDArray[np.float32]:
    """A tone whose loudness swells as syllables do, four times a second; it begins at once."""
    at = np.arange(round(seconds * rate)) / rate
    swell = 0.65 + 0.35 * np.cos(2 * np.pi * 4 * at)
    return (level * swell * np.cos(2 * np.pi * hertz * at)).astype(np.float32)


def noise(seconds: float, level: float, seed: int = 0, rate: int = RATE) -> NDArray[np.float32]:
    """White noise of an effective value."""
    values = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return (level * values).astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    return np.zeros(round(seconds * rate), np.float32)


def write(file: Path, samples: NDArray[np.float32], rate: int = RATE, subtype: str | None = "PCM_24") -> Path:
    """Write (N,) or (N, C) sound in the format that the suffix names."""
    file.parent.mkdir(parents=True, exist_ok=True)
    sf.write(file, samples, rate, subtype=subtype)
    return file


def write_coded(file: Path, samples: NDArray[np.float32], codec: str, rate: int = RATE) -> Path:
    """Write (N,) sound into a container that libsndfile does not know, such as m4a or webm."""
    import av

    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.rate = rate
        coder = stream.codec_context
        resampler = av.AudioResampler(coder.format, "mono", rate, coder.frame_size)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file
