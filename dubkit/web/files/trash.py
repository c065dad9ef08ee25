"""The trash: deleted episodes, jobs and inputs, which can be restored for some time.

    <output>/.trash/<id>/<name>     a deleted episode
    <inputs>/.trash/<id>/<name>     a deleted input

Deleted jobs stay in the database. What is older than `serve.trash_days` is removed for good when the server
starts, and whenever the trash is used.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from dubkit.episode.folders import hold_lock
from dubkit.episode.store import HIDDEN, EpisodeStore
from dubkit.errors import DubkitError
from dubkit.web.accounts.access import EpisodeFolder, readers
from dubkit.web.accounts.input_readers import readers_of_input
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.tables import Grant, TrashRow
from dubkit.web.database import ACCOUNTS, now
from dubkit.web.jobs.kinds import ENDED, Job, JobConflict
from dubkit.web.jobs.tables import EventRow, JobRow
from dubkit.web.settings import Serve
from dubkit.web.site import Site

FOLDER = ".trash"


class TrashConflict(DubkitError):
    """Something cannot be deleted or restored now."""


class Trash:
    """The trash of one site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._database = site.database

    # deleting

    def delete_episode(self, person: Person, episode: EpisodeFolder) -> TrashRow:
        """Delete an episode with its ended jobs; its source stays.

        Raises JobConflict while jobs on it wait or run, EpisodeBusy while another program works on it.
        """
        root = episode.store.root
        owners = sorted(readers(self._site, episode.name).owners)
        with (
            hold_lock(episode.store, wait=False, on_wait=lambda _: None),
            self._database.transaction(ACCOUNTS) as session,
        ):
            mine = JobRow.episode == episode.name
            jobs = session.scalars(select(JobRow).where(mine, JobRow.trashed == "")).all()
            _refuse_unfinished(jobs, f"Episode {episode.name}")
            grants = list(session.scalars(select(Grant.person).where(Grant.episode == episode.name)))
            detail = {
                "jobs": [job.id for job in jobs],
                "owning": [job.id for job in jobs if job.owning],
                "grants": grants,
            }
            row = _entry("episode", episode.name, person, owners, _size(root), detail)
            session.add(row)
            for job in jobs:
                # Another episode may get the name, and is not theirs.
                job.trashed, job.owning = row.id, False
            session.execute(delete(Grant).where(Grant.episode == episode.name))
            session.flush()
            (root / HIDDEN / "holder.json").unlink(missing_ok=True)
            _move(root, self._site.output / FOLDER / row.id / root.name)
        return row

    def delete_jobs(self, person: Person, jobs: Sequence[Job]) -> TrashRow:
        """Delete jobs that have ended, as one entry; what they made stays. Raises JobConflict for others."""
        with self._database.transaction() as session:
            ids = [job.id for job in jobs]
            rows = session.scalars(select(JobRow).where(JobRow.id.in_(ids), JobRow.trashed == "")).all()
            _refuse_unfinished(rows, "A job" if len(rows) == 1 else "Of the jobs, one")
            name = ids[0] if len(ids) == 1 else f"{len(rows)} jobs"
            owners = sorted({row.owner for row in rows})
            entry = _entry("job", name, person, owners, 0, {"jobs": [row.id for row in rows]})
            session.add(entry)
            for row in rows:
                row.trashed = entry.id
        return entry

    def delete_input(self, person: Person, name: str) -> TrashRow:
        """Delete a file of the input folder; episodes made from it stay, but can make nothing new.

        Raises JobConflict while a job on it waits or runs.
        """
        path = self._site.inputs.resolve() / name
        owner = readers_of_input(self._database, name).owner
        with self._database.transaction(ACCOUNTS) as session:
            open_jobs = session.scalars(select(JobRow).where(JobRow.state.not_in(ENDED))).all()
            _refuse_unfinished([job for job in open_jobs if job.work["source"] == str(path)], name)
            owners = [owner] if owner else []
            row = _entry("input", name, person, owners, path.stat().st_size, {})
            session.add(row)
            session.flush()
            _move(path, self._site.inputs / FOLDER / row.id / path.name)
        return row

    # looking

    def entries(self, person: Person) -> list[TrashRow]:
        """Return what a person may restore, the newest first."""
        self.sweep()
        with self._database.reading() as session:
            rows = session.scalars(select(TrashRow).order_by(TrashRow.at.desc(), TrashRow.id))
            return [row for row in rows if _may(person, row)]

    def entry(self, person: Person, id: str) -> TrashRow | None:
        """Return an entry that a person may restore; None for any other."""
        with self._database.reading() as session:
            row = session.get(TrashRow, id)
        return row if row is not None and _may(person, row) else None

    # restoring and removing

    def restore(self, row: TrashRow) -> None:
        """Put an entry back where it was. Raises TrashConflict where something else has its place now."""
        with self._database.transaction(ACCOUNTS) as session:
            session.execute(delete(TrashRow).where(TrashRow.id == row.id))
            mine = update(JobRow).where(JobRow.trashed == row.id)
            if row.kind == "episode":
                session.execute(mine.where(JobRow.id.in_(row.detail["owning"])).values(owning=True))
                grants = row.detail["grants"]
                session.add_all(Grant(episode=row.name, person=person) for person in grants)
            session.execute(mine.values(trashed=""))
            session.flush()
            if row.kind != "job":
                place = self._place(row)
                if place.exists():
                    what = "episode" if row.kind == "episode" else "file"
                    raise TrashConflict(
                        f"{row.name} cannot be restored: there is another {what} of that name.\n"
                        "Delete that one first."
                    )
                _move(self._kept(row), place)
                with suppress(OSError):
                    self._kept(row).parent.rmdir()

    def remove(self, row: TrashRow) -> None:
        """Remove an entry for good."""
        if row.kind != "job":
            shutil.rmtree(self._kept(row).parent, ignore_errors=True)
        with self._database.transaction(ACCOUNTS) as session:
            _remove_jobs(session, row)
            session.execute(delete(TrashRow).where(TrashRow.id == row.id))

    def sweep(self) -> None:
        """Remove for good what has been in the trash for too long."""
        oldest = now() - timedelta(days=Serve.of(self._site.settings).trash_days)
        with self._database.reading() as session:
            old = list(session.scalars(select(TrashRow).where(TrashRow.at < oldest)))
        for row in old:
            self.remove(row)

    # inside

    def _root(self, row: TrashRow) -> Path:
        return self._site.output if row.kind == "episode" else self._site.inputs

    def _place(self, row: TrashRow) -> Path:
        return self._root(row) / row.name

    def _kept(self, row: TrashRow) -> Path:
        return self._root(row) / FOLDER / row.id / PurePosixPath(row.name).name


