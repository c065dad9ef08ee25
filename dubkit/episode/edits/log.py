"""The log of hand edits: `edits.jsonl` of an episode, which only ever grows.

Every change writes `edits.json` (what holds now) and then one event with the values before and after, so that
each can be undone. A change made in `edits.json` with an editor, or one whose event was lost in a crash, is
found by comparing the file with what the last event left, and is logged then as made by hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from dubkit.episode.edits.events import (
    BY_HAND,
    FORMS,
    REDO,
    UNDO,
    Change,
    Event,
    last_undone,
    refuse_unseen,
    to_undo,
)
from dubkit.episode.edits.forms import FILE, Edits, read_edits
from dubkit.episode.edits.places import note_anchors
from dubkit.episode.edits.values import value_of, with_value
from dubkit.episode.store import HIDDEN, EpisodeStore, canonical, decode_json, digest, disk_full_is_clear
from dubkit.errors import ArtifactDamaged
from dubkit.types import Segment

LOG = "edits.jsonl"

Check = Callable[[Mapping[str, Edits]], None]
"""Looks at the edits by language (empty for shared) as they are under the lock, and raises."""


class EditLog:
    """Reads and makes the edits of one episode. Several processes may use it at once."""

    def __init__(self, store: EpisodeStore) -> None:
        self.store = store

    def events(self) -> tuple[Event, ...]:
        """Return everything that was changed, oldest first. Raises ArtifactDamaged with the line."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        # What a crash left behind the last line break was never complete.
        return tuple(self._read(line, n) for n, line in enumerate(raw.split(b"\n")[:-1], 1))

    def last(self) -> int:
        """Return the number of the last event; 0 before the first."""
        event = self._last_event()
        return event.number if event else 0

    def make(
        self,
        changes: Sequence[Change],
        *,
        who: str,
        action: str,
        seen: int | None = None,
        segments: Sequence[Segment] = (),
        implied: Sequence[Change] = (),
        check: Check | None = None,
    ) -> Event | None:
        """Make some changes as one event; None when they change nothing.

        Args:
            seen: last event the person knows of. What is otherwise by now is an EditConflict.
            segments: the moments the edits belong to.
            implied: changes that follow from the others, made only where those change something.
            check: asked before anything is written.
        """
        with self._writing() as known:
            if check is not None:
                check(known.edits)
            if seen is not None:
                refuse_unseen(known.events, changes, seen)
            if not any(_differs(known.edits, change) for change in changes):
                return None
            changes = [*changes, *implied]
            used = {i for e in known.edits.values() for i in (*e.segments, *e.lines)}
            event = self._append(known, changes, who, action)
            items = {c.item for c in changes if c.section != "speakers"}
            note_anchors(self.store, sorted(items), segments, fresh=items - used)
            return event

    def undo(self, *, who: str, language: str, number: int = 0) -> Event:
        """Take back an event: the one named, else the last of this person in a language that stands.

        Raises EditRefused when there is none, and EditConflict when a later one built on it.
        """
        with self._writing() as known:
            target = to_undo(known.events, who, language, number)
            back = [replace(c, before=None, after=c.before) for c in reversed(target.changes)]
            return self._again(known, back, who, UNDO, target)

    def redo(self, *, who: str, language: str) -> Event:
        """Make the change again that this person took back last. Raises EditRefused or EditConflict."""
        with self._writing() as known:
            target = last_undone(known.events, who, language)
            return self._again(known, target.changes, who, REDO, target)

    def note_anchors(self, items: Iterable[str], segments: Sequence[Segment]) -> None:
        """Note the moments of edits that are seen for the first time."""
        with self._lock():
            note_anchors(self.store, items, segments)

    # inside

    @property
    def _path(self) -> Path:
        return self.store.path(LOG)

    def _read(self, line: bytes, number: int) -> Event:
        try:
            return decode_json(line, Event)
        except msgspec.DecodeError as error:
            cure = "Bring the file back from your backup, or delete it: the edits stay, only undo is lost."
            raise ArtifactDamaged(self._path, f"line {number}", str(error), cure) from None

    def _last_event(self) -> Event | None:
        try:
            with self._path.open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - 65536))
                lines = stream.read().split(b"\n")
        except FileNotFoundError:
            return None
        if len(lines) >= 3 or (len(lines) == 2 and size <= 65536):
            return self._read(lines[-2], 0)
        events = self.events()  # one very long event
        return events[-1] if events else None

    def _again(self, known: _Known, changes: Sequence[Change], who: str, action: str, target: Event) -> Event:
        event = self._append(known, changes, who, action, target.number)
        if event is None:  # everything is so already; the event still says that it was done
            event = self._write(known, Event(0, 0.0, who, action, (), {}, target.number))
        return event

    def _lock(self) -> AbstractContextManager[Any]:
        from filelock import FileLock

        hidden = self.store.root / HIDDEN
        hidden.mkdir(parents=True, exist_ok=True)
        return FileLock(hidden / "edits.lock")

    @contextmanager
    def _writing(self) -> Iterator[_Known]:
        """Hold the log; give what it holds, after what was changed by hand has been logged."""
        with self._lock():
            known = _Known(list(self.events()))
            self._log_hand_changes(known)
            yield known

    def _log_hand_changes(self, known: _Known) -> None:
        states: dict[str, str] = {}
        for event in known.events:
            states |= event.states
        for language in self._languages(states):
            now = known.edits[language] = read_edits(self.store, language)
            if digest(now) != states.get(language, digest(Edits())):
                changes = _differences(replay(known.events, language), now, language)
                self._write(known, Event(0, 0.0, "", BY_HAND, tuple(changes), {language: digest(now)}))

    def _languages(self, states: Mapping[str, str]) -> list[str]:
        found = {path.parent.name for path in self.store.root.glob(f"*/{FILE}")} - {HIDDEN}
        return sorted({"", *found, *states})

    def _append(
        self, known: _Known, changes: Sequence[Change], who: str, action: str, undoes: int = 0
    ) -> Event | None:
        made: list[Change] = []
        touched: dict[str, Edits] = {}
        for change in changes:
            edits = touched.get(change.language, known.edits.get(change.language, Edits()))
            changed = with_value(edits, change)
            before = value_of(edits, change)
            if digest(before) == digest(change.after):
                continue
            made.append(replace(change, before=before))
            touched[change.language] = changed
        if not made:
            return None
        for language, edits in touched.items():
            self.store.write_by_hand(FILE, _slim(edits), language)
        states = {language: digest(edits) for language, edits in touched.items()}
        return self._write(known, Event(0, 0.0, who, action, tuple(made), states, undoes))

    def _write(self, known: _Known, event: Event) -> Event:
        """Append an event, numbered and timed."""
        number = known.events[-1].number + 1 if known.events else 1
        event = replace(event, number=number, at=round(time.time(), 3))
        path = self._path
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk_full_is_clear(path), path.open("ab+") as stream:
            end = stream.seek(0, os.SEEK_END)
            if end:
                stream.seek(end - 1)
                if stream.read(1) != b"\n":
                    stream.truncate(_after_last_break(path))
            stream.write(canonical(event) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        known.events.append(event)
        return event


@dataclass(slots=True)
class _Known:
    """What the log and the files hold while they are being changed."""

    events: list[Event]
    edits: dict[str, Edits] = field(default_factory=dict)
    """By language; empty for shared."""


def _after_last_break(path: Path) -> int:
    return int(path.read_bytes().rfind(b"\n")) + 1


def _differs(edits: Mapping[str, Edits], change: Change) -> bool:
    return digest(value_of(edits.get(change.language, Edits()), change)) != digest(change.after)


def _slim(edits: Edits) -> dict[str, Any]:
    """Return the edits as a person reads them: only what is set."""
    table = msgspec.to_builtins(edits)
    return {
        section: {
            item: {name: value for name, value in entry.items() if value is not None}
            for item, entry in sorted(entries.items())
        }
        for section, entries in table.items()
        if entries
    }


def replay(events: Sequence[Event], language: str) -> Edits:
    """Return the edits of a language as the events left them."""
    edits = Edits()
    for event in events:
        for change in event.changes:
            if change.language == language:
                edits = with_value(edits, change)
    return edits


def _differences(before: Edits, after: Edits, language: str) -> list[Change]:
    found: list[Change] = []
    for section, form in FORMS.items():
        old, new = getattr(before, section), getattr(after, section)
        for item in sorted(old.keys() | new.keys()):
            for name in (f.name for f in fields(form)):
                was = msgspec.to_builtins(getattr(old.get(item, form()), name))
                now = msgspec.to_builtins(getattr(new.get(item, form()), name))
                if was != now:
                    found.append(Change(section, item, name, now, language, was))  # type: ignore[arg-type]
    return found
