"""Voice engines: what dubkit knows of one, which there are, and which of them speaks a language."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dubkit.errors import DubkitError, VoiceError
from dubkit.registry import Registry
from dubkit.types.models import ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TABLE = "speak"
"""Settings table below which every engine has its own."""


class Synthesiser(Protocol):
    """An open voice engine: turns text into sound."""

    rate: int
    """Samples per second of its sound."""

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        """Return (N,) mono speech at `rate`, full scale 1.0, whose first sample is its start.

        `text` is written as it is spoken: numbers and signs are words. An empty `voice` takes the engine's
        plain one. A `seed` asks for another reading than the plain one, in the same voice. The same arguments
        give the same samples. Raises VoiceError when the language or the voice is unknown.
        """


@dataclass(frozen=True, slots=True)
class VoiceNeed:
    """What an engine is asked for, and what it finds here."""

    language: str
    """Tag of the language to speak; empty where `dubkit doctor` asks whether it works at all."""
    has_model: bool
    """Whether the model of its `role` is on this machine, whole or as packages to be joined."""
    settings: Any = None
    """Its own table."""


@dataclass(frozen=True, slots=True)
class SpeakerTraits:
    """A speaker who needs a voice."""

    language: str
    """Tag of the language that the voice speaks."""
    pitch_hz: float
    """Median pitch of the speaker's own voice in Hz; 0 when it is not known."""
    settings: Any = None
    """The engine's own table."""


@dataclass(frozen=True, slots=True)
class VoiceOpening:
    """What an engine is opened with."""

    folder: Path | None
    """Folder of the model of its `role`; None without a role, or when the model is not on this machine."""
    settings: Any = None
    """Its own table."""


def unhindered(need: VoiceNeed) -> str:
    """Return no hindrance: for engines that work on every machine."""
    return ""


@dataclass(frozen=True, slots=True)
class VoiceEngine:
    """Something that speaks: all that dubkit knows of it."""

    name: str
    """As in `speak.provider` and in the name of its settings table."""
    title: str
    """What it is, in words: `Kokoro-82M, neural voices`."""
    languages: tuple[str, ...] | Callable[[str], bool]
    """Tags that it speaks, each with all its regions; or a function that says whether it speaks a tag."""
    voice_for: Callable[[SpeakerTraits, Sequence[str]], str]
    """Return a voice for a speaker: the same one for the same arguments, and none of those that other
    speakers have already (the second argument) as long as there are others."""
    open: Callable[[VoiceOpening], Synthesiser]
    """Load it. Raises ModelDamaged or VoiceError."""
    hindrance: Callable[[VoiceNeed], str] = unhindered
    """Return why it cannot speak on this machine, with the cure, or an empty text. Imports nothing heavy."""
    settings: type | None = None
    """Its own table, `[speak.NAME]`. Settings that are not about the machine enter the keys of its lines."""
    models: tuple[ModelSpec, ...] = ()
    role: str = ""
    """Role of the model it speaks with: its folder is handed to `open`, its identity enters keys."""
    called: str = ""
    """As sentences call it: `Kokoro`; empty is `name`."""
    take_name: str = ""
    """As takes name it, and keys where it has no role; empty is `name`."""
    degraded: str = ""
    """Why lines that it speaks are marked as degraded (`a robotic voice`); such an engine comes last."""
    probe: Callable[[], str] | None = None
    """Load its library and return the version, for `dubkit doctor`."""

    @property
    def label(self) -> str:
        """Its name in takes and keys."""
        return self.take_name or self.name

    @property
    def sentence_name(self) -> str:
        """Its name in sentences."""
        return self.called or self.name

    @property
    def table(self) -> str:
        """Name of its settings table."""
        return f"{TABLE}.{self.name}"

    def speaks(self, language: str) -> bool:
        """Say whether it speaks a language tag where everything it needs is installed."""
        return not self._unspoken(language)

    def _unspoken(self, language: str) -> str:
        """Return why it does not speak a language tag, or an empty text.

        A function of another package that breaks says no: runs that do not ask for its engine go on.
        """
        if callable(self.languages):
            try:
                speaks, known = self.languages(language), ""
            except (DubkitError, OSError) as error:
                return str(error)
        else:
            tag = language.replace("_", "-").lower()
            speaks = tag in self.languages or tag.partition("-")[0] in self.languages
            known = f"; it speaks {', '.join(self.languages)}"
        return "" if speaks else f"{self.sentence_name} does not speak {language}{known}."

    def refusal(self, need: VoiceNeed) -> str:
        """Return why it cannot speak a language here, with the cure, or an empty text."""
        return self._unspoken(need.language) or self.hindrance(need)


ENGINES = Registry(
    "voice engine",
    "dubkit.voices",
    VoiceEngine,
    (
        "dubkit.voice.engines.hibari:ENGINE",
        "dubkit.voice.engines.kokoro:ENGINE",
        "dubkit.voice.engines.espeak:ENGINE",
    ),
    table=TABLE,
)


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """What speaks, and why; `degraded` when something better exists for the language but is missing here."""

    engine: VoiceEngine
    reason: str
    degraded: bool = False


def choose_voice_engine(
    provider: str, language: str, need: Callable[[VoiceEngine], VoiceNeed]
) -> VoiceChoice:
    """Return what speaks `language`, by looking only at what is installed.

    `provider` is the name of an engine, or `auto` for the first one that can; those whose lines count as
    degraded come last. Raises VoiceError when nothing can speak the language, or the named engine cannot.
    """
    if provider != "auto":
        return _named(provider, need)
    refusals: dict[str, str] = {}
    for engine in sorted(ENGINES, key=lambda engine: bool(engine.degraded)):
        refusal = engine.refusal(need(engine))
        if not refusal and not engine.degraded:
            return VoiceChoice(engine, f"the best voice for {language} here")
        if not refusal:
            reason = f"{engine.label}, {engine.degraded}, speaks: {_better(language, refusals)}"
            return VoiceChoice(engine, reason, degraded=True)
        refusals[engine.name] = refusal
    raise VoiceError(f"Nothing here can speak {language!r}:\n" + "\n".join(refusals.values()))


def _named(provider: str, need: Callable[[VoiceEngine], VoiceNeed]) -> VoiceChoice:
    engine = ENGINES.get(provider)
    if engine is None:
        known = ", ".join(("auto", *ENGINES.names))
        raise VoiceError(
            f"speak.provider is {provider!r}, but there is no such voice engine.\nKnown: {known}."
        )
    refusal = engine.refusal(need(engine))
    if refusal:
        raise VoiceError(f"speak.provider is {provider!r}, but {refusal}")
    reason = "chosen by speak.provider"
    # What is said of dubkit's own engines stands in records of episodes, and never changes.
    if engine.degraded and ENGINES.package(engine.name):
        reason = f"{engine.label}, {engine.degraded}, speaks: {reason}"
    return VoiceChoice(engine, reason, bool(engine.degraded))


def _better(language: str, refusals: dict[str, str]) -> str:
    """Return why the engine that would speak a language best cannot."""
    able = (refusal for name, refusal in refusals.items() if ENGINES.records[name].speaks(language))
    return next(able, [*refusals.values()][-1])


def installed(package: str) -> bool:
    """Say whether a package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None
