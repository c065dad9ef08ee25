"""Measure a finished dub line by line and as a whole, and flag what a person should look at.

Every function is pure: samples and texts in, numbers and flags out. Samples are `(n,)` or `(n, C)`
floating point with full scale 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from dubkit.errors import SettingError
from dubkit.qc.text import join_words, pooled_word_error, units, word_error
from dubkit.types import EpisodeQc, LineQc, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.floating]

_HOP_SECONDS = 0.001
_SILENCE_DB = -60.0  # quieter than this nothing counts as sound
_BELOW_PEAK_DB = 35.0  # nor what is this far below the loudest part of the line
_FULL_SCALE = 1 - 2.0**-15
_CLIPPED_RUN = 3  # samples in a row at full scale; two occur in clean sound
_NEAR_SECONDS = 0.3  # a word this far outside every line still belongs to the nearest one


@dataclass(frozen=True, slots=True)
class QcSettings:
    """From which value on a line or an episode is flagged."""

    max_word_error: float = 0.25
    max_start_error: float = 1 / 24
    """Seconds; pass one frame of the source."""
    max_line_loudness: float = 6.0
    """LU between a line and its source line: lines differ, the episode as a whole must not."""
    max_loudness: float = 1.0
    """LU between the dialogue of the dub and that of the source."""
    max_true_peak_db: float = 0.0
    max_dead_air: float = 1.5
    """Seconds of silence in the dub while the source speaks on."""
    max_drift_ms: float = 1.0

    def __post_init__(self) -> None:
        for name in (
            "max_word_error",
            "max_start_error",
            "max_line_loudness",
            "max_loudness",
            "max_dead_air",
        ):
            if getattr(self, name) < 0:
                raise SettingError(f"qc.{name}", getattr(self, name), "must be 0 or more")


# --- sound ----------------------------------------------------------------------------------------


def _levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Largest absolute sample of each millisecond, `(n,)`."""
    import numpy as np

    sound = np.abs(samples.astype(np.float64))
    if sound.ndim == 2:
        sound = sound.max(axis=1)
    hop = max(1, round(_HOP_SECONDS * rate))
    padded = np.pad(sound, (0, -len(sound) % hop))
    levels: NDArray[np.float64] = padded.reshape(-1, hop).max(axis=1)
    return levels


def _sounding(samples: Samples, rate: int) -> NDArray[np.intp]:
    """Milliseconds that are not silent."""
    import numpy as np

    levels = _levels(samples, rate)
    loudest = levels.max(initial=0.0)
    floor = max(10 ** (_SILENCE_DB / 20), loudest * 10 ** (-_BELOW_PEAK_DB / 20))
    return np.flatnonzero(levels >= floor)


def first_sound(samples: Samples, rate: int) -> float | None:
    """Seconds to the first sound, to the millisecond; None when all is silent."""
    sounding = _sounding(samples, rate)
    return float(sounding[0]) * _HOP_SECONDS if len(sounding) else None


def last_sound(samples: Samples, rate: int) -> float | None:
    """Seconds to the end of the last sound; None when all is silent."""
    sounding = _sounding(samples, rate)
    return float(sounding[-1] + 1) * _HOP_SECONDS if len(sounding) else None


def longest_silence(samples: Samples, rate: int) -> float:
    """Seconds of the longest silence between two sounds, or after the last one to the end."""
    sounding = _sounding(samples, rate)
    length = len(samples) / rate
    if not len(sounding):
        return length
    gaps = max((int(b - a) - 1 for a, b in pairwise(sounding)), default=0)
    return max(gaps * _HOP_SECONDS, length - float(sounding[-1] + 1) * _HOP_SECONDS)


def is_clipped(samples: Samples) -> bool:
    """True when a channel stays at full scale for three samples or more."""
    import numpy as np

    full = np.abs(samples) >= _FULL_SCALE
    if len(full) < _CLIPPED_RUN:
        return False
    return bool((full[2:] & full[1:-1] & full[:-2]).any())


# --- words ----------------------------------------------------------------------------------------


def align_heard(words: Sequence[Word], lines: Sequence[tuple[str, float, float]]) -> dict[str, str]:
    """Give each recognised word of the dub to the line it overlaps most, and join them per line.

    `lines` are `(id, start, end)` in seconds. A word beside all lines goes to the nearest one within
    0.3 s and is left out beyond that. Every line has an entry, `""` when nothing was heard in it.
    """
    import numpy as np

    heard: list[list[str]] = [[] for _ in lines]
    starts, ends = np.array([line[1] for line in lines]), np.array([line[2] for line in lines])
    for word in sorted(words, key=lambda word: word.start) if lines else ():
        # Negative by the distance where word and line do not meet.
        overlap = np.minimum(word.end, ends) - np.maximum(word.start, starts)
        nearest = int(overlap.argmax())
        if overlap[nearest] > -_NEAR_SECONDS:
            heard[nearest].append(word.text)
    return {line[0]: join_words(texts) for line, texts in zip(lines, heard, strict=True)}


