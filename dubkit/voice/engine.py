"""Voice engines: what dubkit knows of one, which there are, and which of them speaks a language."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dubkit.errors import DubkitError, VoiceError
from dubkit.registry import Registry
from dubkit.types.models import ModelSpec
from dubkit.voice.tags import among

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.homes.home import Home

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
        plain one. A `seed` asks for another reading than the plain one, in the same voice. What its record
        says that it can (`KEYWORDS`) are further keywords. The same arguments give the same samples. Raises
        VoiceError when the language or the voice is unknown.
        """


Ability = Literal["clone", "length", "style"]
"""What an engine can beside reading a text in a voice of its own. Each is a keyword that its `speak` takes:

`clone`: `reference`, a `Reference` whose voice it speaks in, or None;
`length`: `seconds`, how long the speech is to be, or None;
`style`: `delivery`, a `Delivery`, or None."""

KEYWORDS: Mapping[Ability, str] = {"clone": "reference", "length": "seconds", "style": "delivery"}
"""Ability -> keyword of `speak`. An engine without the ability is never given it."""

LengthSource = Literal["network", "spoken"]


class LengthTeller(Protocol):
    """Tells how long an engine's speech will be, for much less than it costs to speak."""

    source: LengthSource
    """Whether a part of its network is asked, or all of it speaks because that costs next to nothing."""

    spread: float
    """Share by which nine of ten spoken lines are longer or shorter at most."""

    def seconds(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> float:
        """Return how long `speak` with the same arguments takes, silence around the speech left out.

        Raises VoiceError as `speak`.
        """


@dataclass(frozen=True, slots=True)
class MeasuredPace:
    """How fast a voice speaks a language, fitted to at least 30 lines that it spoke at speed 1."""

    per_syllable: float
    """Seconds for each syllable, as `dubkit.voice.syllables` counts them."""
    per_mark: float
    """Seconds for each mark inside a text."""
    per_text: float
    """Seconds for each text, whatever its length."""
    spread: float
    """Share by which nine of ten of those lines were longer or shorter at most."""
    letters_per_syllable: float
    """Characters, spaces among them, of the written lines for each syllable."""

    @property
    def syllables_per_second(self) -> float:
        """Syllables that it says in a second of speech."""
        return 1 / self.per_syllable


@dataclass(frozen=True, slots=True)
class VoiceNeed:
    """What an engine is asked for, and what it finds here."""

    language: str
    """Tag of the language to speak; empty where `dubkit doctor` asks whether it works at all."""
    has_model: bool
    """Whether the model of its `role` is on this machine, whole or as packages to be joined."""
    settings: Any = None
    """Its own table."""
    extras: frozenset[str] = frozenset()
    """Those of its `extra_roles` whose models are on this machine."""
    cache: Path | None = None
    """Folder in which dubkit keeps what it fetches and makes; None where nobody said."""


@dataclass(frozen=True, slots=True)
class SpeakerTraits:
    """A speaker who needs a voice."""

    language: str
    """Tag of the language that the voice speaks."""
    pitch_hz: float
    """Median pitch of the speaker's own voice in Hz; 0 when it is not known."""
    settings: Any = None
    """The engine's own table."""
    voices: tuple[str, ...] = ()
    """Names of the voices that the engine has here; empty where it cannot list them."""


@dataclass(frozen=True, slots=True)
class VoiceOpening:
    """What an engine is opened with."""

    folder: Path | None
    """Folder of the model of its `role`; None without a role, or when the model is not on this machine."""
    settings: Any = None
    """Its own table."""
    callers: int = 1
    """How many threads will call it at the same time."""
    cores: int = 0
    """Cores that it may use; 0 is all of the machine."""
    extras: Mapping[str, Path] = field(default_factory=dict)
    """Folders of the models of its `extra_roles` that are on this machine, by role."""
    cache: Path | None = None
    """Folder in which dubkit keeps what it fetches and makes; None where nobody said."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of an engine, as people choose it."""

    name: str
    """As lines and casts name it."""
    title: str = ""
    """What it sounds like, in words: `low, half jf_nezumi, half jm_kumo`."""
    gender: Literal["female", "male", ""] = ""
    """What it sounds like to most; empty where it is neither or not known."""
    pitch_hz: float = 0.0
    """Median pitch in Hz; 0 when it is not known."""
    languages: tuple[str, ...] = ()
    """Tags of the languages that it is made for: it is cast in no other, and there before those that name
    none. Empty: none in particular."""
    word_error: Mapping[str, float] = field(default_factory=dict)
    """Language, without a region -> share of the words that a recogniser did not understand; may be empty."""
    male_share: float | None = None
    """Of a blend of men's and women's voices, how much of it is men's, 0 to 1; None where it is none."""


@dataclass(frozen=True, slots=True)
class VoiceList:
    """The voices of an engine."""

    voices: tuple[Voice, ...]
    parse: Callable[[str], object] | None = None
    """Read the name of a voice that is not listed, such as a blend of those that are. Raises VoiceError with
    the names for one that the engine does not have. None: it has only those that are listed."""

    def check(self, engine: str, name: str) -> None:
        """Raise VoiceError, with the names, for a voice that the engine does not have."""
        if any(voice.name == name for voice in self.voices):
            return
        if self.parse is None:
            names = ", ".join(voice.name for voice in self.voices)
            raise VoiceError(f"{engine} has no voice {name!r}. Names: {names}.")
        self.parse(name)


def one_caller(opening: VoiceOpening) -> int:
    """Return that one thread calls an engine: for those that may not be called while they speak."""
    return 1


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
    speakers have already (the second argument) as long as there are others. Asked where `voices` lists none
    with its pitch, and for those who are more than the listed voices: else all speakers are cast together."""
    open: Callable[[VoiceOpening], Synthesiser]
    """Load it. Raises ModelDamaged or VoiceError."""
    hindrance: Callable[[VoiceNeed], str] = unhindered
    """Return why it cannot speak on this machine, with the cure, or an empty text. Imports nothing heavy."""
    voices: Callable[[VoiceOpening], VoiceList] | None = None
    """Return the voices that it has here, without loading its model. None where they cannot be listed: any
    name is then taken, and `speak` refuses those that it does not know."""
    set_up: Callable[[VoiceNeed], bool] | None = None
    """Whether the user set it up for the language: `auto` takes it before all others then, and else never.
    None for an engine that needs no setting up."""
    settings: type | None = None
    """Its own table, `[speak.NAME]`. Settings that are not about the machine enter the keys of its lines."""
    models: tuple[ModelSpec, ...] = ()
    role: str = ""
    """Role of the model it speaks with: its folder is handed to `open`, its identity enters keys."""
    extra_roles: tuple[str, ...] = ()
    """Roles of further models that it uses where they are on this machine; their identities enter keys."""
    identity: Callable[[VoiceOpening], str] | None = None
    """Return what else enters the keys of its lines: a version, the content of files that settings name."""
    called: str = ""
    """As sentences call it: `Kokoro`; empty is `name`."""
    take_name: str = ""
    """As takes name it, and keys where it has no role; empty is `name`."""
    abilities: tuple[Ability, ...] = ()
    """What it can beside reading a text in a voice of its own."""
    usable: Callable[[Any], Collection[Ability]] | None = None
    """Return which of its abilities its own table leaves it; None where it leaves all."""
    licence: str = ""
    """Licence of engine and weights, in a few words; empty where its models say it."""
    requires: str = ""
    """What it needs besides dubkit, in words: `an environment of its own with 6 GB of weights`."""
    home: Home | None = None
    """Environment of its own that it runs in: `dubkit voices install NAME` makes it."""
    price: Callable[[Any], float] | None = None
    """Return what a million characters cost with its own table, in whatever money the user pays, and 0 where
    that is not known. None where nothing is paid: then characters are not counted."""
    one_voice: bool = False
    """Whether everybody gets the same voice: an engine with several comes before it."""
    degraded: str = ""
    """Why lines that it speaks are marked as degraded (`a robotic voice`); such an engine comes last."""
    lengths: Callable[[VoiceOpening], LengthTeller | None] | None = None
    """Load what tells how long its speech will be. None where nothing tells but dear speech."""
    paces: Mapping[str, MeasuredPace] = field(default_factory=dict)
    """How fast it speaks: language tag, or tag and voice (`pt/jm_kumo`) -> its measured pace."""
    speeds: tuple[float, float] = (0.5, 2.0)
    """Slowest and fastest speed at which it speaks as clearly as at its own pace. To lengths beyond, its
    speech is stretched, which keeps the pitch."""
    callers: Callable[[VoiceOpening], int] = one_caller
    """Return how many threads call an open one best at the same time: lines are spoken side by side. Each
    line must have the same samples whatever their number."""
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

    def with_settings(self, own: Any) -> VoiceEngine:
        """Return it with the abilities that its own table leaves it."""
        if self.usable is None:
            return self
        usable = self.usable(own)
        return replace(self, abilities=tuple(ability for ability in self.abilities if ability in usable))

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
            speaks = among(language, self.languages)
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
        "dubkit.voice.engines.openai_speech:ENGINE",
        "dubkit.voice.engines.command:ENGINE",
        "dubkit.voice.engines.omnivoice:ENGINE",
        "dubkit.voice.engines.pocket_tts:ENGINE",
        "dubkit.voice.engines.chatterbox:ENGINE",
        "dubkit.voice.engines.piper:ENGINE",
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
    provider: str,
    language: str,
    need: Callable[[VoiceEngine], VoiceNeed],
    *,
    preferred: Ability | None = None,
) -> VoiceChoice:
    """Return what speaks `language`, by looking only at what is installed.

    `provider` is the name of an engine, or `auto` for the first one that can; those with the `preferred`
    ability come first, then one that the user set up, those that cannot tell people apart come later, those
    whose lines count as degraded last. Raises VoiceError when nothing can speak the language, or the named
    engine or one that was set up cannot.
    """
    if provider != "auto":
        return _named(provider, need)
    refusals: dict[str, str] = {}
    for engine in _in_turn(need, preferred):
        refusal = engine.refusal(need(engine))
        if engine.set_up is not None:
            if refusal:
                raise VoiceError(f"{engine.sentence_name} is set up in [{engine.table}], but {refusal}")
            return VoiceChoice(engine, f"set up in [{engine.table}]")
        if not refusal and not engine.degraded:
            return VoiceChoice(engine, f"the best voice for {language} here")
        if not refusal:
            reason = f"{engine.label}, {engine.degraded}, speaks: {_better(language, refusals)}"
            return VoiceChoice(engine, reason, degraded=True)
        refusals[engine.name] = refusal
    reasons = [refusals[engine.name] for engine in ENGINES if engine.name in refusals]
    raise VoiceError(f"Nothing here can speak {language!r}:\n" + "\n".join(reasons))


def _in_turn(need: Callable[[VoiceEngine], VoiceNeed], preferred: Ability | None) -> list[VoiceEngine]:
    """Return the engines that `auto` asks, in their order."""
    asked = [engine for engine in ENGINES if engine.set_up is None or engine.set_up(need(engine))]

    def rank(engine: VoiceEngine) -> tuple[bool, bool, bool, bool]:
        able = engine.with_settings(need(engine).settings).abilities
        lacks = preferred is not None and preferred not in able
        return lacks, engine.set_up is None, bool(engine.degraded), engine.one_voice

    return sorted(asked, key=rank)


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
    """Return why the engine of dubkit's own environment that would speak a language best cannot."""
    if not refusals:
        return "it came first"
    listed = [engine for engine in ENGINES if engine.name in refusals and engine.home is None]
    able = next((engine for engine in listed if engine.speaks(language)), listed[-1])
    return refusals[able.name]


def installed(package: str) -> bool:
    """Say whether a package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None
