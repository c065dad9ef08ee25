"""Bodies of requests about lines, and of their answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dubkit.review.changes import LineChange
from dubkit.review.lines import ReviewLine
from dubkit.review.provenance import Provenance
from dubkit.review.speakers import SpeakerChange, SpeakerRow
from dubkit.types.music import SoundSpan

Id = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
Text = Annotated[str, Field(max_length=20_000)]


class Strict(BaseModel):
    """A body that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid")


class LineFields(Strict):
    """What to change about a line; a missing field stays, null or an empty text takes its edit back."""

    text: Text | None = None
    source: Text | None = None
    speaker: Id | None = None
    start: float | None = Field(None, ge=0, le=1e6, allow_inf_nan=False)
    end: float | None = Field(None, ge=0, le=1e6, allow_inf_nan=False)
    route: Literal["lipdub", "drive", "voice", "keep", ""] | None = None
    voice: Annotated[str, Field(max_length=200)] | None = None
    delivery: Text | None = None
    note: Text | None = None
    accepted: bool | None = None

    def change(self) -> LineChange:
        """Return the change that is asked for."""
        sent = self.model_dump(exclude_unset=True, include=LINE_FIELDS)
        named = {name: value for name, value in sent.items() if value is not None}
        return LineChange(**named, clear=frozenset(sent.keys() - named.keys()))


LINE_FIELDS = set(LineFields.model_fields)


class LinePatch(LineFields):
    """A change of one line; `seen` guards against overwriting newer edits."""

    seen: int | None = Field(
        None,
        ge=0,
        le=2**53,
        description="The last event you know of; guards against overwriting newer edits.",
    )


class Lines(Strict):
    """Some lines."""

    lines: list[Id] = Field(min_length=1, max_length=10_000)


class Regenerate(Lines):
    """Lines to make again, with this seed or (none) a new one."""

    seed: int | None = Field(None, ge=0, lt=2**31)
    picture: bool = Field(False, description="Of lines whose lips follow their speech, keep the speech.")


class Assign(Lines):
    """Lines and their speaker: an existing one, or (none) a new one with this name."""

    speaker: Annotated[str, Field(max_length=40)] = ""
    name: Annotated[str, Field(max_length=200)] = ""


class TakeChoice(Strict):
    """The take to use."""

    take: Annotated[str, Field(max_length=80)]


class TextChoice(Strict):
    """The text to use: number 1 is the first translation; `seen` guards against overwriting newer edits."""

    number: int = Field(ge=1, le=1000)
    seen: int | None = Field(None, ge=0, le=2**53, description="The last event you know of.")


class Undo(Strict):
    """The event to undo; without a number, the caller's last one."""

    number: int | None = Field(None, ge=1, le=2**53)


class SpeakerPatch(Strict):
    """What to change about a speaker; a missing field stays, null or an empty text takes its edit back."""

    name: Annotated[str, Field(max_length=500)] | None = None
    description: Annotated[str, Field(max_length=500)] | None = None
    voice: Annotated[str, Field(max_length=200)] | None = None

    def change(self) -> SpeakerChange:
        """Return the change that is asked for."""
        return SpeakerChange(**{n: v or "" for n, v in self.model_dump(exclude_unset=True).items()})


class Merge(Strict):
    """Speakers that are the same person as another one."""

    speakers: list[Id] = Field(min_length=1, max_length=100)
    into: Id


class Split(Lines):
    """Lines to give to a new speaker."""

    name: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True, slots=True)
class LineList:
    """Lines, and the last event they include."""

    seen: int
    lines: list[ReviewLine]
    speakers: list[SpeakerRow]
    duration: float
    sounds: list[SoundSpan]
    """Music and singing of the source."""


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """Lines after a change; `seen` is the number of its event, or of the last one when nothing changed."""

    seen: int
    lines: list[ReviewLine]
    event: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A line after a change."""

    seen: int
    line: ReviewLine


@dataclass(frozen=True, slots=True)
class ShownTake:
    """One take, with the URLs of its sound and picture."""

    take: str
    engine: str
    voice: str
    seed: int | None
    seconds: float
    speed: float
    fit: str
    flags: tuple[str, ...]
    text: str
    in_use: bool
    chosen: bool
    sound: str
    picture: str
    clip: str
    """The clip that it is a take of; empty for a take of the line itself."""
    span: tuple[float, float] | None
    """Seconds of the episode that the clip covers; null for a take of the line itself, and of an old clip."""


@dataclass(frozen=True, slots=True)
class Details:
    """Everything about a line."""

    line: ReviewLine
    takes: list[ShownTake]
    why: Provenance


@dataclass(frozen=True, slots=True)
class Due:
    """What a render would do."""

    items: dict[str, tuple[str, ...]]
    reasons: dict[str, str]
    seconds: tuple[float, float]
    text: str
    nothing: bool


@dataclass(frozen=True, slots=True)
class Started:
    """A job that makes takes or renders, and what it will do."""

    id: str
    state: str
    lines: list[str]
    estimate: Due


@dataclass(frozen=True, slots=True)
class Recorded:
    """A line after somebody recorded it; `job` makes the take."""

    seen: int
    line: ReviewLine
    job: Started
