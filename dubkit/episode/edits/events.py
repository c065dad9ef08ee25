"""Events in the log of hand edits: what each changed, and which of them stand, can be undone, or conflict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dubkit.episode.edits.forms import LineEdit, SegmentEdit, SpeakerEdit
from dubkit.episode.store import digest
from dubkit.errors import EditConflict, EditRefused

Section = Literal["segments", "speakers", "lines"]
FORMS: Mapping[str, type] = {"segments": SegmentEdit, "speakers": SpeakerEdit, "lines": LineEdit}
BY_HAND = "by hand"
UNDO, REDO = "undo", "redo"


@dataclass(frozen=True, slots=True)
class Change:
    """A new value for one field of one item; None takes the edit back."""

    section: Section
    item: str
    field: str
    after: Any
    language: str = ""
    """Language whose edits change; empty for those all languages share."""
    before: Any = None
    """The value before; filled in when the change is made."""

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What it changes."""
        return self.language, self.section, self.item, self.field


@dataclass(frozen=True, slots=True)
class Event:
    """One act of a person: everything it changed can be undone at once."""

    number: int
    at: float
    """Seconds since 1970."""
    who: str
    action: str
    """`edit`, `lock`, `choose`, `regenerate`, `merge speakers`, `undo`, `by hand` …"""
    changes: tuple[Change, ...]
    states: dict[str, str] = field(default_factory=dict)
    """Language (empty for shared) -> digest of its edits afterwards, where they changed."""
    undoes: int = 0
    """Number of the event that this one takes back, or makes again."""


def undone_numbers(events: Sequence[Event]) -> frozenset[int]:
    """Return the numbers of the events that are taken back at the moment."""
    back: set[int] = set()
    for event in events:
        if event.action == UNDO:
            back.add(event.undoes)
        elif event.action == REDO:
            back.discard(event.undoes)
    return frozenset(back)


def concerns(event: Event, language: str) -> bool:
    """Tell whether an event changed something that a language has, or that all of them share."""
    return not event.changes or any(change.language in ("", language) for change in event.changes)


def find_event(events: Sequence[Event], number: int) -> Event:
    """Return the event with a number. Raises EditRefused where there is none that can be undone."""
    event = next((event for event in events if event.number == number), None)
    if event is None:
        raise EditRefused(f"There is no change {number}; the last one is {len(events)}.")
    if event.action == UNDO:
        raise EditRefused(f"Change {number} took back change {event.undoes}: redo makes that again.")
    if event.action == REDO:
        raise EditRefused(f"Change {number} made change {event.undoes} again: undo that one.")
    return event


def find_undo(events: Sequence[Event], who: str, language: str, number: int = 0) -> Event:
    """Return the event that an undo takes back. Raises EditRefused or EditConflict."""
    target = find_event(events, number) if number else find_last_standing(events, who, language)
    if not concerns(target, language):
        others = " and ".join(sorted({change.language for change in target.changes}))
        raise EditRefused(f"Change {target.number} is of {others}: undo it there.")
    if target.number in undone_numbers(events):
        raise EditRefused(f"Change {target.number} is taken back already.")
    refuse_built_upon(events, target)
    return target


def find_last_standing(events: Sequence[Event], who: str, language: str) -> Event:
    """Return the last event of somebody in a language that is not taken back. Raises EditRefused."""
    back = undone_numbers(events)
    standing = [e for e in events if not e.undoes and e.number not in back and concerns(e, language)]
    for event in reversed(standing):
        if event.who == who:
            return event
    if standing:
        last = standing[-1]
        by = f"{last.action}" if last.action == BY_HAND else f"of {last.who or 'somebody'}"
        raise EditRefused(
            f"There is nothing of {who or 'yours'} to undo; the last change is {last.number}, {by}.\n"
            "Name a change by its number to take back somebody else's."
        )
    raise EditRefused("There is nothing to undo.")


def find_redo(events: Sequence[Event], who: str, language: str) -> Event:
    """Return the event that somebody took back last, if they did nothing new since.

    Raises EditRefused where there is nothing, EditConflict where somebody else changed the same since.
    """
    waiting: list[Event] = []
    for event in events:
        if event.who != who or not concerns(event, language):
            continue
        if event.action == UNDO:
            waiting.append(event)
        elif event.action == REDO:
            waiting = [undo for undo in waiting if undo.undoes != event.undoes]
        else:
            waiting.clear()
    back = undone_numbers(events)
    undo = next((undo for undo in reversed(waiting) if undo.undoes in back), None)
    if undo is None:
        raise EditRefused("There is nothing to do again.")
    target = find_event(events, undo.undoes)
    refuse_built_upon(events, target, "made again", undo.number)
    return target


def refuse_built_upon(events: Sequence[Event], target: Event, act: str = "undone", since: int = 0) -> None:
    """Raise EditConflict where an event that stands, after `target` or after number `since`, builds on it.

    It changed the same, or gave lines to a speaker that the target made.
    """
    places = {change.place for change in target.changes}
    speakers = {change.after for change in target.changes if change.field == "speaker"}
    added = speakers & {change.item for change in target.changes if change.section == "speakers"}
    back = undone_numbers(events)
    for event in events:
        if event.number <= max(target.number, since) or event.undoes or event.number in back:
            continue
        for change in event.changes:
            if change.place in places or (change.field == "speaker" and change.after in added):
                raise EditConflict(
                    f"Change {target.number} cannot be {act}: change {event.number} changed {change.field} "
                    f"of {change.item} since.\nUndo change {event.number} first."
                )


def refuse_unseen(events: Sequence[Event], changes: Sequence[Change], seen: int) -> None:
    """Raise EditConflict where something was changed since event `seen`, and not to the new value."""
    mine = {change.place: change for change in changes}
    was: dict[tuple[str, str, str, str], str] = {}
    for event in events:
        for change in event.changes if event.number > seen else ():
            if change.place in mine:
                was.setdefault(change.place, digest(change.before))
    for event in reversed(events):
        for change in event.changes if event.number > seen else ():
            before = was.pop(change.place, None)
            if before is not None and digest(change.after) not in (before, digest(mine[change.place].after)):
                raise EditConflict(
                    f"{event.who or 'Somebody'} changed {change.field} of {change.item} meanwhile, to "
                    f"{str(change.after)[:200]!r}.\nLook at it, then save yours again if it should stand."
                )
