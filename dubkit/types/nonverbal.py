"""Laughs, sighs and breaths of the source, and what becomes of them in the dub."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NonverbalSound:
    """Something is heard of a speaker from `start` to `end` seconds, and no word is spoken."""

    start: float
    end: float
    speaker: str
    level_db: float
    """dBFS."""
    above_noise: float
    """Level over the quietest sound nearby, in dB."""


@dataclass(frozen=True, slots=True)
class Nonverbal:
    """Artifact `nonverbal.json`: what people utter in the source besides words, in order of start."""

    sounds: tuple[NonverbalSound, ...]


@dataclass(frozen=True, slots=True)
class KeptSound:
    """A sound of the source that lies under the dub, in samples, and the parts of it that are heard."""

    start_sample: int
    end_sample: int
    kept: tuple[tuple[int, int], ...] = ()
    """At the source's level; empty where the dub speaks all the time."""
