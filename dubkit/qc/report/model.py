"""What the report shows. Paths are relative to the page, with `/` between their parts; times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dubkit.qc.timing import TimingFigures
from dubkit.types import EpisodeQc
from dubkit.types.music import SoundSpan
from dubkit.types.telling import Told
from dubkit.types.voices import Receipt


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """What did one job of the run: role, name, where its files came from, and its licence."""

    role: str
    name: str
    source: str
    licence: str
    fallback: str = ""
    """Why this one and not the better one; empty when it is the first choice."""


@dataclass(frozen=True, slots=True)
class SpeakerCard:
    """A speaker of the episode."""

    id: str
    name: str
    description: str = ""
    voice: str = ""
    cloned: str = ""
    """From what the voice was cloned, and who agreed; empty where a voice of the engine speaks."""


@dataclass(frozen=True, slots=True)
class ShotCard:
    """A shot with its thumbnail, a path relative to the page (empty without one)."""

    id: str
    start: float
    end: float
    thumbnail: str = ""


@dataclass(frozen=True, slots=True)
class LineTimes:
    """How long a line takes and may take, in seconds; None for what is not known."""

    predicted: float | None
    """At the voice's own pace."""
    given_start: float | None
    """Where the schedule places it, on the episode clock."""
    given: float | None
    """What the schedule gives it."""
    pace: float | None
    """Against the voice's own: as spoken, else as it has to be."""
    start_error: float | None
    """Seconds that it starts late, below 0 early."""
    too_long: float = 0.0
    """Seconds that its text is too long wherever it is placed."""
    spoken: bool = False
    first: str = ""
    """The first translation, where the line has another text to fit its time."""
    why: str = ""
    """Why it has that text."""


@dataclass(frozen=True, slots=True)
class LineCard:
    """One line: what was said, what should be said, what was heard. Times in seconds."""

    id: str
    number: int
    """From 1, in order of time."""
    start: float
    end: float
    speaker: str
    source_text: str
    target_text: str
    dub_start: float
    dub_end: float
    prompt: str = ""
    provider: str = ""
    route: str = ""
    """How the line got into the dub, and why, in words."""
    engine: str = ""
    voice: str = ""
    speed: float | None = None
    fit: Literal["fits", "faster", "borrowed", "cut", ""] = ""
    speech: str = ""
    """The take, a path relative to the page."""
    heard: str | None = None
    word_error: float | None = None
    start_error: float | None = None
    loudness_error: float | None = None
    flags: tuple[str, ...] = ()
    to_look_at: bool = False
    """Whether a person should look at it: a flag that was accepted is no reason."""
    failed: bool = False
    accepted: bool = False
    locked: bool = False
    conflict: str = ""
    """How the source changed since the line was locked."""
    measures: tuple[tuple[str, str], ...] = ()
    """What checks measured besides, as title and value."""
    times: LineTimes | None = None
    """None where neither words nor times are fitted."""


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """Frames `first` to `last` of the dub, and what they come from: `source`, `recoded` or a clip."""

    first: int
    last: int
    origin: str


@dataclass(frozen=True, slots=True)
class ReportModel:
    """Everything the page shows. Paths are relative to the page, with `/` between their parts."""

    title: str
    source_language: str
    """As people say it: `English`."""
    target_language: str
    source_tag: str
    """As browsers read it: `en`."""
    target_tag: str
    duration: float
    measured: EpisodeQc
    """The episode in numbers; its lines are not read here."""
    video: str = ""
    """The delivered file; empty when there is none to play."""
    audio_only: bool = False
    models: tuple[ModelUsed, ...] = ()
    remarks: tuple[Told, ...] = ()
    """What people should know besides the numbers, the heaviest first."""
    speakers: tuple[SpeakerCard, ...] = ()
    shots: tuple[ShotCard, ...] = ()
    lines: tuple[LineCard, ...] = ()
    sounds: tuple[SoundSpan, ...] = ()
    """Music and singing of the source."""
    kept: tuple[tuple[float, float], ...] = ()
    """Where laughs, sighs and breaths of the source are heard within dubbed spans, in seconds."""
    source_wave: tuple[float, ...] = ()
    """Peaks 0 to 1 over equal stretches of the whole duration."""
    dub_wave: tuple[float, ...] = ()
    frames: tuple[FrameSpan, ...] = ()
    """Where every frame comes from; empty where the picture is the source's own."""
    tokens_in: int = 0
    tokens_out: int = 0
    speech: Receipt | None = None
    """What the lines took; None where nothing was paid."""
    timing: TimingFigures | None = None
    """None where neither words nor times are fitted."""
