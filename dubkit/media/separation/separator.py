"""Separators: what dubkit knows of each, what they give, and the registry they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from dubkit.errors import ModelMissing, SettingError
from dubkit.host import ALONE, Host
from dubkit.media.separation.settings import Separate
from dubkit.registry import Registry
from dubkit.types.models import ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TABLE = "separate"
DEFAULTS = Separate()
OFF = "off"

Span = tuple[int, int]
"""First sample, and one past the last."""

Advance = Callable[[float], None]
"""Called with the finished share of the work, 0 to 1."""


class StereoSound(Protocol):
    """Two channels of a source at 48 kHz, read span by span."""

    @property
    def samples(self) -> int:
        """How many there are in each channel."""

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """Return samples `start` to `end` as (n, 2); silence before the beginning and after the end."""


class VoiceFinder(Protocol):
    """A separator with its model loaded."""

    def voices(
        self, sound: StereoSound, spans: Sequence[Span], advance: Advance
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the voices in a sound as blocks (n, 2) from front to back, together as long as the sound.

        Every sample stands where it is in the sound: the bed is the difference of the two. Somebody speaks
        inside `spans`; elsewhere silence may be given.
        """


@dataclass(frozen=True, slots=True)
class SeparationTask:
    """What a separator is opened for: the settings, and the host that it may ask."""

    settings: Separate = DEFAULTS
    host: Host = ALONE
    own: Any = None
    """The separator's own table, an instance of its `settings`; None for one without."""

    def for_separator(self, separator: Separator) -> SeparationTask:
        """Return the task as a separator gets it: with its own table."""
        own = separator.settings and self.host.table(separator.table, separator.settings)
        return replace(self, own=own)


@dataclass(frozen=True, slots=True)
class Separator:
    """Something that takes voices out of sound: all that dubkit knows of it."""

    name: str
    """As in `separate.method`."""
    title: str
    """What it is, in words."""
    hindrance: Callable[[SeparationTask], str]
    """Why it cannot work here, with the cure; empty when it can. A clause, as after `but`."""
    identity: Callable[[SeparationTask], str]
    """Method and model, as they enter cache keys. Loads nothing."""
    open: Callable[[SeparationTask], VoiceFinder]
    """Load the model. Called once for an episode."""
    settings: type | None = None
    """Section of its own table `[separate.NAME]`."""
    models: tuple[ModelSpec, ...] = ()
    """Models that it can use."""
    by_itself: bool = False
    """Whether `auto` may take it; others have to be named."""

    @property
    def table(self) -> str:
        """Name of its own settings table."""
        return f"{TABLE}.{self.name}"


SEPARATORS: Registry[Separator] = Registry(
    "separator",
    "dubkit.separators",
    Separator,
    (
        "dubkit.media.separation.separators.spleeter:SEPARATOR",
        "dubkit.media.separation.separators.demucs:SEPARATOR",
        "dubkit.media.separation.separators.audio_separator:SEPARATOR",
        "dubkit.media.separation.separators.command:SEPARATOR",
    ),
    table=TABLE,
)


def choose_separator(task: SeparationTask) -> Separator | None:
    """Return the separator that the settings name, or for `auto` the first that can work here, else None.

    Raises SettingError for one that does not exist, ModelMissing for a named one that cannot work.
    """
    name = task.settings.method
    if name == "auto":
        able = (s for s in SEPARATORS if s.by_itself and not s.hindrance(task.for_separator(s)))
        return next(able, None)
    separator = SEPARATORS.get(name)
    if separator is None:
        known = ", ".join((OFF, "auto", *SEPARATORS.names))
        raise SettingError("separate.method", name, f"must be one of {known}")
    if hindrance := separator.hindrance(task.for_separator(separator)):
        raise ModelMissing(f"separate.method is {name!r}, but {hindrance}")
    return separator
