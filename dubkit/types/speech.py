"""What is said in the source: who speaks when, words, segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker speaks from `start` to `end` seconds. Turns of different speakers may overlap."""

    start: float
    end: float
    speaker: str


@dataclass(frozen=True, slots=True)
class Diarization:
    """Artifact `diarization.json`: who speaks when."""

    turns: tuple[Turn, ...]
    method: str
    """What found the turns: `resemblyzer+spectral`, `pyannote`, `import`, `single`."""
    embeddings: dict[str, tuple[float, ...]]
    """One unit-length voice embedding per speaker; empty where the method gives none."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word with its times in seconds and its probability."""

    start: float
    end: float
    text: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class LanguageSpan:
    """Speech in one language, seconds on the episode clock."""

    start: float
    end: float
    language: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """Artifact `words.json`: what was heard, before it is cut into segments."""

    language: str
    language_probability: float
    words: tuple[Word, ...]
    model: str
    flags: tuple[str, ...] = ()
    languages: tuple[LanguageSpan, ...] = ()


MoveReason = Literal["pause-before", "pause-after", "too-short", "edge"]
"""Why a word was moved: it was stretched over the pause before it, or over the one after it; it was shorter
than it can be said; its sound begins or ends elsewhere."""


@dataclass(frozen=True, slots=True)
class MovedWord:
    """A word whose times are not those that the recogniser gave; all in seconds."""

    number: int
    """Its place among the words of `words.json`, from 0."""
    text: str
    heard_start: float
    heard_end: float
    start: float
    end: float
    reasons: tuple[MoveReason, ...]


@dataclass(frozen=True, slots=True)
class WordTimes:
    """Artifact `word-times.json`: which words were moved to where they sound."""

    words: int
    """How many words there are in all."""
    moved: tuple[MovedWord, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of speech by one speaker: the unit that is translated, spoken and reviewed."""

    id: str
    start: float
    end: float
    speaker: str
    text: str
    words: tuple[Word, ...] = ()
    language: str = ""
    confidence: float = 1.0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """Artifact `transcript.json`."""

    language: str
    language_probability: float
    segments: tuple[Segment, ...]
    model: str
