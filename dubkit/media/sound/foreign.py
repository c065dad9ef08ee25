"""Read sound files that people give, of any kind, rate and number of channels."""

from __future__ import annotations

from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import MediaError
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from av import AudioFrame
    from numpy.typing import NDArray

LONGEST = 300.0
"""Seconds of a recording of one line."""

CEILING = 0.95
"""Highest sample value where resampling has raised a peak beyond full scale."""

ONE_SIDED = 10 ** (20 / 20)
"""Level of a channel against all others above which it alone was recorded to."""

CURE = "Give a sound file such as wav, flac, mp3, ogg, m4a or webm."


def read_recording(path: Path, longest: float = LONGEST) -> NDArray[np.float32]:
    """Return a sound file as (N,) mono at 48 kHz; 16- and 24-bit samples at 48 kHz keep their values.

    Raises MediaError for a file that is no sound, or longer than `longest` seconds.
    """
    import soundfile as sf  # type: ignore[import-untyped]

    try:
        with sf.SoundFile(path) as file:
            _check_length(path, file.frames / file.samplerate, longest)
            return _at_clock_rate(_mono(file.read(dtype="float32", always_2d=True)), file.samplerate)
    except (sf.LibsndfileError, OSError):
        samples, rate = _decoded(path, longest)
        return _at_clock_rate(_mono(samples), rate)


def _decoded(path: Path, longest: float) -> tuple[NDArray[np.float32], int]:
    """Decode what libsndfile does not read: (N, C) samples and their rate."""
    import av
    import numpy as np

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MediaError(path, "holds no sound", CURE)
            rate = container.streams.audio[0].rate
            resampler = av.AudioResampler(format="fltp", rate=rate)
            blocks: list[NDArray[np.float32]] = []
            count = 0
            for frame in container.decode(audio=0):
                blocks += [_block(piece) for piece in resampler.resample(frame)]
                count += frame.samples
                _check_length(path, count / rate, longest)
            blocks += [_block(piece) for piece in resampler.resample(None)]
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise MediaError(path, f"cannot be read as sound ({_why(error)})", CURE) from None
    if not blocks:
        raise MediaError(path, "holds no sound", CURE)
    return np.concatenate(blocks, axis=1).T, rate


def _block(frame: AudioFrame) -> NDArray[np.float32]:
    import numpy as np

    return np.asarray(frame.to_ndarray(), np.float32)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", "") or str(error)


def _check_length(path: Path, seconds: float, longest: float) -> None:
    if seconds > longest:
        raise MediaError(
            path,
            f"is longer than {longest:g} s, the most that a recording may be",
            "Give each line a file of its own; dubkit review take-recording cuts a long one into lines.",
        )


def _mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of (N, C) channels, or the only one of them that was recorded to."""
    import numpy as np

    if samples.shape[1] == 1 or not len(samples):
        return np.asarray(samples[:, 0], np.float32)
    level = np.sqrt(np.mean(samples.astype(np.float64) ** 2, axis=0))
    loudest = int(np.argmax(level))
    others = np.delete(level, loudest)
    if level[loudest] > ONE_SIDED * float(others.max()):
        return np.asarray(samples[:, loudest], np.float32)
    return np.asarray(samples.astype(np.float64).mean(axis=1), np.float32)


def _at_clock_rate(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    import numpy as np
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    if rate == SAMPLE_RATE or not len(samples):
        return samples
    shared = gcd(SAMPLE_RATE, rate)
    raised = resample_poly(samples.astype(np.float64), SAMPLE_RATE // shared, rate // shared)
    peak = float(np.abs(raised).max())
    return np.asarray(raised * (CEILING / peak if peak > 1.0 else 1.0), np.float32)
