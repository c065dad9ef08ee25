"""What people changed, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dubkit.context import Context
from dubkit.edit_log import Change, EditLog, Event, undone

NAMES = {"text": "text", "takes": "chosen takes", "lock": "lock", "delivery": "delivery", "note": "note"}


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One act of a person."""

    number: int
    at: str
    """Moment in UTC: `2026-11-21T10:15:00+00:00`."""
    who: str
    action: str
    text: str
    undone: bool
    undoes: int


def history(context: Context, limit: int = 50) -> list[HistoryRow]:
    """Return what was changed in an episode, the latest first; other languages' changes are left out."""
    events = EditLog(context.store).events()
    back = undone(events)
    rows = [_row(e, e.number in back) for e in reversed(events) if _concerns(e, context.language)]
    return rows[:limit]


def _concerns(event: Event, language: str) -> bool:
    return not event.changes or any(change.language in ("", language) for change in event.changes)


def _row(event: Event, undone: bool) -> HistoryRow:
    at = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="seconds")
    return HistoryRow(event.number, at, event.who, event.action, describe(event), undone, event.undoes)


def describe(event: Event) -> str:
    """Return an event as a sentence."""
    if not event.changes:
        return f"{event.action} of change {event.undoes}: nothing was different"
    first = sentence(event.changes[0])
    items = {change.item for change in event.changes}
    if len(items) > 1:
        return f"{event.action}: {first}, and {len(items) - 1} more"
    return f"{event.action}: " + "; ".join(sentence(change) for change in event.changes)


def sentence(change: Change) -> str:
    """Return a change in words: `s0003 text “a” → “b”`."""
    what = "source text" if (change.section, change.field) == ("segments", "text") else change.field
    if change.field == "lock":
        return f"{change.item} {'locked' if change.after else 'unlocked'}"
    if change.field == "accepted":
        return f"{change.item} {'accepted' if change.after else 'no longer accepted'}"
    return f"{change.item} {what} {_shown(change.before)} → {_shown(change.after)}"


def _shown(value: Any) -> str:
    if value is None:
        return "as made"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    text = f"“{value}”" if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
