"""Translation engines: what dubkit knows of each, and the registry they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from dubkit.host import ALONE, Host
from dubkit.registry import Registry
from dubkit.translate.adaptation.offers import Rewriter
from dubkit.translate.lines import OnDone, SourceLine
from dubkit.translate.settings import Translate
from dubkit.types import Remark
from dubkit.types.models import ModelSpec

TABLE = "translate"
DEFAULTS = Translate()


@dataclass(frozen=True, slots=True)
class TranslationTask:
    """What is to be translated: a pair of language tags, with the settings and the host that it may ask."""

    source: str
    target: str
    settings: Translate = DEFAULTS
    host: Host = ALONE
    own: Any = None
    """The engine's own table, an instance of its `settings`; None for an engine without one."""

    def for_engine(self, engine: TranslationEngine) -> TranslationTask:
        """Return the task as an engine gets it: with its own table."""
        own = engine.settings and self.host.table(engine.table, engine.settings)
        return replace(self, own=own)


class Translator(Protocol):
    """An engine that was opened for one task."""

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Translate `lines` and hand each finished batch to `on_done`; every line reaches it once.

        Raises TranslationError when nothing at all could be translated for a reason outside the
        lines, such as a service that cannot be reached.
        """


def _no(task: TranslationTask) -> bool:
    return False


def _any_pair(source: str, target: str) -> bool:
    return True


def _no_model(name: str) -> ModelSpec | None:
    return None


def _nothing(task: TranslationTask) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class TranslationEngine:
    """Something that translates lines: all that dubkit knows of it. None of its functions loads a model."""

    name: str
    """As in `translate.provider`."""
    title: str
    """What it is, in words: `a local language model`."""
    hindrance: Callable[[TranslationTask], str]
    """Why it cannot translate here, with the cure; empty when it can. A clause, as after `but`."""
    identity: Callable[[TranslationTask], str]
    """Engine and model, such as `openai:gpt-4o-mini`: lines and cache keys name it."""
    open: Callable[[TranslationTask], Translator]
    """Return what translates. Models may be loaded as late as at the first line."""
    settings: type | None = None
    """Section of its own table `[translate.NAME]`."""
    models: tuple[ModelSpec, ...] = ()
    """Models that it can use."""
    family: Callable[[str], ModelSpec | None] = _no_model
    """Return the model of a name, where it can use more than are worth listing; None for other names."""
    serves: Callable[[str, str], bool] = _any_pair
    """Whether it knows the languages: source tag, target tag."""
    configured: Callable[[TranslationTask], bool] = _no
    """Whether the user set it up: `auto` then takes it, and its hindrance is an error."""
    reason: Callable[[TranslationTask], str] | None = None
    """Why it is used, as a clause for people; None says its title."""
    inputs: Callable[[TranslationTask], Mapping[str, str]] = _nothing
    """What else its lines depend on: name -> digest. They enter cache keys."""
    remote: bool = False
    """Whether it asks a service, which may be out of reach."""
    heeds_wording: bool = False
    """Whether its requests say `SourceLine.wording`: terms, forms of address and style of a series."""
    sees_context: bool = False
    """Whether neighbouring lines may change a translation, and so enter its cache key."""
    counts_tokens: bool = False
    """Whether it is paid or measured by tokens, so that a plan estimates them."""
    unchanged: bool = False
    """Whether it hands lines over as they are: taken where a pair needs no translation."""
    candidates: Callable[[TranslationTask], Rewriter] | None = None
    """Return what offers other texts for lines that miss their time; None where it has one answer a line."""
    notice: Callable[[TranslationTask], Remark | None] | None = None
    """Return what people should know of all lines that it translates in this task; loads nothing."""

    @property
    def sentence_name(self) -> str:
        """What it is, as a sentence begins."""
        return self.title[:1].upper() + self.title[1:]

    @property
    def table(self) -> str:
        """Name of its own settings table."""
        return f"{TABLE}.{self.name}"


TRANSLATORS: Registry[TranslationEngine] = Registry(
    "translator",
    "dubkit.translators",
    TranslationEngine,
    (
        "dubkit.translate.engines.openai:ENGINE",
        "dubkit.translate.engines.local:ENGINE",
        "dubkit.translate.engines.nmt:ENGINE",
        "dubkit.translate.engines.opus_mt:ENGINE",
        "dubkit.translate.engines.nllb:ENGINE",
        "dubkit.translate.engines.none:ENGINE",
    ),
    table=TABLE,
)
