"""Watch jobs for new events: one query at a time, however many clients wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import HTTPException, Request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from dubkit.web.accounts.access import the_person
from dubkit.web.database import Database
from dubkit.web.jobs.tables import JobRow

INTERVAL = 0.3
"""Seconds between two queries."""

MOST = 100
"""Streams that one person may have open: each costs queries whenever there is a new event."""


class EventWatcher:
    """Wakes the streams of a job when it has a new event.

    There is one query at a time, in a thread, however many streams are open, and none without streams.
    """

    def __init__(self, database: Database, ending: threading.Event) -> None:
        self._database = database
        self.ending = ending
        """Set when the server ends: the streams end then, too."""
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._people: Counter[str] = Counter()
        self._watch: asyncio.Task[None] | None = None

    def streams(self, person: str) -> int:
        """Return how many streams a person has open."""
        return self._people[person]

    @asynccontextmanager
    async def job(self, job: str, person: str) -> AsyncIterator[asyncio.Event]:
        """Watch a job for a person. The event is set when there may be news; the caller clears it."""
        news = asyncio.Event()
        self._waiting.setdefault(job, set()).add(news)
        self._people[person] += 1
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._poll(), name="watching jobs")
        try:
            yield news
        finally:
            self._people -= Counter((person,))
            self._waiting[job].discard(news)
            if not self._waiting[job]:
                del self._waiting[job]

    async def _poll(self) -> None:
        seen: dict[str, int] = {}
        while self._waiting:
            if self.ending.is_set():
                for news in (one for waiting in self._waiting.values() for one in waiting):
                    news.set()
                await asyncio.sleep(INTERVAL)
                continue
            try:
                newest = await asyncio.to_thread(self._newest, tuple(self._waiting))
            except SQLAlchemyError:
                # The streams query the database themselves next, and tell their clients what is wrong.
                newest, seen = dict.fromkeys(self._waiting, 0), {}
            for job, number in newest.items():
                if seen.get(job) != number:
                    for news in self._waiting.get(job, ()):
                        news.set()
            seen = newest
            await asyncio.sleep(INTERVAL)

    def _newest(self, jobs: Sequence[str]) -> dict[str, int]:
        """Return the number of the newest event of each job."""
        with self._database.reading() as session:
            rows = session.execute(select(JobRow.id, JobRow.events).where(JobRow.id.in_(jobs))).all()
        return {job: number for job, number in rows}


def event_watcher(request: Request) -> EventWatcher:
    """Return the event watcher of the application that answers."""
    state = request.app.state
    watcher: EventWatcher | None = getattr(state, "event_watcher", None)
    if watcher is None:
        watcher = state.event_watcher = EventWatcher(state.site.database, state.ending)
    return watcher


def watcher_for_stream(request: Request) -> EventWatcher:
    """Return the event watcher for one more stream. Raises HTTP 429 when the person has too many."""
    watcher, person = event_watcher(request), the_person(request).name
    if watcher.streams(person) >= MOST:
        raise HTTPException(429, f"{person} has {MOST} streams open. Close some.", {"Retry-After": "5"})
    return watcher