def _entry(
    kind: str, name: str, person: Person, owners: Sequence[str], size: int, detail: dict[str, Any]
) -> TrashRow:
    return TrashRow(
        id=secrets.token_hex(6), kind=kind, name=name, person=person.name, owners=list(owners), size=size,
        at=now(), detail=detail,
    )  # fmt: skip


def _may(person: Person, row: TrashRow) -> bool:
    return person.may("admin") or person.name in (row.person, *row.owners)


def _refuse_unfinished(jobs: Sequence[JobRow], what: str) -> None:
    unfinished = [job for job in jobs if job.state not in ENDED]
    if unfinished:
        many = "1 job waits or runs" if len(unfinished) == 1 else f"{len(unfinished)} jobs wait or run"
        raise JobConflict(
            f"{what} cannot be deleted: {many} ({unfinished[0].id}).\nCancel first, then delete."
        )


def _remove_jobs(session: Session, row: TrashRow) -> None:
    """Remove the jobs of an entry. One that made its owner an owner of an episode leaves only that."""
    jobs = session.scalars(select(JobRow).where(JobRow.trashed == row.id)).all()
    for job in jobs:
        session.execute(delete(EventRow).where(EventRow.job == job.id))
        if job.owning and job.lease:
            job.error, job.degraded, job.result, job.key = "", [], {}, None
        else:
            session.delete(job)


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.rename(path, target)


def _size(root: Path) -> int:
    total = 0
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
    return total


def episode_size(store: EpisodeStore) -> int:
    """Return how many bytes an episode takes on the disk."""
    return _size(store.root)
