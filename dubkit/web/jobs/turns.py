"""Whose turn it is: a fair queue.

- Short work, which somebody waits for, goes before long work; after three short jobs in a row a long one that
  waits gets its turn.
- Among those of one kind the people take turns: first who has the fewest jobs running, then who has waited
  longest for one to begin.
- A person's own jobs run by priority, then in the order of submission.
- What may run at once on a host, by its memory and cards, is decided by the rule of batches
  (`dubkit.batch.rule`), before anybody's turn.
- Jobs on one episode never overtake one another: a later one may need what an earlier one makes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from dubkit.web.jobs.tables import JobRow, SlotRow

IN_A_ROW = 3
"""Short jobs that may begin one after the other while a long one waits."""

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The next job of one person, among the short or among the long ones."""

    number: int
    owner: str
    short: bool


def next_row(session: Session, *, generators: bool) -> JobRow | None:
    """Return the job whose turn it is, locked; None when none can run.

    Without `generators`, those that need a graphics card of their own are left out.
    """
    for one in in_turn(session, _candidates(session, generators=generators)):
        query = select(JobRow).where(JobRow.number == one.number, JobRow.state == "queued")
        # One that another worker is taking at this moment is locked: the next in turn is taken.
        row = session.scalar(query.with_for_update(skip_locked=True, of=JobRow))
        if row is not None:
            return row
    return None


def in_turn(session: Session, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates in the order in which they are to begin."""
    owners = {one.owner for one in candidates}
    running = _by_owner(session, func.count(), JobRow.state == "running", owners)
    begun = _by_owner(session, func.max(JobRow.begun), JobRow.begun.is_not(None), owners)
    last = session.scalars(
        select(JobRow.short).where(JobRow.begun.is_not(None)).order_by(JobRow.begun.desc()).limit(IN_A_ROW)
    ).all()
    long_first = len(last) == IN_A_ROW and all(last)
    return sorted(
        candidates,
        key=lambda one: (
            one.short if long_first else not one.short,
            running.get(one.owner, 0),
            begun.get(one.owner) or NEVER,
            one.number,
        ),
    )


def _candidates(session: Session, *, generators: bool) -> list[Candidate]:
    earlier = aliased(JobRow)
    busy = exists().where(SlotRow.name == "episode:" + JobRow.episode)
    overtaken = exists().where(
        earlier.episode == JobRow.episode, earlier.state == "queued", earlier.number < JobRow.number
    )
    order = (JobRow.priority.desc(), JobRow.number)
    place = func.row_number().over(partition_by=(JobRow.owner, JobRow.short), order_by=order).label("place")
    able = select(JobRow.number, JobRow.owner, JobRow.short, place).where(
        JobRow.state == "queued", ~busy, ~overtaken
    )
    if not generators:
        able = able.where(JobRow.needs_generator.is_(False))
    first = able.subquery()
    rows = session.execute(select(first).where(first.c.place == 1)).all()
    return [Candidate(row.number, row.owner, bool(row.short)) for row in rows]


def _by_owner(session: Session, value: Any, condition: Any, owners: Collection[str]) -> dict[str, Any]:
    query = select(JobRow.owner, value).where(condition, JobRow.owner.in_(owners)).group_by(JobRow.owner)
    return {owner: found for owner, found in session.execute(query)}
