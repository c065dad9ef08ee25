"""The history of edits, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dubkit.episode.context import Context
from dubkit.episode.edits.events import Change, Event, concerns, undone_numbers
from dubkit.episode.edits.log import EditLog

NAMES = {"text": "text", "takes": "chosen takes", "lock": "lock", "delivery": "delivery", "note": "note"}


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One act of a person."""

    number: int
    at: str
    """Time in UTC: `2026-11-21T10:15:00+00:00`."""
    who: str
    action: str
    text: str
    undone: bool
    undoes: int


def history(context: Context, limit: int = 50) -> list[HistoryRow]:
    """Return the changes of an episode in this language and in all, newest first."""
    events = EditLog(context.store).events()
    back = undone_numbers(events)
    shown = [event for event in reversed(events) if concerns(event, context.language)]
    homes = context.placed.homes if shown else {}
    return [_row(event, event.number in back, homes) for event in shown[:limit]]


def _row(event: Event, undone: bool, homes: Mapping[str, str]) -> HistoryRow:
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds")
    return HistoryRow(event.number, at, event.who, event.action, describe(event, homes), undone, event.undoes)


def describe(event: Event, homes: Mapping[str, str]) -> str:
    """Return an event in words; `homes` are those of the edits (`Placed.homes`)."""
    if not event.changes:
        return f"{event.action} of change {event.undoes}: nothing was different"
    first = sentence(event.changes[0], homes)
    items = {line_of(change, homes) for change in event.changes}
    if len(items) > 1:
        return f"{event.action}: {first}, and {len(items) - 1} more"
    return f"{event.action}: " + "; ".join(sentence(change, homes) for change in event.changes)


def line_of(change: Change, homes: Mapping[str, str]) -> str:
    """Return the current id of what a change is about; `s0004 (then)` when it no longer exists."""
    if change.section == "speakers":
        return change.item
    return homes.get(change.item, change.item) or f"{change.item} (then)"


def sentence(change: Change, homes: Mapping[str, str]) -> str:
    """Return a change in words: `s0003 text “a” → “b”`."""
    item = line_of(change, homes)
    what = "source text" if (change.section, change.field) == ("segments", "text") else change.field
    if change.field == "lock":
        return f"{item} {'locked' if change.after else 'unlocked'}"
    if change.field == "accepted":
        return f"{item} {'accepted' if change.after else 'no longer accepted'}"
    return f"{item} {what} {_shown(change.before)} → {_shown(change.after)}"


def _shown(value: Any) -> str:
    if value is None:
        return "as made"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    text = f"“{value}”" if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
