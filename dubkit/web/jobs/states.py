"""The states of a job, which follow from its events and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from dubkit.web.jobs.kinds import ENDED, JobEvent, State

MOVES: dict[str, tuple[frozenset[State], State | None]] = {
    "leased": (frozenset(("queued",)), "running"),
    "lease-lost": (frozenset(("running",)), "queued"),
    "released": (frozenset(("running",)), "queued"),
    "retried": (ENDED, "queued"),
    "finished": (frozenset(("queued", "running")), None),
}
"""Event -> the states it may occur in, and the state it leads to (None: the event names it).
Other events change no state."""


def state_after(state: State | None, kind: str, detail: Mapping[str, Any]) -> State:
    """Return the state after an event; None is the state before the first event.

    Raises ValueError for an event that cannot occur in that state.
    """
    if state is None:
        if kind != "submitted":
            raise ValueError(f"the first event of a job is submitted, not {kind}")
        return "queued"
    if kind not in MOVES:
        if kind == "submitted":
            raise ValueError("a job is submitted only once")
        return state
    allowed, result = MOVES[kind]
    if state not in allowed:
        raise ValueError(f"a job that is {state} cannot become {kind}")
    if result is None:
        result = cast(State, detail["state"])
        if result not in ENDED:
            raise ValueError(f"a job cannot end as {result}")
    return result


def fold(events: Iterable[JobEvent]) -> State:
    """Return the state that follows from all events of a job."""
    state: State | None = None
    for event in events:
        state = state_after(state, event.kind, event.detail)
    if state is None:
        raise ValueError("a job has at least one event")
    return state
