"""When the lines of a dub are spoken: predicted lengths, candidates of other lengths, the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text takes at a voice's own pace, silence around it left out, known before it is spoken."""

    seconds: float
    spread: float
    """Share of it by which nine of ten spoken lines are longer or shorter at most."""
    source: Literal["network", "spoken", "measured", "syllables"]
    """Asked of the voice's own network; of a quick voice, by speaking; reckoned from measures of the voice;
    or from syllables only."""


CandidateOrigin = Literal["translation", "model", "list", "shortened"]
"""The first translation; another answer of a language model; of a translator's list of best answers; made by
harmless shortenings."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text that a line may have."""

    text: str
    seconds: float
    """Predicted at the voice's own pace."""
    origin: CandidateOrigin
    changes: tuple[str, ...] = ()
    """Names of the shortenings that made it."""
    losses: tuple[str, ...] = ()
    """What it loses of the source, for which it is never chosen: `name: Silva`, `number: 12`, `negation`."""
    fidelity: float = 1.0
    """How much of the meaning it keeps, 0 to 1, as far as something here can tell."""


@dataclass(frozen=True, slots=True)
class AdaptedLine:
    """The texts of a line, and which of them was chosen."""

    id: str
    room: float
    """Seconds that the line may take without moving another."""
    candidates: tuple[Candidate, ...]
    """The first translation comes first."""
    chosen: int
    """Number of the chosen one among `candidates`, from 0."""
    why: str
    """Why it was chosen, as a sentence."""

    @property
    def first(self) -> str:
        """The first translation."""
        return self.candidates[0].text

    @property
    def text(self) -> str:
        """The chosen text."""
        return self.candidates[self.chosen].text


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Artifact `adaptation.json`: the words that fit."""

    language: str
    lines: tuple[AdaptedLine, ...]
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class ScheduledLine:
    """When a line is spoken and how long it may take; whole milliseconds on the episode clock."""

    id: str
    start_ms: int
    length_ms: int
    natural_ms: int
    """Length at the voice's own pace, as predicted; of a generated clip, its own."""
    source_start_ms: int
    source_end_ms: int
    block: str
    """Id of the first line of its block: the lines between two silences, which are scheduled together."""
    seen: bool = False
    """Whether the picture shows the speaker's mouth, so that the start must be the source's."""
    fixed: bool = False
    """Whether a person set its times, or a generated clip holds it."""
    too_long_ms: int = 0
    """Milliseconds that its text is too long for the fastest acceptable pace, whatever the placement."""
    spread: float = 0.0
    """Of the prediction; see `Length`."""
    text: str = ""
    """What is to be spoken in that time."""

    @property
    def pace(self) -> float:
        """Pace against the voice's own: 1.2 is a fifth faster."""
        return self.natural_ms / self.length_ms if self.length_ms else 1.0

    @property
    def hurried(self) -> bool:
        """Whether it is so much too long that people should know."""
        return self.too_long_ms >= 50


@dataclass(frozen=True, slots=True)
class Schedule:
    """Artifact `schedule.json`: when every line of the dub is spoken."""

    language: str
    solver: str
    """What solved it, with its version."""
    lines: tuple[ScheduledLine, ...]


@dataclass(frozen=True, slots=True)
class TimingRecord:
    """Record `segments/0000.json` of one line: how it came into its time. Seconds on the episode clock."""

    id: str
    speaker: str
    source_start: float
    source_end: float
    source: str
    """What is said in the source."""
    before: str
    """The first translation."""
    text: str
    """What is said in the dub."""
    predicted: float | None
    """Seconds at the voice's own pace."""
    spread: float
    given_start: float | None
    given: float | None
    """Seconds that the schedule gives it."""
    spoken_start: float | None
    spoken: float | None
    """Seconds that it takes."""
    pace: float | None
    """Against the voice's own."""
    start_error: float | None
    """Seconds that it starts late, below 0 early."""
    too_long: float
    seen: bool
    fixed: bool
    block: str
    candidates: tuple[Candidate, ...]
    why: str
    actions: tuple[str, ...]
    """What was done so that it fits, in order: `asked for 3 texts`, `moved by +0.12 s`."""
