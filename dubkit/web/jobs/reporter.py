"""Progress of a run as events of its job."""

from __future__ import annotations

import logging
import time
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from dubkit.progress import StageStart
from dubkit.web.jobs.halt import Halt, Halted
from dubkit.web.jobs.kinds import JobProgress, LeaseLost
from dubkit.web.jobs.leases import NEARLY, Claimed, Leases
from dubkit.web.jobs.shares import Shares

log = logging.getLogger(__name__)

APART = 0.5
"""Least seconds between two progress events of a job."""


class Reporter:
    """Writes notes, stages and progress of a run into its job; stops the run where that was asked for.

    Implements `dubkit.progress.Progress`.
    """

    def __init__(self, leases: Leases, claimed: Claimed, shares: Shares, halt: Halt) -> None:
        self._leases = leases
        self._claimed = claimed
        self._shares = shares
        self._halt = halt
        self._stage: StageStart | None = None
        self._began = 0.0
        self._told = 0.0
        self._share = 0.0

    def note(self, text: str) -> None:
        self._record("note", {"text": text})

    def fetching(self, name: str, done: int, total: int) -> None:
        self._halt.check()
        if self._due(last=done >= total):
            language = self._stage.language if self._stage else ""
            progress = JobProgress(f"fetch {name}", language, float(done), total, self._share, None)
            self._tell("progress", {}, progress)

    def start(self, stage: StageStart) -> None:
        self._halt.check()
        self._stage, self._began = stage, time.monotonic()
        detail = {"items": stage.items, "of": stage.total, "expected": list(stage.expected)}
        self._tell("stage", detail, self._progress(stage, 0.0))

    def advance(self, done: float) -> None:
        self._halt.check()
        stage = self._stage
        if stage is not None and self._due(last=False):
            self._tell("progress", {}, self._progress(stage, done))

    def finish(self, seconds: float) -> None:
        stage, self._stage = self._stage, None
        if stage is not None:
            progress = self._progress(stage, float(stage.items))
            self._tell("stage-finished", {"seconds": round(seconds, 3)}, progress)

    def _progress(self, stage: StageStart, done: float) -> JobProgress:
        self._share = max(self._share, min(NEARLY, self._shares.share(stage, done)))
        left = self._shares.left(stage, done, time.monotonic() - self._began)
        return JobProgress(stage.stage, stage.language, done, stage.items, self._share, left)

    def _due(self, *, last: bool) -> bool:
        moment = time.monotonic()
        if not last and moment - self._told < APART:
            return False
        self._told = moment
        return True

    def _tell(self, kind: str, detail: dict[str, Any], progress: JobProgress) -> None:
        shown = {
            "stage": progress.stage,
            "language": progress.language,
            "done": progress.done,
            "total": progress.total,
            "share": progress.share,
            "left_seconds": progress.left_seconds,
        }
        self._record(kind, shown | detail, progress)

    def _record(self, kind: str, detail: dict[str, Any], progress: JobProgress | None = None) -> None:
        try:
            self._leases.record(self._claimed, kind, detail, progress)
        except LeaseLost:
            raise Halted("lost") from None
        except SQLAlchemyError as error:
            # Nothing that a stage may take for a failed item; the lease runs out, and the job comes back.
            log.warning("job %s: the database does not answer: %s", self._claimed.job.id, error)
            raise Halted("lost") from error
