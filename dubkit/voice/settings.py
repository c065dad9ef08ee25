"""Settings of voices: `[speak]` and `[cast]`."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.errors import SettingError
from dubkit.registry import names_of
from dubkit.settings import Positive, option

HARD_MAX_SPEED = 1.6
"""Rate up to which a line is rushed before it is cut."""


@dataclass(frozen=True, slots=True)
class Casting:
    """Describing and voicing the speakers."""

    file: str = option("", "cast.toml with names, descriptions and voices of the speakers.")


@dataclass(frozen=True, slots=True)
class Speak:
    """Speaking the lines.

    A line that leaves room is slowed to `min_speed` at most. One that is too long is spoken at up to
    `max_speed`, then borrows the silence after it, then is rushed up to `hard_max_speed`, then is cut.
    """

    provider: str = option(
        "auto",
        "Voice engine.",
        flag="--tts-provider",
        job=True,
        choices=names_of("dubkit.voice.engine:ENGINES", "auto"),
    )
    min_speed: Positive = option(0.95, "Slowest speaking rate against the voice's own.", job=True)
    max_speed: Positive = option(1.2, "Fastest rate before silence after the line is borrowed.", job=True)

    def __post_init__(self) -> None:
        if self.min_speed <= 0:
            raise SettingError("speak.min_speed", self.min_speed, "must be above 0")
        if self.min_speed > self.max_speed:
            raise SettingError("speak.min_speed", self.min_speed, "must not exceed speak.max_speed")

    @property
    def hard_max_speed(self) -> float:
        """Fastest rate of all. A user who allows more than the usual limit has moved it."""
        return max(HARD_MAX_SPEED, self.max_speed)