# --- lines ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineCheck:
    """All that is known about one finished line; None for what was not measured."""

    id: str
    text: str
    language: str
    heard: str | None
    line_start: float
    """Seconds on the episode clock where the line should start."""
    speech_start: float
    """Seconds on the episode clock where the take was placed."""
    speech: Samples
    """The take, `(n,)`."""
    rate: int
    source_lufs: float | None = None
    dub_lufs: float | None = None
    dead_air: float = 0.0
    """Longest silence in the dub inside the source line, in seconds."""
    fit: Literal["fits", "faster", "borrowed", "cut"] = "fits"
    flags: tuple[str, ...] = ()
    """Flags of earlier stages, which are kept."""


def line_qc(check: LineCheck, settings: QcSettings) -> LineQc:
    """Measure one line and flag it.

    Flags: `silent`, `late`, `early`, `words`, `not-heard`, `loudness`, `clipped`, `cut`, `dead-air`,
    and those of earlier stages.
    """
    first = first_sound(check.speech, check.rate)
    start_error = check.speech_start + (first or 0.0) - check.line_start
    error = None if check.heard is None else word_error(check.text, check.heard, check.language)
    loudness = None
    if check.source_lufs is not None and check.dub_lufs is not None:
        loudness = check.dub_lufs - check.source_lufs
    expected = bool(units(check.text, check.language))
    unheard = expected and check.heard is not None and not units(check.heard, check.language)
    found = {
        "silent": first is None and expected,
        "late": first is not None and start_error > settings.max_start_error,
        "early": first is not None and start_error < -settings.max_start_error,
        "not-heard": unheard,
        "words": not unheard and error is not None and error > settings.max_word_error,
        "loudness": loudness is not None and abs(loudness) > settings.max_line_loudness,
        "clipped": is_clipped(check.speech),
        "cut": check.fit == "cut",
        "dead-air": check.dead_air > settings.max_dead_air,
    }
    return LineQc(
        id=check.id,
        heard=check.heard or "",
        word_error=None if error is None else round(error, 4),
        start_error=round(start_error, 4),
        loudness_error=None if loudness is None else round(loudness, 2),
        flags=_joined(check.flags, (name for name, is_found in found.items() if is_found)),
    )


def _joined(*groups: Iterable[str]) -> tuple[str, ...]:
    """All flags once, in the order they were found."""
    return tuple(dict.fromkeys(flag for group in groups for flag in group))


# --- the episode ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EpisodeCheck:
    """What was read back from the delivered file; None for what was not measured."""

    texts: tuple[tuple[str, str], ...]
    """`(line, heard)` of every line that was listened to."""
    language: str
    source_lufs: float | None
    dub_lufs: float | None
    true_peak_db: float | None
    source_peak_db: float | None
    frames: int
    source_frames: int
    identical_packets: int
    drift_ms: float
    dubbed_frames: int = 0
    """Frames that were generated."""
    recoded_frames: int = 0
    """Frames beside them that were encoded again."""
    changed_outside: int = 0
    """Frames that differ from the source's although they should not."""


def episode_qc(lines: Sequence[LineQc], check: EpisodeCheck, settings: QcSettings) -> EpisodeQc:
    """Put lines and episode together and flag the episode.

    Flags: `words`, `loudness`, `clipped`, `frames`, `picture-changed`, `drift`. A source that is
    hotter than the limit itself is no reason to flag the dub.
    """
    error = pooled_word_error(check.texts, check.language)
    source_peak = -math.inf if check.source_peak_db is None else check.source_peak_db
    allowed_peak = max(settings.max_true_peak_db, source_peak)
    levels = (check.source_lufs, check.dub_lufs)
    loudness = 0.0 if levels[0] is None or levels[1] is None else levels[1] - levels[0]
    found = {
        "words": error is not None and error > settings.max_word_error,
        "loudness": abs(loudness) > settings.max_loudness,
        "clipped": check.true_peak_db is not None and check.true_peak_db > allowed_peak + 0.1,
        "frames": check.frames != check.source_frames,
        "picture-changed": check.changed_outside > 0
        or check.identical_packets + check.dubbed_frames + check.recoded_frames
        < min(check.frames, check.source_frames),
        "drift": check.drift_ms > settings.max_drift_ms,
    }
    return EpisodeQc(
        lines=tuple(lines),
        word_error=None if error is None else round(error, 4),
        source_lufs=check.source_lufs,
        dub_lufs=check.dub_lufs,
        true_peak_db=check.true_peak_db,
        frames=check.frames,
        source_frames=check.source_frames,
        identical_packets=check.identical_packets,
        drift_ms=check.drift_ms,
        dubbed_frames=check.dubbed_frames,
        recoded_frames=check.recoded_frames,
        flags=tuple(name for name, is_found in found.items() if is_found),
    )
