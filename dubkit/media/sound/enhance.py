"""The mix `enhanced`: a voice that is easy to follow, and a bed that makes way for its words.

- The bed goes down within 80 ms before a line and comes back within 350 ms after it, instead of 20 ms.
- A bed without voices (a music-and-effects track, or a separated one) is 6 dB lower under the words, and back
  at its level in the pauses between them.
- The voice loses rumble below 80 Hz, gains 2 dB around 3 kHz, where consonants are told apart, and its loud
  syllables are brought nearer to its soft ones (2:1). Its loudness stays the one that the line is to have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

WAY_DB = -6.0
"""Level of a bed without voices under words."""
FOLLOW_SAMPLES = SAMPLE_RATE // 100
"""Samples between two values of `follow_words`."""

_WORDS_DB = -30.0  # a step this far below the loud ones of its line is a pause
_HOLD_STEPS = 12  # pauses up to twice this are bridged, so that the bed does not pump
_RUMBLE_HZ = 80.0
_PRESENCE_HZ, _PRESENCE_DB, _PRESENCE_Q = 3000.0, 2.0, 0.8
_RATIO = 2.0
_KNEE_DB = 3.0  # compression begins this far above the line's usual level
_ATTACK_SECONDS, _RELEASE_SECONDS = 0.010, 0.120


def follow_words(speech: Samples) -> NDArray[np.float64]:
    """Return how far a bed makes way at each step of 10 ms, 0 to 1: gliding, and 1 under every word."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d, uniform_filter1d  # type: ignore[import-untyped]

    steps = max(1, -(-len(speech) // FOLLOW_SAMPLES))
    padded = np.zeros((steps * FOLLOW_SAMPLES, speech.shape[1]))
    padded[: len(speech)] = speech
    power = np.square(padded).reshape(steps, -1).sum(axis=1)
    if not power.any():
        return np.zeros(steps)
    words = (power > np.percentile(power, 90) * 10 ** (_WORDS_DB / 10)).astype(np.float64)
    held = maximum_filter1d(words, 2 * _HOLD_STEPS + 1)
    glide: NDArray[np.float64] = uniform_filter1d(held, _HOLD_STEPS, mode="nearest")
    return glide


def shape_voice(speech: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mono speech `(n,)` without rumble, with clear consonants and evener syllables."""
    import numpy as np
    from scipy.signal import butter, sosfilt  # type: ignore[import-untyped]

    if not speech.any():
        return speech
    clean = sosfilt(butter(2, _RUMBLE_HZ, "highpass", fs=SAMPLE_RATE, output="sos"), speech)
    clean = sosfilt(_presence()[None], clean)
    level_db = 10 * np.log10(_envelope(clean) + 1e-12)
    usual = 10 * np.log10(np.mean(np.square(clean[level_db > level_db.max() - 40])) + 1e-12)
    above = np.maximum(level_db - (usual + _KNEE_DB), 0.0)
    shaped: NDArray[np.float64] = clean * 10 ** (-above * (1 - 1 / _RATIO) / 20)
    return shaped


def _envelope(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power of a sound that rises at once and falls slowly, `(n,)`."""
    import numpy as np
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import lfilter

    attack = 1 - np.exp(-1 / (_ATTACK_SECONDS * SAMPLE_RATE))
    release = 1 - np.exp(-1 / (_RELEASE_SECONDS * SAMPLE_RATE))
    quick = lfilter([attack], [1, attack - 1], np.square(sound))
    slow: NDArray[np.float64] = lfilter(
        [release], [1, release - 1], maximum_filter1d(quick, round(_ATTACK_SECONDS * SAMPLE_RATE))
    )
    return slow


def _presence() -> NDArray[np.float64]:
    """Second-order section of a bell, after the audio EQ cookbook of R. Bristow-Johnson."""
    import numpy as np

    gain = 10 ** (_PRESENCE_DB / 40)
    angle = 2 * np.pi * _PRESENCE_HZ / SAMPLE_RATE
    width = np.sin(angle) / (2 * _PRESENCE_Q)
    b = np.array([1 + width * gain, -2 * np.cos(angle), 1 - width * gain])
    a = np.array([1 + width / gain, -2 * np.cos(angle), 1 - width / gain])
    return np.concatenate((b / a[0], a / a[0]))
