"""Words with true times into segments: they end where the speaker would breathe.

For words whose times are those at which they sound (`dubkit.speech.refine`). Pauses are real then, so a piece
without one at its edge belongs to its neighbour, and no segment is shorter than it can be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from dubkit.speech.changes import speakers_of_words
from dubkit.speech.phrases import CLAUSE_ENDS, SENTENCE_ENDS
from dubkit.speech.segments import (
    MOST_CHARACTERS,
    cut_short,
    language_at,
    segment_of,
    sentences_of,
)
from dubkit.speech.settings import Transcribe
from dubkit.speech.stops import ends_breath
from dubkit.types import LanguageSpan, Segment, Turn, Word

BREATH = 0.25
"""Seconds of a pause in which a speaker can breathe. Catching breath within a sentence takes 0.3 s or so
(Grosjean and Collins 1979, Phonetica 36); shorter silences are stops and hesitation."""

SHORT = 0.7
"""Seconds below which a piece is spoken in one breath with what stands beside it."""

SAME_SENTENCE = 1.5
"""Seconds of pause over which a short piece still belongs to the sentence that it is a part of."""

ASIDE = 0.8
"""Seconds of what somebody says into another's sentence without ending it: `mhm`, `yes`."""

Piece = tuple[str, str, list[Word]]
"""Speaker, language, words."""


def segments_by_sound(
    words: Sequence[Word],
    turns: Sequence[Turn],
    language: str,
    settings: Transcribe | None = None,
    languages: Sequence[LanguageSpan] = (),
) -> tuple[Segment, ...]:
    """Return segments `s0001`, `s0002`, … by their starts, which hold every word once.

    Words of one speaker stay in order. Two segments overlap only where somebody says something into
    another's sentence.
    """
    settings = settings or Transcribe()
    speakers = speakers_of_words(words, turns, language)
    tongues = [language_at(word, languages) or language for word in words]
    labels = list(zip(speakers, tongues, strict=True))
    pieces: list[Piece] = []
    for (speaker, tongue), indices in groupby(range(len(words)), key=lambda i: labels[i]):
        run = [words[i] for i in indices]
        pieces += [(speaker, tongue, part) for part in _breaths(run, settings, tongue)]
    pieces = _over_asides(pieces, settings)
    parts = [
        (speaker, tongue, part)
        for speaker, tongue, said in pieces
        for part in cut_short(said, settings.max_seconds, MOST_CHARACTERS, CLAUSE_ENDS | SENTENCE_ENDS)
    ]
    parts.sort(key=lambda piece: piece[2][0].start)
    return tuple(
        segment_of(number, part, speaker, tongue) for number, (speaker, tongue, part) in enumerate(parts, 1)
    )


def _breaths(run: list[Word], settings: Transcribe, language: str) -> list[list[Word]]:
    """Return the words of one speaker, sentence by sentence, with short pieces joined to their neighbours."""
    joined: list[list[Word]] = []
    for piece in sentences_of(run, settings.pause, language, ends_breath):
        if joined and _one_breath(joined[-1], piece, language) and _fits(joined[-1] + piece, settings):
            joined[-1] += piece
        else:
            joined.append(list(piece))
    return joined


def _one_breath(before: list[Word], after: list[Word], language: str) -> bool:
    """Whether two neighbouring pieces of one speaker are one line."""
    pause = after[0].start - before[-1].end
    short = min(_seconds(before), _seconds(after)) < SHORT
    if not short:
        return False
    return pause < (BREATH if ends_breath([*before, *after], len(before) - 1, language) else SAME_SENTENCE)


def _over_asides(pieces: list[Piece], settings: Transcribe) -> list[Piece]:
    """Join the two halves of a sentence into which another speaker says something short."""
    kept: list[Piece] = []
    for speaker, tongue, said in pieces:
        before = kept[-2] if len(kept) > 1 else None
        if before and before[:2] == (speaker, tongue) and kept[-1][0] != speaker:
            goes_on = not ends_breath([*before[2], *said], len(before[2]) - 1, tongue)
            pause = said[0].start - before[2][-1].end
            aside = _seconds(kept[-1][2]) < ASIDE and pause < max(settings.pause, ASIDE)
            if goes_on and aside and _fits(before[2] + said, settings):
                kept[-2] = (speaker, tongue, before[2] + said)
                continue
        kept.append((speaker, tongue, said))
    return kept


def _fits(words: list[Word], settings: Transcribe) -> bool:
    return len(cut_short(words, settings.max_seconds, MOST_CHARACTERS)) == 1


def _seconds(words: Sequence[Word]) -> float:
    return words[-1].end - words[0].start
