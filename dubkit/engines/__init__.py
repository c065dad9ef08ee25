"""What can make a take of a line, and what every such engine tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dubkit.types import Route


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What an engine can be given. Fields that do not concern it keep their defaults."""

    routes: tuple[Route, ...]
    """Routes of the lines that it makes takes for."""
    languages: tuple[str, ...] = ()
    """Language tags it speaks; empty when it sets no limit."""
    max_frames: int | None = None
    """Longest clip in frames; None when it sets no limit."""
    size_multiple: int = 1
    """Width and height must be multiples of this."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What made a take: enough to make it again, and to say who is to be credited."""

    engine: str
    version: str
    """Version of the package or checkpoint behind the engine; empty when it states none."""
    voices: tuple[str, ...] = ()
    """Voices used so far, in order of first use."""
    models: tuple[str, ...] = ()


class Engine(Protocol):
    """Anything that makes takes."""

    name: str

    @property
    def limits(self) -> EngineLimits:
        """What the engine can be given."""

    @property
    def receipt(self) -> Receipt:
        """What the engine has used."""
