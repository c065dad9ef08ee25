"""Progress of a run as events of its job."""

from __future__ import annotations

import logging
import time
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from dubkit.progress import Ended, StageStart
from dubkit.web.jobs.kinds import JobProgress, LeaseLost
from dubkit.web.jobs.leases import NEARLY, HeldJob, Leases
from dubkit.web.jobs.shares import Shares
from dubkit.web.jobs.stopping import JobStopped, StopToken

log = logging.getLogger(__name__)

APART = 0.5
"""Seconds between two progress events of a job, at least."""


class Reporter:
    """Records notes, stages and progress of a run as events of its job, and stops the run when asked to.

    Implements `dubkit.progress.Progress`.
    """

    def __init__(self, leases: Leases, held: HeldJob, shares: Shares, stop: StopToken) -> None:
        self._leases = leases
        self._held = held
        self._shares = shares
        self._stop = stop
        self._stage: StageStart | None = None
        self._began = 0.0
        self._reported = 0.0
        self._share = 0.0

    def note(self, text: str) -> None:
        self._record("note", {"text": text})

    def fetching(self, name: str, done: int, total: int) -> None:
        self._stop.check()
        if self._due(last=done >= total):
            language = self._stage.language if self._stage else ""
            progress = JobProgress(f"fetch {name}", language, float(done), total, self._share, None)
            self._report("progress", {}, progress)

    def start(self, stage: StageStart) -> None:
        self._stop.check()
        self._stage, self._began = stage, time.monotonic()
        detail = {"items": stage.items, "of": stage.total, "expected": list(stage.expected)}
        self._report("stage", detail, self._progress(stage, 0.0))

    def advance(self, done: float) -> None:
        self._stop.check()
        stage = self._stage
        if stage is not None and self._due(last=False):
            self._report("progress", {}, self._progress(stage, done))

    def finish(self, seconds: float, ended: Ended = "done", failed: int = 0) -> None:
        stage, self._stage = self._stage, None
        if stage is not None and ended != "stopped":
            progress = self._progress(stage, float(stage.items))
            detail = {"seconds": round(seconds, 3), "ended": ended, "failed": failed}
            self._report("stage-finished", detail, progress)

    def _progress(self, stage: StageStart, done: float) -> JobProgress:
        self._share = max(self._share, min(NEARLY, self._shares.share(stage, done)))
        left = self._shares.left(stage, done, time.monotonic() - self._began)
        return JobProgress(stage.stage, stage.language, done, stage.items, self._share, left)

    def _due(self, *, last: bool) -> bool:
        moment = time.monotonic()
        if not last and moment - self._reported < APART:
            return False
        self._reported = moment
        return True

    def _report(self, kind: str, detail: dict[str, Any], progress: JobProgress) -> None:
        numbers = {
            "stage": progress.stage,
            "language": progress.language,
            "done": progress.done,
            "total": progress.total,
            "share": progress.share,
            "left_seconds": progress.left_seconds,
        }
        self._record(kind, numbers | detail, progress)

    def _record(self, kind: str, detail: dict[str, Any], progress: JobProgress | None = None) -> None:
        try:
            self._leases.record(self._held, kind, detail, progress)
        except LeaseLost:
            raise JobStopped("lost") from None
        except SQLAlchemyError as error:
            # No stage must record this as a failed item: the lease runs out, and the job comes back.
            log.warning("job %s: the database does not answer: %s", self._held.job.id, error)
            raise JobStopped("lost") from error
