"""Recognition engines: what dubkit knows of each, what they give, and the registry they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from dubkit.errors import ModelMissing, SettingError
from dubkit.host import ALONE, Host
from dubkit.registry import Registry
from dubkit.speech.settings import Transcribe
from dubkit.types import LanguageSpan, Word
from dubkit.types.models import ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TABLE = "transcribe"
DEFAULTS = Transcribe()

OnProgress = Callable[[float], None]
"""Called with the finished share of the work, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What was said. `flags` tell why a person should look.

    `no-speech`, `language-uncertain`, `mixed-languages:en,zh`, `repetition-removed`,
    `invented-text-removed`, `low-confidence`, `speech-without-words`.
    """

    language: str
    language_probability: float
    words: tuple[Word, ...]
    flags: tuple[str, ...] = ()
    languages: tuple[LanguageSpan, ...] = ()
    """Which language is spoken where, when there is more than one."""


class Recogniser(Protocol):
    """An engine with its model loaded."""

    @property
    def name(self) -> str:
        """Name of the model, as the transcript gives it."""

    def recognise(
        self,
        audio: NDArray[np.float32],
        spans: Sequence[tuple[float, float]],
        settings: Transcribe | None = None,
        on_progress: OnProgress | None = None,
    ) -> Recognition:
        """Return the words spoken inside `spans`, (start, end) in seconds.

        `audio` is mono (S,) at 16 kHz on the episode clock. Times of words are seconds on that clock.
        """


@dataclass(frozen=True, slots=True)
class RecognitionTask:
    """What an engine is opened for: the settings, and the host that it may ask."""

    settings: Transcribe = DEFAULTS
    host: Host = ALONE
    own: Any = None
    """The engine's own table, an instance of its `settings`; None for an engine without one."""
    seconds: float = 0.0
    """Seconds of speech that one call will recognise; 0 where that is not known. It changes no word."""
    workers: int = 0
    """Calls that will come at the same time, where the engine works side by side. It changes no word."""

    def for_engine(self, engine: RecognitionEngine) -> RecognitionTask:
        """Return the task as an engine gets it: with its own table."""
        own = engine.settings and self.host.table(engine.table, engine.settings)
        return replace(self, own=own)


@dataclass(frozen=True, slots=True)
class Hearing:
    """How a dub is heard by another reading than the one that its words, texts and takes were chosen with."""

    task: RecognitionTask
    name: str
    """As the report calls it: `whisper-base, beam 1`."""
    lacks: str = ""
    """What would hear better, with its cure, as sentences; empty where nothing is missing."""


@dataclass(frozen=True, slots=True)
class RecognitionEngine:
    """Something that recognises speech: all that dubkit knows of it."""

    name: str
    """As in `transcribe.engine`."""
    title: str
    """What it is, in words."""
    hindrance: Callable[[RecognitionTask], str]
    """Why it cannot work here, with the cure; empty when it can. A clause, as after `but`."""
    identity: Callable[[RecognitionTask], str]
    """Engine and model, as they enter cache keys. Loads nothing."""
    open: Callable[[RecognitionTask], Recogniser]
    """Load the model. Called once for all the work of a stage."""
    settings: type | None = None
    """Section of its own table `[transcribe.NAME]`."""
    models: tuple[ModelSpec, ...] = ()
    """Models that it can use."""
    side_by_side: bool = False
    """Whether threads may ask an opened one at the same time; each gets the words it would get alone."""
    hearing: Callable[[RecognitionTask, str], Hearing] | None = None
    """Return how it hears a dub in a language (a tag), by another model or another decoding than the task's
    own. Loads nothing. None: it has one reading only."""

    @property
    def table(self) -> str:
        """Name of its own settings table."""
        return f"{TABLE}.{self.name}"


RECOGNISERS: Registry[RecognitionEngine] = Registry(
    "recogniser",
    "dubkit.recognisers",
    RecognitionEngine,
    ("dubkit.speech.recognisers.whisper:ENGINE",),
    table=TABLE,
)


def choose_recogniser(task: RecognitionTask) -> RecognitionEngine:
    """Return the engine that the settings name, or the first one that works here.

    Raises SettingError for an engine that does not exist, ModelMissing for a named one that cannot work.
    """
    name = task.settings.engine
    if name == "auto":
        engines = list(RECOGNISERS)
        # What the first one lacks, it says itself.
        return next((e for e in engines if not e.hindrance(task.for_engine(e))), engines[0])
    engine = RECOGNISERS.get(name)
    if engine is None:
        known = ", ".join(("auto", *RECOGNISERS.names))
        raise SettingError("transcribe.engine", name, f"must be one of {known}")
    hindrance = engine.hindrance(task.for_engine(engine))
    if hindrance:
        raise ModelMissing(f"transcribe.engine is {name!r}, but {hindrance}")
    return engine
