"""Edit lines, accept and lock them, choose or make takes, undo.

Each act is one event of the log (`dubkit.episode.edits.log`), checked as a whole before it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from dubkit.episode.changes import drop_takes, line_change, moments_of, segment_change
from dubkit.episode.context import Context, finished_languages
from dubkit.episode.edits import Edits, Lock
from dubkit.episode.edits.events import Change, Event
from dubkit.episode.edits.log import EditLog
from dubkit.episode.edits.values import value_of
from dubkit.errors import EditRefused
from dubkit.review.due import find_due
from dubkit.review.rules import REMARKS, Rules, clean_value
from dubkit.review.takes import clips_of, find_takes, in_use, is_driven, seeds_used, takes_in_use
from dubkit.types import Route, is_clip


@dataclass(frozen=True, slots=True)
class LineChange:
    """What to change about a line; None leaves a field as it is, an empty text takes its edit back."""

    text: str | None = None
    source: str | None = None
    """What is really said in the source."""
    speaker: str | None = None
    start: float | None = None
    """Seconds of the episode."""
    end: float | None = None
    route: Route | str | None = None
    voice: str | None = None
    delivery: str | None = None
    note: str | None = None
    accepted: bool | None = None
    clear: frozenset[str] = frozenset()
    """Fields whose edits are taken back: those above, `takes` (the chosen ones), `seed` and `recording`."""

    @property
    def values(self) -> dict[str, Any]:
        """New value by field; a cleared field is an empty text."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "clear"}
        named = {field: value for field, value in values.items() if value is not None}
        return named | dict.fromkeys(sorted(self.clear), "")


ON_SEGMENT = {"source": "text", "speaker": "speaker", "start": "start", "end": "end"}
"""Fields that all languages share -> their name in the edits of a segment."""
REMADE = frozenset({"text", "route", "voice"})
"""Fields of one language whose change drops a chosen take; those that all languages share do so in each."""

SPOKEN = frozenset({"voice", "drive"})
"""Routes of lines with speech of their own."""


