"""Whose voice speaks, and how: what a voice engine is given beside the words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Reference:
    """A short piece of one person's speech, from which an engine takes the voice."""

    file: Path
    """WAV file: mono, 48 kHz."""
    text: str
    """What is said in it; empty where nobody knows."""
    language: str
    """Tag of its language; empty where nobody knows."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a line is spoken, against the voice's plain way. The defaults are that way itself."""

    words: str = ""
    """In words, for engines that read them: `in a whisper`."""
    pace: float = 1.0
    """Speaking rate, as a factor."""
    pitch: float = 0.0
    """Pitch, in semitones."""
    energy: float = 0.0
    """Loudness, in dB."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What speaking with a service took."""

    characters: int = 0
    """Characters that the service was sent and answered with success."""
    requests: int = 0
    """Requests for speech, whatever came of them."""
    retries: int = 0
    """How often one was sent again."""
    money: float = 0.0
    """What the characters cost; 0 where the price is not known."""
    notes: tuple[str, ...] = ()
    """What was asked for and not done, in sentences."""

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(
            self.characters + other.characters,
            self.requests + other.requests,
            self.retries + other.retries,
            self.money + other.money,
            tuple(dict.fromkeys((*self.notes, *other.notes))),
        )


@dataclass(frozen=True, slots=True)
class Manner:
    """How a stretch of speech sounds, in numbers."""

    pitch_hz: float
    """Median; 0 where it is hardly voiced."""
    range: float
    """Semitones between the lower and the upper tenth of its melody."""
    level: float
    """Of its louder parts, in dBFS."""
    voiced: float
    """Share of its louder parts that have a pitch."""
    brightness: float
    """Level above 1 kHz against that below, in dB: higher in a raised voice."""
    rate: float
    """Letters of its text in a second."""
    above_noise: float
    """Level over the quietest sound nearby, in dB."""


@dataclass(frozen=True, slots=True)
class LinePlan:
    """How a line is planned to be spoken, and why."""

    id: str
    basis: Literal["sound", "text", "tags"]
    """What it was read from: the source's voice, the marks of the text, or words in brackets."""
    delivery: Delivery
    manner: Manner | None = None
    """Of the source line; None where only the text was read."""
    usual: Manner | None = None
    """The median of its speaker's lines."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Artifact `expressive.json`: the plans of all lines that are not spoken in the plain way."""

    language: str
    lines: tuple[LinePlan, ...] = field(default_factory=tuple)
