"""What is said in the source: who speaks when, words, segments."""

from __future__ import annotations

from dataclasses import dataclass


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
