"""Progress of a run as events of its job."""

from __future__ import annotations

import logging
import threading
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


class _Together:
    """What the reporters of a job's stages share, which may work at the same time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reported = 0.0
        self.share = 0.0
        self.parts: dict[StageStart, float] = {}
        """Every stage that began, and how many of its items are done."""


class Reporter:
    """Records notes, stages and progress of a run as events of its job, and stops the run when asked to.

    Implements `dubkit.progress.Progress`.
    """

    def __init__(
        self,
        leases: Leases,
        held: HeldJob,
        shares: Shares,
        stop: StopToken,
        together: _Together | None = None,
    ) -> None:
        self._leases = leases
        self._held = held
        self._shares = shares
        self._stop = stop
        self._together = together or _Together()
        self._stage: StageStart | None = None
        self._began = 0.0

    def beside(self) -> Reporter:
        return Reporter(self._leases, self._held, self._shares, self._stop, self._together)

    def note(self, text: str) -> None:
        self._record("note", {"text": text})

    def fetching(self, name: str, done: int, total: int) -> None:
        self._stop.check()
        if self._due(last=done >= total):
            language = self._stage.language if self._stage else ""
            progress = JobProgress(f"fetch {name}", language, float(done), total, self._together.share, None)
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
        together = self._together
        with together.lock:
            together.parts[stage] = done
            whole = self._shares.whole(together.parts)
            share = together.share = max(together.share, min(NEARLY, whole))
        left = self._shares.left(stage, done, time.monotonic() - self._began)
        return JobProgress(stage.stage, stage.language, done, stage.items, share, left)

    def _due(self, *, last: bool) -> bool:
        moment, together = time.monotonic(), self._together
        with together.lock:
            if not last and moment - together.reported < APART:
                return False
            together.reported = moment
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
