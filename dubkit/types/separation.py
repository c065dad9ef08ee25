"""What separation took out of a source's sound, and what it left."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET, UnsetType


@dataclass(frozen=True, slots=True)
class Leak:
    """Words of a segment that are still heard in the bed."""

    segment: str
    words: str
    start: float
    end: float
    """Seconds on the episode clock."""


@dataclass(frozen=True, slots=True)
class BedLevel:
    """Levels in the bed under one segment, in dB."""

    segment: str
    old_voice_db: float | None
    """How loud the old voice is against itself in the source, by what of the bed goes with the "
    "separated voice:
    an upper bound. None where no voice was found."""
    music_db: float | None
    """How loud the bed is against the music, as far as that is heard between the voices; None where there is
    hardly any."""
    pauses_db: float | UnsetType = UNSET
    """How loud the bed is against the sound of the pauses beside it; unset where they are few."""


@dataclass(frozen=True, slots=True)
class Separation:
    """Artifact `stems/separation.json`."""

    method: str
    """What took the voices out; empty where nothing could."""
    used: bool
    """Whether the bed goes under the dub; if not, the source's sound is turned down there."""
    reason: str
    """Why it is not used; empty where it is."""
    spans: tuple[tuple[int, int], ...] = ()
    """Samples in which the bed is not the source's own sound."""
    ducked: tuple[tuple[int, int], ...] = ()
    """Samples in which the source's sound is turned down in the bed, because its voice was still heard."""
    leaks: tuple[Leak, ...] = ()
    levels: tuple[BedLevel, ...] = ()
    listener: str = ""
    """What listened to the bed for words; empty where nothing could."""

    @property
    def old_voice_db(self) -> float | None:
        """The worst level of the old voice under any segment."""
        return max(
            (level.old_voice_db for level in self.levels if level.old_voice_db is not None), default=None
        )
