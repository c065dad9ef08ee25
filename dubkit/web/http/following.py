"""Follow jobs as they go: one look at the database for everybody who waits for news of one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import HTTPException, Request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from dubkit.web.accounts.access import the_person
from dubkit.web.database import Database
from dubkit.web.jobs.tables import JobRow

LOOK = 0.3
"""Seconds between two looks."""

MOST = 100
"""Streams that one person may have open: each costs queries whenever there is news."""


class Following:
    """Wakes those who follow a job when it has a new event.

    However many follow, there is one query at a time, in a thread; without followers there is none.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._people: Counter[str] = Counter()
        self._watch: asyncio.Task[None] | None = None

    def streams(self, person: str) -> int:
        """How many jobs a person follows now, one followed twice counted twice."""
        return self._people[person]

    @asynccontextmanager
    async def job(self, job: str, person: str) -> AsyncIterator[asyncio.Event]:
        """Follow a job for a person: the event is set whenever there may be news, and is theirs to clear."""
        news = asyncio.Event()
        self._waiting.setdefault(job, set()).add(news)
        self._people[person] += 1
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look_out(), name="following jobs")
        try:
            yield news
        finally:
            self._people -= Counter((person,))
            self._waiting[job].discard(news)
            if not self._waiting[job]:
                del self._waiting[job]

    async def _look_out(self) -> None:
        seen: dict[str, int] = {}
        while self._waiting:
            try:
                newest = await asyncio.to_thread(self._newest, tuple(self._waiting))
            except SQLAlchemyError:
                # Whoever waits asks the database next, and tells its own client what is wrong.
                newest, seen = dict.fromkeys(self._waiting, 0), {}
            for job, number in newest.items():
                if seen.get(job) != number:
                    for news in self._waiting.get(job, ()):
                        news.set()
            seen = newest
            await asyncio.sleep(LOOK)

    def _newest(self, jobs: Sequence[str]) -> dict[str, int]:
        """Return the number of the newest event of each job."""
        with self._database.reading() as session:
            rows = session.execute(select(JobRow.id, JobRow.events).where(JobRow.id.in_(jobs))).all()
        return {job: number for job, number in rows}


def following(request: Request) -> Following:
    """Return what follows the jobs of the application that answers."""
    state = request.app.state
    found: Following | None = getattr(state, "following", None)
    if found is None:
        found = state.following = Following(state.site.database)
    return found


def following_more(request: Request) -> Following:
    """Return it for somebody who opens one more stream. Raises HTTP 429 for who has too many."""
    found, person = following(request), the_person(request).name
    if found.streams(person) >= MOST:
        raise HTTPException(429, f"{person} has {MOST} streams open. Close some.", {"Retry-After": "5"})
    return found
