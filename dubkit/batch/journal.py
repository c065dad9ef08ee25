"""What happened in a batch: JSON lines that only grow, and the state of each episode read back from them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dubkit.batch.result import EpisodeResult
from dubkit.episode.store import canonical, decode_json

EpisodeState = Literal["waiting", "running", "done", "degraded", "failed", "quarantined"]

Cause = Literal["", "result", "killed", "memory", "timeout", "crash", "disk", "gone"]
"""Why an attempt ended: with a result, or in what way without one."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Size and time of a file: another one means that it changed. Zeros stand for a file that is gone."""

    size: int = 0
    mtime_ns: int = 0

    @classmethod
    def of(cls, source: Path) -> Signature:
        """Return the signature of a file as it is now."""
        try:
            stat = source.stat()
        except (OSError, ValueError):
            return cls()
        return cls(stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt at an episode ended."""

    number: int
    cause: Cause
    result: EpisodeResult
    seconds: float = 0.0
    peak: int = 0
    """Bytes of memory that it held at most."""
    log: str = ""
    """Its log, relative to the batch's folder."""


@dataclass(slots=True)
class EpisodeEntry:
    """One episode of a batch."""

    id: str
    source: str
    signature: Signature = field(default_factory=Signature)
    state: EpisodeState = "waiting"
    last: Attempt | None = None
    attempts: int = 0
    """Attempts in this run of the batch."""
    failures: int = 0
    """Failed runs of the batch since the file last changed."""
    seconds: float = 0.0
    """Length of the source; 0 is not known."""

    @property
    def over(self) -> bool:
        """Whether it needs no more work in this run."""
        return self.state not in ("waiting", "running")


class Journal:
    """The file `journal.jsonl` of a batch. A line that a kill cut off is skipped when it is read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, kind: str, **detail: Any) -> None:
        """Add one event; it is on disk when this returns."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        event = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "kind": kind, **detail}
        with self.file.open("ab") as lines:
            if lines.tell() and not self._ends_well():
                lines.write(b"\n")
            lines.write(json.dumps(event).encode() + b"\n")
            lines.flush()
            os.fsync(lines.fileno())

    def _ends_well(self) -> bool:
        with self.file.open("rb") as lines:
            lines.seek(-1, os.SEEK_END)
            return lines.read(1) == b"\n"

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the events in order."""
        try:
            lines = self.file.read_bytes().split(b"\n")
        except OSError:
            return
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "kind" in event:
                yield event

    def begun(self, episode: EpisodeEntry) -> None:
        """Note that an attempt begins."""
        size, mtime = episode.signature.size, episode.signature.mtime_ns
        source = {"source": episode.source, "size": size, "mtime_ns": mtime}
        self.write("begun", episode=episode.id, number=episode.attempts, **source)

    def ended(self, episode: EpisodeEntry) -> None:
        """Note how an attempt ended, and what became of the episode."""
        assert episode.last is not None
        attempt = json.loads(canonical(replace(episode.last)))
        known = {"failures": episode.failures, "seconds": episode.seconds}
        self.write("ended", episode=episode.id, state=episode.state, attempt=attempt, **known)


@dataclass(slots=True)
class History:
    """What a journal says: the episodes in the order they came, and whether the last run went to its end."""

    episodes: dict[str, EpisodeEntry] = field(default_factory=dict)
    unfinished: bool = False
    runs: int = 0


def read_history(journal: Journal) -> History:
    """Read a journal. What was running or waiting when a run of the batch was killed waits again."""
    history = History()
    for event in journal.events():
        kind = event["kind"]
        if kind == "opened":
            if not history.unfinished:
                _new_round(history)
            history.unfinished, history.runs = True, history.runs + 1
            for one in history.episodes.values():
                one.attempts = 0
        elif kind == "finished":
            history.unfinished = False
        elif kind == "listed":
            history.episodes.setdefault(event["episode"], EpisodeEntry(event["episode"], event["source"]))
        elif kind == "begun" and event["episode"] in history.episodes:
            entry = history.episodes[event["episode"]]
            entry.signature = Signature(event["size"], event["mtime_ns"])
            entry.attempts, entry.state = event["number"], "running"
        elif kind == "ended" and event["episode"] in history.episodes:
            _note_end(history.episodes[event["episode"]], event)
        elif kind == "released" and event["episode"] in history.episodes:
            history.episodes[event["episode"]].failures = 0
    for one in history.episodes.values():
        one.state = "waiting" if one.state == "running" else one.state
    return history


def _new_round(history: History) -> None:
    """Let every episode run again: a batch that went to its end looks at all of them anew."""
    for one in history.episodes.values():
        one.state = "waiting"


def _note_end(entry: EpisodeEntry, event: dict[str, Any]) -> None:
    try:
        entry.last = decode_json(json.dumps(event["attempt"]).encode(), Attempt)
        entry.failures, entry.seconds = int(event["failures"]), float(event["seconds"])
        entry.state = event["state"]
    except (ValueError, KeyError, TypeError):
        entry.state = "waiting"  # of another version
