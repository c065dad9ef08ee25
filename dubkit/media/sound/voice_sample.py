"""A short recording of one voice, made ready to clone from: one channel, trimmed, at an even level."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import MediaError
from dubkit.media.sound.audio import channel_roles, open_wav, read_open
from dubkit.media.sound.loudness import gated
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LUFS = -23.0
"""Loudness that references are brought to, by `MOST_GAIN_DB` at most."""
MOST_GAIN_DB = 12.0
CEILING = 0.89
"""Highest sample value: -1 dB."""
LEAST_SECONDS = 1.0
"""Seconds of sound below which a voice cannot be cloned."""
LONGEST_SECONDS = 30.0
"""Seconds from which only the beginning of a file is used, and `CUT_SECONDS` of it at most."""
CUT_SECONDS = 12.0
CUT_FROM = 6.0
"""Seconds after which the quietest moment is looked for, to cut there."""
SILENT_DB = -55.0
"""Level below which a recording holds no voice."""
QUIET_DB = 35.0
"""Decibels below the loudest moment at which silence at the ends is cut off."""
KEPT = 0.1
"""Seconds of silence that are kept at each end."""
FRAME = SAMPLE_RATE // 50
CURE = "Give a recording of one person alone, of 3 to 12 seconds."


@dataclass(frozen=True, slots=True)
class VoiceSample:
    """(S,) mono sound at 48 kHz of one voice, and what was done to it."""

    samples: NDArray[np.float64]
    cut: str = ""
    """How it was shortened, in words; its text no longer fits then."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / SAMPLE_RATE


def read_mono(path: Path, start: int, end: int, layout: str = "") -> NDArray[np.float64]:
    """Return samples of a WAV file as one channel: the centre of a surround mix, else the mean of all."""
    with open_wav(path) as file:
        samples = read_open(file, max(0, start), max(0, end))
    roles = channel_roles(layout, samples.shape[1])
    if samples.shape[1] > 2 and "FC" in roles:
        return samples[:, roles.index("FC")]
    mean: NDArray[np.float64] = samples.mean(axis=1)
    return mean


def levelled(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (S,) sound brought near `LUFS`, without any other change."""
    import numpy as np

    wide = samples[:, None]
    loudness = gated(lambda a, b: wide[a:b], [(0, len(wide))], SAMPLE_RATE, (1.0,))
    if loudness is None:
        return samples
    gain = 10 ** (min(max(LUFS - loudness, -MOST_GAIN_DB), MOST_GAIN_DB) / 20)
    peak = float(np.abs(samples).max(initial=0.0))
    limited: NDArray[np.float64] = samples * min(gain, CEILING / peak if peak else gain)
    return limited


def sample_of_file(path: Path) -> VoiceSample:
    """Read a recording in any form that holds sound, and make it ready.

    Raises MediaError for a file that holds no sound, is silent, or is shorter than 1 s.
    """
    import numpy as np

    samples = _decoded(path)
    heard = _frame_levels(samples)
    loudest = float(heard.max(initial=-120.0))
    if loudest < SILENT_DB:
        raise MediaError(path, "it is silent", CURE)
    loud = np.flatnonzero(heard > loudest - QUIET_DB)
    keep = round(KEPT * SAMPLE_RATE)
    first = max(0, int(loud[0]) * FRAME - keep)
    samples = samples[first : (int(loud[-1]) + 1) * FRAME + keep]
    seconds = len(samples) / SAMPLE_RATE
    if seconds < LEAST_SECONDS:
        raise MediaError(path, f"it holds {seconds:.1f} s of sound; {LEAST_SECONDS:g} s is the least", CURE)
    if seconds <= LONGEST_SECONDS:
        return VoiceSample(levelled(samples))
    end = _quietest(samples)
    cut = f"of its {seconds:.0f} s the first {end / SAMPLE_RATE:.1f} s are used"
    return VoiceSample(levelled(samples[:end]), cut)


def _quietest(samples: NDArray[np.float64]) -> int:
    """Return where the sound is quietest between 6 and 12 s."""
    heard = _frame_levels(samples[: round(CUT_SECONDS * SAMPLE_RATE)])
    first = round(CUT_FROM * SAMPLE_RATE) // FRAME
    return (first + int(heard[first:].argmin())) * FRAME


def _frame_levels(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.square(frames).mean(axis=1) if len(frames) else np.zeros(0)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def _decoded(path: Path) -> NDArray[np.float64]:
    from dubkit.media.files.decode import decode_audio
    from dubkit.media.files.probe import probe

    episode = probe(path)
    if not episode.track:
        raise MediaError(path, "it holds no sound", CURE)
    layout = next((track.layout for track in episode.audio if track.number == episode.track), "")
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.wav"
        decode_audio(path, episode, full, Path(folder) / "speech.wav")
        return partial(read_mono, full, layout=layout)(0, episode.samples)
