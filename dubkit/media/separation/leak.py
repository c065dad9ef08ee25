"""The leak meter: what of the old voices is left in a bed, by their words and by their level.

A recogniser that is given music invents text, in loops more often than not. So words count only where the
source says the same ones at the same time, three in a row, and what comes again and again in the bed counts
for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from dubkit.media.separation.bed import HOP, WINDOW, level_of_rest, spectrum, voice_share
from dubkit.types import SAMPLE_RATE, Segment, Word
from dubkit.types.separation import BedLevel, Leak

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

IN_A_ROW = 3
APART_SECONDS = 1.5
"""How far the times of the same word may lie apart."""
LOOP_WORDS = 3
LOOP_TIMES = 2

AUDIBLE = 1e-4
"""Peak below which there is no voice (-80 dBFS)."""
SILENT_DB = -55.0
"""Level below which there is no music that could be lost."""
PAUSE_SECONDS = 5.0
"""How far from a segment pauses are looked for."""
PAUSE_DB = -20.0
"""Level of the voice against the whole below which a moment counts as a pause."""
LEAST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """A word of the source or of the bed, as it is compared."""

    text: str
    """Its letters and digits alone, in one case; never empty."""
    at: float
    """Middle of its time, in seconds."""


def said(words: Iterable[Word]) -> list[Said]:
    """Return words as they are compared."""
    plain = ((("".join(c for c in w.text.casefold() if c.isalnum())), w) for w in words)
    return [Said(text, (word.start + word.end) / 2) for text, word in plain if text]


def segment_words(segment: Segment) -> list[Word]:
    """Return the words of a segment with their times; spread evenly where none are known."""
    if segment.words:
        return list(segment.words)
    texts = segment.text.split()
    step = (segment.end - segment.start) / max(len(texts), 1)
    return [
        Word(segment.start + number * step, segment.start + (number + 1) * step, text)
        for number, text in enumerate(texts)
    ]


def leaked_words(segments: Sequence[Segment], heard: Sequence[Word]) -> tuple[Leak, ...]:
    """Return the words of each segment that are heard in the bed, three or more in a row, at their time."""
    bed = _without_loops(said(heard), [word for s in segments for word in said(segment_words(s))])
    leaks = []
    for segment in segments:
        source = said(segment_words(segment))
        for first, count in _runs(source, bed):
            run = source[first : first + count]
            text = " ".join(word.text for word in run)
            leaks.append(Leak(segment.id, text, round(run[0].at, 3), round(run[-1].at, 3)))
    return tuple(leaks)


def _runs(source: Sequence[Said], bed: Sequence[Said]) -> list[tuple[int, int]]:
    """Return the longest runs (first word of the source, words) that the bed says too, `IN_A_ROW` at
    least."""
    lengths = [0] * (len(bed) + 1)
    ends: list[int] = []
    for word in source:
        before = lengths
        lengths = [0] * (len(bed) + 1)
        for place, other in enumerate(bed):
            if word.text == other.text and abs(word.at - other.at) <= APART_SECONDS:
                lengths[place + 1] = before[place] + 1
        ends.append(max(lengths))
    return [
        (last - length + 1, length)
        for last, (length, following) in enumerate(pairwise([*ends, 0]))
        if length >= IN_A_ROW and following != length + 1
    ]


def _without_loops(bed: Sequence[Said], source: Sequence[Said]) -> list[Said]:
    """Return the words of the bed without those that come again and again there, and not in the source."""
    times = Counter(_grams(bed))
    theirs = Counter(_grams(source))
    looped = {gram for gram, count in times.items() if count >= LOOP_TIMES and count > theirs[gram]}
    inside: set[int] = set()
    for place, gram in enumerate(_grams(bed)):
        if gram in looped:
            inside.update(range(place, place + LOOP_WORDS))
    return [word for place, word in enumerate(bed) if place not in inside]


def _grams(words: Sequence[Said]) -> list[tuple[str, ...]]:
    return [tuple(w.text for w in words[at : at + LOOP_WORDS]) for at in range(len(words) - LOOP_WORDS + 1)]


# --- levels ---------------------------------------------------------------------------------------


def bed_level(
    segment: Segment, mix: Samples, voice: Samples, bed: Samples, *, before: int = 0, after: int = 0
) -> BedLevel:
    """Return the levels under a segment, from the source, the voices and the bed there: (n, C) each.

    Of the samples `before` lie before the segment and `after` after it: pauses are looked for in them.
    """
    inside = slice(before, len(mix) - after)
    if len(mix[inside]) < WINDOW:
        return BedLevel(segment.id, None, None)
    music = music_db(mix[inside], voice[inside], bed[inside])
    pauses = UNSET if music is None else pauses_db(mix, voice, bed, inside)
    return BedLevel(segment.id, _old_voice_db(bed[inside], voice[inside]), music, pauses)


def _old_voice_db(bed: Samples, voice: Samples) -> float | None:
    """Return the level of what goes with the voice in the bed, against the voice; by bands, then together."""
    import numpy as np

    if not np.abs(voice).max(initial=0.0) > AUDIBLE:
        return None
    left, spoken = (spectrum(sound.mean(axis=1, keepdims=True))[0] for sound in (bed, voice))
    power = (np.abs(spoken) ** 2).sum(axis=1) + 1e-20
    common = np.abs((left * spoken.conj()).sum(axis=1)) ** 2 / power
    return round(float(10 * np.log10(max(common.sum() / power.sum(), 1e-9))), 1)


def music_db(mix: Samples, voice: Samples, bed: Samples) -> float | None:
    """Return the level of the bed against that of the music, as far as it is heard between the voices.

    In each band the music is taken to be as loud under the voice as where there is hardly any. None where
    nearly nothing but the voice is heard.
    """
    import numpy as np

    whole, spoken, left = (spectrum(sound) for sound in (mix, voice, bed))
    power = np.abs(whole) ** 2
    expected = level_of_rest(voice_share(whole, spoken), power).sum()
    if 10 * np.log10(expected / (power.shape[2] * mix.shape[1]) + 1e-12) < SILENT_DB:
        return None
    return round(float(10 * np.log10((np.abs(left) ** 2).sum() / expected + 1e-12)), 1)


def pauses_db(mix: Samples, voice: Samples, bed: Samples, inside: slice) -> float | UnsetType:
    """Return the level of the bed under the words of a segment against the source in the pauses near it.

    Music that swells or stops between the two moves it by a dB or two, either way. Unset where pauses or
    words are shorter than half a second.
    """
    import numpy as np

    whole, spoken, left = ((np.abs(spectrum(sound)) ** 2).sum(axis=(0, 1)) for sound in (mix, voice, bed))
    at = np.arange(len(whole)) * HOP
    pause = spoken < whole * 10 ** (PAUSE_DB / 10)
    words = (at >= inside.start) & (at < inside.stop) & ~pause
    if min(pause.sum(), words.sum()) * HOP < LEAST_PAUSE_SECONDS * SAMPLE_RATE:
        return UNSET
    return round(float(10 * np.log10((left[words].mean() + 1e-12) / (whole[pause].mean() + 1e-12))), 1)
