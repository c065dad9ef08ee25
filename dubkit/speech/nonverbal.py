"""Laughs, sighs and breaths: where a speaker is heard and no word is spoken.

They are told from the bed by their level, and from words that the recogniser missed by the speech gate: where
that may be hearing speech, nothing is found, because no word of the source must be heard in the dub. So a
laugh that sounds like speech is not found either. A door that slams beside a speaker is.

Shapes: audio (S,) mono float at 16 kHz; everything else (F,), one value per 10 ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dubkit.speech.vad import FRAME, as_signal, speech_probabilities
from dubkit.types import ASR_RATE, Segment, Turn
from dubkit.types.music import SoundSpan
from dubkit.types.nonverbal import NonverbalSound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Values = NDArray[np.float64]

SHORTEST, LONGEST = 0.12, 3.0
"""Seconds; what is longer is a noise of the place."""

WORD_REACH = 0.06
"""Seconds before and after a word that belong to it."""

NEAR = 1.5
"""Seconds before and after a segment in which a sound counts as its speaker's."""

ABOVE_NOISE = 10.0
BELOW_SPEECH = 25.0
"""A sound is this much (dB) above the quietest sound nearby, and no more than this below speech nearby."""

AROUND = 3.0
"""Seconds to both sides from which both levels are taken."""
QUIET, SPOKEN = 0.05, 0.75
"""Shares of all levels, and of those of words, that are the quietest sound and speech."""

BRIDGED = 0.12
"""A dip this short belongs to the sound: a laugh is a row of bursts."""

SURE = 0.55
"""Mean probability of speech from which a sound may be a word that the recogniser missed. In an interview
these had 0.78 and more; breaths have 0.3 at most, and laughs made by code 0.45."""

TICK = 0.01
_STEP = ASR_RATE // 100
_SILENT = 1e-10


def nonverbal_sounds(
    audio: NDArray[np.float32],
    segments: Sequence[Segment],
    turns: Sequence[Turn] = (),
    music: Sequence[SoundSpan] = (),
) -> tuple[NonverbalSound, ...]:
    """Return what speakers utter besides words, in order of start.

    A segment without words is spoken throughout. What lies in music or singing, or while somebody else
    speaks, is not found.
    """
    import numpy as np

    ticks = len(audio) // _STEP
    spoken = _marked(_spoken(segments), ticks, WORD_REACH)
    if not spoken.any():
        return ()
    levels = _levels(audio, ticks)
    noise, speech = _around(levels, spoken)
    free = ~spoken & ~_marked(((span.start, span.end) for span in music), ticks)
    loud = free & (levels >= noise + ABOVE_NOISE) & (levels >= speech - BELOW_SPEECH)
    sure = _gate(audio, ticks)
    found = []
    for first, end in _runs(loud, free):
        start, stop = first * TICK, end * TICK
        speaker = _speaker(start, stop, segments, turns)
        if not SHORTEST <= stop - start <= LONGEST or not speaker or sure[first:end].mean() >= SURE:
            continue
        level = float(10 * np.log10(np.mean(10 ** (levels[first:end] / 10))))
        above = level - float(noise[first:end].mean())
        found.append(
            NonverbalSound(round(start, 2), round(stop, 2), speaker, round(level, 1), round(above, 1))
        )
    return tuple(found)


def _spoken(segments: Iterable[Segment]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for segment in segments:
        words = [(word.start, word.end) for word in segment.words]
        spans += words or [(segment.start, segment.end)]
    return spans


def _marked(spans: Iterable[tuple[float, float]], ticks: int, reach: float = 0.0) -> Flags:
    """Return the ticks that lie in any of the spans, grown by `reach` seconds."""
    import numpy as np

    marked = np.zeros(ticks, dtype=np.bool_)
    for start, end in spans:
        marked[max(0, int((start - reach) / TICK)) : max(0, -int(-(end + reach) // TICK))] = True
    return marked


def _levels(audio: NDArray[np.float32], ticks: int) -> Values:
    """Return the level of 30 ms around each tick in dBFS."""
    import numpy as np
    from scipy.ndimage import uniform_filter1d  # type: ignore[import-untyped]

    power = np.square(audio[: ticks * _STEP].reshape(ticks, _STEP)).mean(axis=1, dtype=np.float64)
    levels: Values = 10 * np.log10(np.maximum(uniform_filter1d(power, 3, mode="nearest"), _SILENT))
    return levels


def _around(levels: Values, spoken: Flags) -> tuple[Values, Values]:
    """Return the quietest level around each tick, and that of speech (of all speech, where none is near)."""
    import numpy as np

    reach, ticks = round(AROUND / TICK), np.arange(len(levels))
    middles = np.arange(0, len(levels), reach // 3)
    usual = float(np.quantile(levels[spoken], SPOKEN))
    quiet, speech = [], []
    for middle in middles:
        part = slice(max(0, middle - reach), middle + reach)
        words = levels[part][spoken[part]]
        quiet.append(float(np.quantile(levels[part], QUIET)))
        speech.append(float(np.quantile(words, SPOKEN)) if len(words) else usual)
    return np.interp(ticks, middles, quiet), np.interp(ticks, middles, speech)


def _gate(audio: NDArray[np.float32], ticks: int) -> Values:
    """Return how sure the speech gate is at each tick."""
    import numpy as np

    sure = speech_probabilities(as_signal(audio))
    at = np.minimum(np.arange(ticks) * _STEP // FRAME, len(sure) - 1)
    return np.asarray(sure[at], dtype=np.float64)


def _runs(loud: Flags, free: Flags) -> list[tuple[int, int]]:
    """Return runs of loud ticks (first, one past the last), over short dips in which no word lies."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for first, end in edges.reshape(-1, 2).tolist():
        dip = slice(runs[-1][1], first) if runs else slice(0)
        if runs and first - runs[-1][1] <= BRIDGED / TICK and free[dip].all():
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((first, end))
    return runs


def _speaker(start: float, end: float, segments: Sequence[Segment], turns: Sequence[Turn]) -> str:
    """Return who makes a sound: who speaks nearest by; empty where that is nobody, or others speak, too."""
    nearest = min(segments, key=lambda s: max(s.start - end, start - s.end, 0.0))
    if max(nearest.start - end, start - nearest.end) > NEAR:
        return ""
    others = any(turn.start < end and turn.end > start and turn.speaker != nearest.speaker for turn in turns)
    return "" if others else nearest.speaker
