"""What a job is: its work, its states, its progress and its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from dubkit.errors import DubkitError

Kind = Literal["dub", "regenerate", "render", "generate"]

Priority = Literal["high", "normal", "low"]
"""Place of a job among those of the same person."""

PRIORITIES: dict[Priority, int] = {"high": 1, "normal": 0, "low": -1}

State = Literal["queued", "running", "done", "degraded", "failed", "cancelled"]

STATES: tuple[State, ...] = ("queued", "running", "done", "degraded", "failed", "cancelled")

ENDED: frozenset[State] = frozenset(("done", "degraded", "failed", "cancelled"))


class JobConflict(DubkitError):
    """The state of a job does not allow what was asked."""


class TooManyJobs(DubkitError):
    """A person has as many waiting jobs as one may have."""


class JobMissing(DubkitError):
    """There is no such job."""


class LeaseLost(DubkitError):
    """A worker wrote about a job whose lease it has lost."""


@dataclass(frozen=True, slots=True)
class JobWork:
    """What a job does."""

    kind: Kind
    source: str
    """Absolute path of the media file; of a film (`generate`) that of its storyboard."""
    episode: str
    """Name of the episode folder below the output folder."""
    languages: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    """Dotted name -> value; they override the server's."""
    lines: tuple[str, ...] = ()
    """Lines to make again (`regenerate`), or to lock afterwards (`render`)."""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new job stands in the queue."""

    priority: Priority = "normal"
    short: bool = False
    """True for work of a minute or so, which somebody waits for."""
    batch: str = ""


USUAL = Place()


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job has come."""

    stage: str = ""
    language: str = ""
    done: float = 0.0
    """Items of the stage that are done, fractions included."""
    total: int = 0
    share: float = 0.0
    """Share of the whole job, 0 to 1; it never falls, and is 1 only when the job has succeeded."""
    left_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands."""

    id: str
    """12 characters that may stand in a URL."""
    work: JobWork
    owner: str
    state: State
    created: datetime
    updated: datetime
    attempt: int
    """Times a worker has begun it without handing it back; a retry counts from 0 again."""
    progress: JobProgress
    cancelling: bool
    error: str
    degraded: tuple[str, ...]
    result: dict[str, Any]
    """`episode` (folder name), `dubs` (language -> path below the episode folder), `ran` (stage -> items),
    `remarks` (each with code, weight, sentence, place, where, meaning, stage and language).
    """

    batch: str = ""
    """Id of the batch it was submitted with; empty when it was submitted alone."""
    priority: Priority = "normal"

    @property
    def ended(self) -> bool:
        """True when no worker will take it again, unless it is retried."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened to a job.

    Numbers start at 1 in each job and only grow; a `progress` event replaces the one before it, so numbers
    may be missing.
    """

    number: int
    at: datetime
    kind: str
    detail: dict[str, Any]
