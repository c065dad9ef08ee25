"""Jobs that make films: a storyboard, and its progress shot by shot as events of the job."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from dubkit.storyboard.folder import FILM, THUMBNAIL
from dubkit.storyboard.making import Moment
from dubkit.studio import Session
from dubkit.web.jobs.kinds import JobProgress, JobWork, LeaseLost
from dubkit.web.jobs.leases import NEARLY, Ending, HeldJob, Leases
from dubkit.web.jobs.reporter import APART
from dubkit.web.jobs.stopping import JobStopped, StopToken


def film_addresses(job: str) -> dict[str, str]:
    """Return where the film of a job and its small picture are found."""
    return {"url": f"/api/generate/{job}/film", "thumbnail": f"/api/generate/{job}/thumbnail"}


def make_job_film(session: Session, work: JobWork, reporter: FilmReporter) -> Ending:
    """Make the film of a job's storyboard and return how it ended. Raises DubkitError, JobStopped."""
    from dubkit.storyboard.opening import BoardSession
    from dubkit.storyboard.reading import read_storyboard

    board = read_storyboard(Path(work.source))
    root = session.output / work.episode
    film = BoardSession(session.settings, session.models).make(board, root, reporter)
    reporter.close()
    said = tuple(
        f"{shot}: the prompt was not enhanced, and was used as it was written: {fault}."
        for shot, fault in film.not_enhanced
    )
    result: dict[str, Any] = {
        "episode": work.episode,
        "film": FILM,
        "picture": THUMBNAIL,
        "frames": film.frames,
        "made": list(film.made),
        "kept": list(film.kept),
    }
    return Ending("degraded" if said else "done", "", said, result)


class FilmReporter:
    """Records the steps of a film as events of its job, and stops the work when asked to."""

    def __init__(self, leases: Leases, held: HeldJob, stop: StopToken) -> None:
        self._leases, self._held, self._stop = leases, held, stop
        self._shot, self._began, self._reported = "", 0.0, 0.0

    def __call__(self, moment: Moment) -> None:
        self._stop.check()
        now = time.monotonic()
        progress = JobProgress(
            moment.shot, "", float(moment.done), moment.total, min(NEARLY, moment.share), None
        )
        if moment.shot != self._shot:
            self.close()
            self._shot, self._began = moment.shot, now
            self._record("stage", {"items": moment.number, "of": moment.count, "expected": []}, progress)
        elif now - self._reported >= APART:
            self._reported = now
            self._record("progress", {"step": moment.step}, progress)

    def close(self) -> None:
        """Record that the shot is whole."""
        if self._shot:
            seconds = round(time.monotonic() - self._began, 3)
            progress = JobProgress(self._shot, "", 1.0, 1)
            self._record("stage-finished", {"seconds": seconds, "ended": "done", "failed": 0}, progress)
            self._shot = ""

    def _record(self, kind: str, detail: Mapping[str, Any], progress: JobProgress) -> None:
        numbers = {
            "stage": progress.stage,
            "language": "",
            "done": progress.done,
            "total": progress.total,
            "share": progress.share,
            "left_seconds": None,
        }
        try:
            self._leases.record(self._held, kind, numbers | dict(detail), progress)
        except (LeaseLost, SQLAlchemyError) as error:
            raise JobStopped("lost") from error
