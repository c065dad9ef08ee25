"""How events make the state of a job: the only way a state comes about."""

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
"""Event -> the states it may follow, and the one it leads to (None: the event says which).
Events that are not here change no state."""


def state_after(state: State | None, kind: str, detail: Mapping[str, Any]) -> State:
    """Return the state after an event; None is the state before the first. Raises ValueError for an event
    that cannot happen there."""
    if state is None:
        if kind != "submitted":
            raise ValueError(f"the first event of a job is submitted, not {kind}")
        return "queued"
    if kind not in MOVES:
        if kind == "submitted":
            raise ValueError("a job is submitted once")
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
    """Return the state that all events of a job add up to."""
    state: State | None = None
    for event in events:
        state = state_after(state, event.kind, event.detail)
    if state is None:
        raise ValueError("a job has at least one event")
    return state
