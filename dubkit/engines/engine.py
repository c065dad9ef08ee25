"""Engines that make the takes of an episode's lines: their record, and the choice of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dubkit.errors import GeneratorError
from dubkit.host import Host
from dubkit.registry import Registry
from dubkit.types import Clip, Remark
from dubkit.types.models import ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClipOrder:
    """What an engine that makes whole clips is asked to make.

    The picture lies on a canvas of `width` x `height`, the source's own aspect inside it (`clip.fit`, whose
    sizes are half of these); it is cut out of the canvas again when it is put back into the film.
    """

    clip: Clip
    """Frames, prompt and lines of the clip."""
    language: str
    texts: tuple[str, ...]
    """What its lines say in that language, in order of time."""
    rate: Fraction
    """Frames per second."""
    seed: int
    width: int
    height: int
    pictures: Callable[[], Iterator[NDArray[np.uint8]]]
    """Gives the source's frames (height, width, 3), laid on the canvas: `clip.frames` of them."""
    sound: NDArray[np.float32]
    """The source's sound under the clip, (channels, samples) at 48 kHz."""
    given: NDArray[np.float32] | None
    """Speech that the picture must follow, (1 or 2, samples) at 48 kHz from the clip's first frame to its
    end, with a bed under it; None where the engine makes the voice. The take keeps this sound then, whatever
    the engine returns. Only engines that drive are given any."""
    settings: Any
    """The engine's own settings: an instance of its record's `settings`, or None."""
    host: Host
    """Settings, models and device of the run."""
    advance: Callable[[float], None] = lambda _share: None
    """Reports how much of the clip is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ClipMade:
    """A whole clip as an engine made it."""

    pictures: Iterator[NDArray[np.uint8]]
    """All frames of the clip, (height, width, 3) on the canvas of the order."""
    sound: NDArray[np.float32]
    """(channels, samples) from the clip's first frame on."""
    sound_rate: int
    remarks: tuple[Remark, ...] = ()
    """What people should know of how it was made, such as pictures that were scaled."""


@dataclass(frozen=True, slots=True)
class TakeEngine:
    """An engine that makes takes: all that dubkit knows of it."""

    name: str
    """In the setting `engine`, in `clips.json` and in takes."""
    title: str
    hindrance: Callable[[Host], str]
    """Return why it cannot make takes on this machine, or an empty text."""
    settings: type | None = None
    """Its own section: the table `[dub.NAME]`. Values that are not the default make takes anew."""
    depends: tuple[str, ...] = ()
    """Settings beside its own that change what it makes, such as `dub.negative_prompt`."""
    models: tuple[ModelSpec, ...] = ()
    generates: bool = True
    """Whether it makes clips, picture and voice together, or leaves the picture as it is."""
    drives: bool = False
    """Whether it makes the picture of a clip for a sound that is given: `ClipOrder.given`."""
    speaks: bool = True
    """Whether it makes the voice of a clip. Where it does not, every clip follows speech that is given."""
    card: bool = True
    """Whether it makes clips on a graphics card of this machine. Where it asks a service instead, batches,
    servers and executors hold no card for it."""
    optional: bool = False
    """Whether lines that it cannot make are spoken over the source's picture instead, marked. Where
    `dub.strict_plugins` is set, the run stops."""
    licence: str = ""
    """What its licence allows, in a few words, where that is less than everything."""
    automatic: bool = False
    """Whether `--engine auto` takes it where it can work; others must be asked for."""
    reason: str = "it can work here"
    """Why `--engine auto` took it, in words."""
    require: Callable[[Host], None] | None = None
    """Raise a DubkitError with the cure where it was asked for and cannot work; None: from `hindrance`."""
    callers: Callable[[Any], int] | None = None
    """Return how many clips it makes at the same time, by its settings; None: one after the other."""
    make: Callable[[ClipOrder], ClipMade] | None = None
    """Make one whole clip. None where the engine has stages of its own."""


STRICT = "dub.strict_plugins"

ENGINES = Registry(
    "take engine",
    "dubkit.engines",
    TakeEngine,
    (
        "dubkit.engines.justdubit.record:ENGINE",
        "dubkit.engines.comfyui.record:ENGINE",
        "dubkit.engines.spoken:ENGINE",
        "dubkit.engines.command.record:ENGINE",
        "dubkit.engines.command.lipsync:WAV2LIP",
        "dubkit.engines.command.lipsync:LATENTSYNC",
        "dubkit.engines.command.lipsync:MUSETALK",
        "dubkit.engines.command.lipsync:X_DUB",
        "dubkit.engines.remote.record:ENGINE",
    ),
    table="dub",
)


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine of a run, and why."""

    engine: TakeEngine
    reason: str
    missing: str = ""
    """Why another engine than the one that was asked for makes the takes; empty where it is that one."""

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.engine.name


def choose_engine(name: str, host: Host) -> EngineChoice:
    """Choose what makes the takes: the engine of that name, or (`auto`) the first that can work here.

    An optional engine that cannot work gives way to speech alone, unless `dub.strict_plugins` is set; the
    choice says why. Raises a DubkitError with the cure when another named engine cannot work.
    """
    engine = ENGINES.get(name)
    if engine is not None:
        if engine.optional and not host.setting(STRICT) and (reason := engine.hindrance(host)):
            spoken = next(engine for engine in ENGINES if not engine.generates)
            return EngineChoice(spoken, f"{name} cannot work here", f"{name} cannot work here: {reason}")
        _require(engine, host)
        return EngineChoice(engine, "asked for")
    reasons: list[str] = []
    for candidate in (engine for engine in ENGINES if engine.automatic):
        reason = candidate.hindrance(host)
        if not reason:
            return EngineChoice(candidate, reasons[0] if reasons else candidate.reason)
        reasons.append(reason)
    raise GeneratorError("Nothing here can make takes:\n" + "\n".join(reasons))


def _require(engine: TakeEngine, host: Host) -> None:
    if engine.require is not None:
        return engine.require(host)
    reason = engine.hindrance(host)
    if reason:
        raise GeneratorError(f"The engine {engine.name} cannot work here: {reason}")
