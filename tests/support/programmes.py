"""Programmes made by code for tests of levels, and a meter that is not dubkit's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dubkit.media.files.ffmpeg import ffmpeg_exe

RATE = 48_000


def voice(seconds: float, level: float = 0.1, seed: int = 1) -> NDArray[np.float64]:
    """Noise in syllables with pauses, `(n,)`; its peaks lie far above its loudness, as those of speech do."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    envelope = np.maximum(0, np.sin(2 * np.pi * 3.1 * at)) ** 2 * (np.sin(2 * np.pi * 0.4 * at + 0.6) > -0.4)
    return level * np.convolve(rng.normal(size=len(at)), np.ones(10) / 3, "same") * envelope


def music(seconds: float, level: float = 0.1) -> NDArray[np.float64]:
    """A chord that swells, `(n,)`."""
    at = np.arange(round(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * pitch * at + pitch) for pitch in (110, 277.2, 329.6, 659.3))
    return level * np.asarray(chord) * (0.7 + 0.3 * np.sin(2 * np.pi * 0.5 * at))


def spread(sound: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    """Lay a mono sound into a mono, stereo or 5.1 programme over a little noise, `(n, C)`."""
    noise = np.random.default_rng(3).normal(scale=1e-4, size=(len(sound), channels))
    into = [2] if channels == 6 else list(range(channels))
    noise[:, into] += sound[:, None]
    return noise * (np.abs(sound).max() > 0)


def metered(file: Path) -> tuple[float, float, float]:
    """Integrated loudness, loudness range and true peak of a file's first sound, by FFmpeg's meter."""
    command = [ffmpeg_exe()[0], "-hide_banner", "-nostats", "-i", str(file), "-map", "0:a:0"]
    command += ["-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    summary = said[said.rindex("Summary:") :]
    found = [re.search(rf"{name}:\s+(-?[\d.]+|-inf|nan)", summary) for name in ("I", "LRA", "Peak")]
    loudness, breadth, peak = (float(match[1]) for match in found if match)
    return loudness, breadth, peak
