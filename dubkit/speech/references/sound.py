"""How good the sound of a piece of speech is: noise, clipping, band, reverberation, level.

Shapes: sound (S,) mono at `rate` samples a second, full scale 1.0; levels (F,) in dB of full scale, one every
10 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HOP = ASR_RATE // 100
FLOOR_DB = -90.0
SPEAKING_DB = 20.0
"""Frames this far below the loudest ones still count as speech."""
FULL = 0.985
"""Sample value from which a run of equal peaks is clipping."""
RUN = 3
"""Samples in a row at the peak that are clipping."""
DECAY_DB = (5.0, 25.0)
"""Levels below the end of speech between which its decay is measured, in dB."""
PAUSE_FRAMES = 20
"""Frames without speech after which the decay of its end can be heard."""


def levels(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the level of each 10 ms of 16 kHz sound, over windows of 20 ms."""
    import numpy as np

    frames = max(0, len(audio) // HOP - 1)
    if not frames:
        return np.zeros(0)
    power = np.square(audio[: (frames + 1) * HOP].astype(np.float64)).reshape(-1, HOP).mean(axis=1)
    both = (power[:-1] + power[1:]) / 2
    return np.asarray(10 * np.log10(np.maximum(both, 10 ** (FLOOR_DB / 10))))


def speech_level(heard: NDArray[np.float64]) -> float:
    """Return the mean level of the frames in which somebody speaks."""
    import numpy as np

    if not heard.size:
        return FLOOR_DB
    loud = heard[heard > np.percentile(heard, 95) - SPEAKING_DB]
    return float(10 * np.log10(np.mean(10 ** (loud / 10)))) if loud.size else FLOOR_DB


def noise_level(heard: NDArray[np.float64], pauses: NDArray[np.float64]) -> float:
    """Return the level of what is heard under speech: that of its quietest frames, or of pauses around it.

    The louder of both counts: noise may begin with the speech. `heard` are the levels of the speech, `pauses`
    those of what lies around it.
    """
    import numpy as np

    inside = float(np.percentile(heard, 2)) if heard.size else FLOOR_DB
    around = float(np.percentile(pauses, 50)) if pauses.size >= PAUSE_FRAMES else FLOOR_DB
    return max(inside, around)


def clipped_share(samples: NDArray[np.floating]) -> float:
    """Return the share of samples that stand at full scale, several in a row."""
    import numpy as np

    at_peak = np.abs(samples) >= FULL
    if not at_peak.any():
        return 0.0
    runs = np.convolve(at_peak, np.ones(RUN), "valid") >= RUN
    return float(runs.sum() / len(samples))


def high_band_db(audio: NDArray[np.float32]) -> float:
    """Return the power at 4 to 7.5 kHz against that at 0.3 to 3.4 kHz, in dB; a telephone has hardly any."""
    import numpy as np

    if len(audio) < 512:
        return FLOOR_DB
    cut = audio[: len(audio) // 512 * 512].astype(np.float64).reshape(-1, 512) * np.hanning(512)
    power = np.square(np.abs(np.fft.rfft(cut))).mean(axis=0)
    hertz = np.fft.rfftfreq(512, 1 / ASR_RATE)
    low = power[(hertz >= 300) & (hertz <= 3400)].sum()
    high = power[(hertz >= 4000) & (hertz <= 7500)].sum()
    return float(10 * np.log10(max(high, 1e-12) / max(low, 1e-12)))


def decay_seconds(heard: NDArray[np.float64]) -> float | None:
    """Return how long the ends of speech take to fall by 60 dB, the median of them; None where none is heard.

    A voice alone falls within 0.3 s; a hall adds its own decay.
    """
    import numpy as np

    if heard.size < 2 * PAUSE_FRAMES:
        return None
    spoken = heard > speech_level(heard) - 15
    ends = [i for i in np.flatnonzero(spoken[:-PAUSE_FRAMES]) if not spoken[i + 1 : i + PAUSE_FRAMES].any()]
    slopes = [slope for end in ends if (slope := _slope(heard[end : end + 3 * PAUSE_FRAMES])) is not None]
    return float(np.median([60 / slope for slope in slopes])) if slopes else None


def _slope(falling: NDArray[np.float64]) -> float | None:
    """Return how fast a level falls, in dB a second; None where it does not fall far enough."""
    import numpy as np

    below = falling[0] - falling
    reached = np.flatnonzero(below >= DECAY_DB[1])
    if not reached.size:
        return None
    inside = np.flatnonzero(below[: reached[0] + 1] >= DECAY_DB[0])
    first, last = int(inside[0]), int(reached[0])
    return float((below[last] - below[first]) * 100 / (last - first)) if last > first else 2000.0


def cut_levels(heard: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Return the levels inside some spans, one after the other."""
    import numpy as np

    parts = [heard[int(start * 100) : int(end * 100)] for start, end in spans if end > start]
    return np.concatenate(parts) if parts else np.zeros(0)
