"""The log of hand edits: `edits.jsonl` of an episode, which only ever grows.

Every change writes `edits.json` (what holds now) and then one event with the values before and after, so that
each can be undone. A change made in `edits.json` with an editor, or one whose event was lost in a crash, is
found by comparing the file with what the last event left, and is logged then as made by hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    find_redo,
    find_undo,
    refuse_unseen,
)
from dubkit.episode.edits.forms import FILE, Edits, read_edits
from dubkit.episode.edits.places import note_anchors
from dubkit.episode.edits.values import value_of, with_value
from dubkit.episode.store import HIDDEN, EpisodeStore, canonical, decode_json, digest, disk_full_is_clear
from dubkit.errors import ArtifactDamaged
from dubkit.types import Segment

LOG = "edits.jsonl"

Check = Callable[[Mapping[str, Edits]], None]
"""Called under the lock with the edits by language (empty for shared); raises to refuse the change."""


class EditLog:
    """Reads and changes the edits of one episode. Several processes may use it at once."""

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
            seen: last event that the person has seen; a change of the same since is an EditConflict.
            segments: the moments the edits belong to.
            implied: changes that follow from the others, made only where those change something.
            check: asked before anything is written.
        """
        with self._writing() as state:
            if check is not None:
                check(state.edits)
            if seen is not None:
                refuse_unseen(state.events, changes, seen)
            if not any(_differs(state.edits, change) for change in changes):
                return None
            changes = [*changes, *implied]
            used = {i for e in state.edits.values() for i in (*e.segments, *e.lines)}
            event = self._append(state, changes, who, action)
            items = {c.item for c in changes if c.section != "speakers"}
            note_anchors(self.store, sorted(items), segments, fresh=items - used)
            return event

    def undo(self, *, who: str, language: str, number: int = 0) -> Event:
        """Take back an event: the one named, else the last of this person in a language that stands.

        Raises EditRefused when there is none, and EditConflict when a later one built on it.
        """
        with self._writing() as state:
            target = find_undo(state.events, who, language, number)
            back = [replace(c, before=None, after=c.before) for c in reversed(target.changes)]
            return self._again(state, back, who, UNDO, target)

    def redo(self, *, who: str, language: str) -> Event:
        """Make the change again that this person took back last. Raises EditRefused or EditConflict."""
        with self._writing() as state:
            target = find_redo(state.events, who, language)
            return self._again(state, target.changes, who, REDO, target)

    def note_anchors(self, items: Iterable[str], segments: Sequence[Segment]) -> None:
        """Note the moments of edits that are seen for the first time."""
        with self.store.editing():
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

    def _again(
        self, state: _LogState, changes: Sequence[Change], who: str, action: str, target: Event
    ) -> Event:
        event = self._append(state, changes, who, action, target.number)
        if event is None:  # nothing differs; that it was done is still logged
            event = self._write(state, Event(0, 0.0, who, action, (), {}, target.number))
        return event

    @contextmanager
    def _writing(self) -> Iterator[_LogState]:
        """Hold the lock of the log; give its state, after changes by hand are logged."""
        with self.store.editing():
            state = _LogState(list(self.events()))
            self._log_hand_changes(state)
            yield state

    def _log_hand_changes(self, state: _LogState) -> None:
        states: dict[str, str] = {}
        for event in state.events:
            states |= event.states
        for language in self._languages(states):
            now = state.edits[language] = read_edits(self.store, language)
            if digest(now) != states.get(language, digest(Edits())):
                changes = _differences(replay(state.events, language), now, language)
                if changes:  # a version with more fields gives the same edits another digest
                    self._write(state, Event(0, 0.0, "", BY_HAND, tuple(changes), {language: digest(now)}))

    def _languages(self, states: Mapping[str, str]) -> list[str]:
        folders = {path.parent.name for path in self.store.root.glob(f"*/{FILE}")} - {HIDDEN}
        return sorted({"", *folders, *states})

    def _append(
        self, state: _LogState, changes: Sequence[Change], who: str, action: str, undoes: int = 0
    ) -> Event | None:
        steps: list[Change] = []
        touched: dict[str, Edits] = {}
        for change in changes:
            edits = touched.get(change.language, state.edits.get(change.language, Edits()))
            changed = with_value(edits, change)
            before = value_of(edits, change)
            if digest(before) == digest(change.after):
                continue
            steps.append(replace(change, before=before))
            touched[change.language] = changed
        if not steps:
            return None
        for language, edits in touched.items():
            self.store.write_by_hand(FILE, _slim(edits), language)
        states = {language: digest(edits) for language, edits in touched.items()}
        return self._write(state, Event(0, 0.0, who, action, tuple(steps), states, undoes))

    def _write(self, state: _LogState, event: Event) -> Event:
        """Append an event, numbered and timed."""
        number = state.events[-1].number + 1 if state.events else 1
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
        state.events.append(event)
        return event


@dataclass(slots=True)
class _LogState:
    """The events and the edits while they are being changed."""

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
    changes: list[Change] = []
    for section, form in FORMS.items():
        old, new = getattr(before, section), getattr(after, section)
        for item in sorted(old.keys() | new.keys()):
            for name in (f.name for f in fields(form)):
                was = msgspec.to_builtins(getattr(old.get(item, form()), name))
                now = msgspec.to_builtins(getattr(new.get(item, form()), name))
                if was != now:
                    changes.append(Change(section, item, name, now, language, was))  # type: ignore[arg-type]
    return changes
