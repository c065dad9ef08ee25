"""Diarisation engines: what dubkit knows of each, and the registry they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dubkit.errors import SettingError
from dubkit.host import ALONE, Host
from dubkit.registry import Registry
from dubkit.speech.settings import Diarize
from dubkit.types import Diarization
from dubkit.types.models import ModelSpec
from dubkit.types.remarks import Remark, Tell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TABLE = "diarize"
DEFAULTS = Diarize()


def untold(_remark: Remark) -> None:
    """Take a remark that nobody asked for."""


@dataclass(frozen=True, slots=True)
class DiarizationTask:
    """What an engine works for: the settings, and the host that it may ask."""

    settings: Diarize = DEFAULTS
    host: Host = ALONE
    own: Any = None
    """The engine's own table, an instance of its `settings`; None for an engine without one."""
    tell: Tell = untold
    """Takes remarks on what was found."""

    def for_engine(self, engine: DiarizationEngine) -> DiarizationTask:
        """Return the task as an engine gets it: with its own table."""
        own = engine.settings and self.host.table(engine.table, engine.settings)
        return replace(self, own=own)


@dataclass(frozen=True, slots=True)
class DiarizationEngine:
    """Something that finds out who speaks when: all that dubkit knows of it."""

    name: str
    """As in `diarize.method`."""
    title: str
    """What it is, in words."""
    hindrance: Callable[[DiarizationTask], str]
    """Why it cannot work here, with the cure; empty when it can. A clause, as after `but`."""
    identity: Callable[[DiarizationTask], str]
    """Method and model, as they enter cache keys. Loads nothing."""
    diarize: Callable[[NDArray[np.float32], DiarizationTask], Diarization]
    """Return the turns in mono sound (S,) at 16 kHz. Loads the model. Raises ModelMissing or ModelDamaged."""
    settings: type | None = None
    """Section of its own table `[diarize.NAME]`."""
    models: tuple[ModelSpec, ...] = ()
    """Models that it can use."""
    degraded: str = ""
    """What is lost where `auto` had to take it, for the report; empty when nothing is."""

    @property
    def table(self) -> str:
        """Name of its own settings table."""
        return f"{TABLE}.{self.name}"


DIARISERS: Registry[DiarizationEngine] = Registry(
    "diariser",
    "dubkit.diarisers",
    DiarizationEngine,
    (
        "dubkit.speech.diarisers.pyannote:ENGINE",
        "dubkit.speech.diarisers.resemblyzer:ENGINE",
        "dubkit.speech.diarisers.single:ENGINE",
    ),
    table=TABLE,
)


def choose_diariser(task: DiarizationTask) -> DiarizationEngine:
    """Return the engine that the settings name, or the first one that works here.

    An engine whose result counts as degraded comes last. A named engine is returned even where something
    hinders it. Raises SettingError for an engine that does not exist.
    """
    name = task.settings.method
    if name != "auto":
        engine = DIARISERS.get(name)
        if engine is None:
            known = ", ".join(("auto", *DIARISERS.names))
            raise SettingError("diarize.method", name, f"must be one of {known}")
        return engine
    engines = sorted(DIARISERS, key=lambda engine: bool(engine.degraded))
    return next((e for e in engines if not e.hindrance(task.for_engine(e))), engines[-1])