class Desk:
    """Changes the lines of one language on behalf of a person."""

    def __init__(self, context: Context, who: str) -> None:
        self.context = context
        self.who = who
        self.log = EditLog(context.store)
        self.rules = Rules(context)

    # edits

    def edit(self, line: str, change: LineChange, seen: int | None = None) -> Event | None:
        """Change a line; None when that changes nothing.

        Raises EditRefused when the line is locked or a value does not fit, and EditConflict when somebody
        changed the same after event `seen`.
        """
        return self.edit_all({line: change}, seen)

    def edit_all(
        self, changes: Mapping[str, LineChange], seen: int | None = None, action: str = "edit"
    ) -> Event | None:
        """Change several lines as one act: all of them, or none."""
        edits: list[Change] = []
        shared: list[str] = []
        own: list[str] = []
        for line, change in changes.items():
            drafted = self._changes(line, change)
            edits += drafted
            differing = [draft for draft in drafted if self._differs(draft)]
            if any(draft.section == "segments" for draft in differing):
                shared.append(line)
            elif any(draft.field in REMADE for draft in differing) and not self._same_speech(line, differing):
                own.append(line)
        implied = self.drop_takes(shared) + drop_takes(self.context, own, [self.context.language])
        return self.make(edits, action, implied, seen)

    def _same_speech(self, line: str, changes: Sequence[Change]) -> bool:
        """Tell whether what is spoken stays: a line's own speech begins to drive its lips, or ends to."""
        routes = {change.after for change in changes if change.field == "route"}
        others = any(change.field in REMADE for change in changes if change.field != "route")
        return not others and routes | {self.context.routes.get(line)} == SPOKEN

    def drop_takes(self, lines: Sequence[str]) -> list[Change]:
        """Return the changes after which no language has a chosen take for some lines."""
        return drop_takes(self.context, lines, finished_languages(self.context)) if lines else []

    def accept(self, lines: Sequence[str], accepted: bool = True) -> Event | None:
        """Mark lines as checked and good, or take that back."""
        return self.make([self.change_of(line, "accepted", accepted or None) for line in lines], "accept")

    # locks and takes

    def lock(self, lines: Sequence[str]) -> Event | None:
        """Lock lines: later runs change neither their text nor their take.

        Raises EditRefused for a line whose take is not up to date.
        """
        due = find_due(self.context, lines)
        changes: list[Change] = []
        for name in lines:
            segment, line = self.rules.line(name)
            if self.rules.is_locked(name):
                continue
            route = self.context.routes.get(name, line.route)
            takes = self._takes_to_keep(name, due.get(name, ""))
            lock = Lock(line.text, route, segment.text, segment.speaker, segment.start, segment.end, takes)
            changes.append(self.change_of(name, "lock", msgspec.to_builtins(lock)))
        return self.make(changes, "lock")

    def unlock(self, lines: Sequence[str]) -> Event | None:
        """Unlock lines: they follow their source again."""
        for name in lines:
            self.rules.line(name)
        locked = [name for name in lines if self.rules.is_locked(name)]
        return self.make([self.change_of(name, "lock", None) for name in locked], "unlock")

    def choose(self, line: str, take: str) -> Event | None:
        """Use a take of a line, whatever it was made from; lines in the same clip get it too.

        For a line in several clips, `v002` means that take of each of them.
        """
        self.rules.check_unlocked(line)
        self.rules.check_spoken(line)
        takes = find_takes(self.context, line, take)
        if not clips_of(self.context, line):
            return self.make([self.change_of(line, "takes", takes)], "choose")
        chosen: dict[str, list[str]] = {}
        for one in takes:
            item = one.partition("/")[0]
            for name in self.rules.made_in(item, line) if is_clip(one) else [line]:
                before = chosen.get(name, self.rules.edit(name).takes or ())
                # Speech takes the place of a clip's sound, unless the clip was made for it.
                replaced = (item,) if is_driven(self.context, name) else (item, name)
                chosen[name] = [*(t for t in before if t.partition("/")[0] not in replaced), one]
        return self.make([self.change_of(name, "takes", takes) for name, takes in chosen.items()], "choose")

    def new_seeds(
        self, lines: Sequence[str], seed: int | None = None, *, picture: bool = False
    ) -> tuple[Event | None, list[str]]:
        """Give lines a seed that none of their takes had, or `seed`: the next run makes new takes.

        Where lips follow the speech of a line, its speech is new, and the picture with it; with `picture`
        the speech stays. Returns the event and the lines that change: those of a clip are made together.
        """
        changes, together = self.seed_changes(lines, seed, picture=picture)
        return self.make(changes, "regenerate"), together

    def seed_changes(
        self, lines: Sequence[str], seed: int | None = None, *, picture: bool = False
    ) -> tuple[list[Change], list[str]]:
        """Return what `new_seeds` would change, and which lines. Raises EditRefused."""
        together = self.rules.made_together(lines)
        for name in lines:
            self.rules.check_unlocked(name)
            self.rules.check_spoken(name)
            if not picture:
                self.rules.check_synthetic(name)
            elif not is_driven(self.context, name):
                raise EditRefused(
                    f"{name} has no picture of its own seed: its route is not drive.\n"
                    "Make a new take of it as a whole, without a new picture alone."
                )
        changes: list[Change] = []
        for name in together:
            field, kept = "seed", [*self._kept_speech(name)]
            if is_driven(self.context, name) and picture:
                field = "picture_seed"
            elif is_driven(self.context, name) and name not in lines:
                field = ""  # its speech stays beside the new one of another line
            else:
                kept = []
            if field:
                new_seed = self._next_seed(name, together) if seed is None else seed
                changes.append(self.change_of(name, field, new_seed))
            changes.append(self.change_of(name, "takes", kept or None))
        return changes, together

    def _kept_speech(self, name: str) -> list[str]:
        """Return the chosen takes of a line that are speech, not picture."""
        return [take for take in self.rules.edit(name).takes or () if not is_clip(take)]

    def after(self, changes: Sequence[Change]) -> Context:
        """Return the episode as it would be after some changes; nothing is written."""
        return self.context.with_changes(changes, moments_of(self.context, changes))

    # undo

    def undo(self, number: int = 0) -> Event:
        """Undo this person's last act, or the one with a number. Raises EditRefused or EditConflict."""
        self.rules.check_undo(self.log.events(), self.who, number)
        return self.log.undo(who=self.who, language=self.context.language, number=number)

    def redo(self) -> Event:
        """Redo what this person undid last. Raises EditRefused or EditConflict."""
        return self.log.redo(who=self.who, language=self.context.language)

    # making

    def make(
        self,
        changes: Sequence[Change],
        action: str,
        implied: Sequence[Change] = (),
        seen: int | None = None,
    ) -> Event | None:
        """Make some changes as one event; None when they change nothing.

        `implied` ones follow from the others and are made only where those change something. Raises
        EditRefused for a line that was locked meanwhile, EditConflict for a change after event `seen`.
        """

        def check(edits: Mapping[str, Edits]) -> None:
            self.rules.check_still_unlocked(changes, edits)

        return self.log.make(
            changes,
            who=self.who,
            action=action,
            seen=seen,
            segments=moments_of(self.context, changes),
            implied=implied,
            check=check,
        )

    def _changes(self, name: str, change: LineChange) -> list[Change]:
        segment, _ = self.rules.line(name)
        values = change.values
        if values.keys() - REMARKS:
            self.rules.check_unlocked(name)
        changes = []
        for field, value in values.items():
            clean = clean_value(name, field, value)
            if field == "voice" and clean:
                self.rules.check_voice(clean)
            if field in ON_SEGMENT:
                changes.append(segment_change(self.context, name, ON_SEGMENT[field], clean))
            else:
                changes.append(self.change_of(name, field, clean))
        self.rules.check_segment(segment, changes)
        return changes

    def change_of(self, line: str, field: str, value: Any) -> Change:
        """Return a change of what this language has of a line."""
        self.rules.line(line)
        return line_change(self.context, line, field, value)

    def _differs(self, change: Change) -> bool:
        edits = self.context.language_edits if change.language else self.context.shared_edits
        return bool(value_of(edits, change) != change.after)

    def _takes_to_keep(self, name: str, due: str) -> tuple[str, ...]:
        clips = clips_of(self.context, name)
        takes = self.rules.edit(name).takes or ()
        chosen = tuple(take for take in takes if take.partition("/")[0] not in clips)
        if not clips and chosen:
            return chosen
        if due:
            raise EditRefused(
                f"{name} cannot be locked: its take is not up to date ({due}).\n"
                "Make a new take first: regenerate the line, or render the episode."
            )
        return (
            *(take for take in takes_in_use(self.context, name, clips) if is_clip(take)),
            *in_use(self.context, [name], "speak"),
        )

    def _next_seed(self, line: str, together: Sequence[str]) -> int:
        generated = self.context.routes.get(line) == "lipdub"
        base = self.context.settings.dub.seed if generated else 0
        used = {base, self.rules.edit(line).seed or 0, self.rules.edit(line).picture_seed or 0}
        if is_driven(self.context, line):
            used.add(self.context.settings.dub.seed)
        for name in together if generated else [line]:
            used |= seeds_used(self.context, name) | {self.rules.edit(name).seed or 0}
        return max(used) + 1
