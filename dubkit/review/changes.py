"""What a person does to lines: edit, accept, lock, choose a take, ask for a new one, undo.

Every act is one event of the log (`dubkit.episode.edits.log`), checked as a whole before it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import msgspec

from dubkit.episode.context import Context
from dubkit.episode.edits import Edits, LineEdit, Lock, SegmentEdit, impossible_times
from dubkit.episode.edits.events import Change, Event, to_undo
from dubkit.episode.edits.log import EditLog, value_of
from dubkit.errors import EditRefused
from dubkit.review.drafts import line_change, moments, segment_change, takes_let_go
from dubkit.review.due import find_due
from dubkit.review.proposal import Proposal
from dubkit.review.takes import clips_of, find_takes, in_use, seeds_used
from dubkit.studio import finished_languages
from dubkit.types import Line, Route, Segment


@dataclass(frozen=True, slots=True)
class LineChange:
    """What shall become of a line; None leaves a field as it is, an empty text takes its edit back."""

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
    """Fields whose edits are taken back: those above, `takes` (the chosen ones) and `seed`."""


ON_SEGMENT = {"source": "text", "speaker": "speaker", "start": "start", "end": "end"}
"""Fields that all languages share -> their name in the edits of a segment."""
REMARKS = frozenset({"note", "accepted"})
"""Fields that may change on a locked line."""
REMADE = frozenset({"text", "route", "voice"})
"""Fields of one language that let a chosen take go; those that all languages share do so in each of them."""
LONGEST = 5000
"""Characters of a text."""


class Desk:
    """Changes the lines of one language on behalf of somebody."""

    def __init__(self, context: Context, who: str) -> None:
        self.context = context
        self.who = who
        self.log = EditLog(context.store)

    # edits

    def edit(self, line: str, change: LineChange, seen: int | None = None) -> Event | None:
        """Change a line; None when that changes nothing.

        Raises EditRefused when it is locked or a value does not fit, EditConflict when somebody changed the
        same after event `seen`.
        """
        return self.edit_all({line: change}, seen)

    def edit_all(
        self, changes: Mapping[str, LineChange], seen: int | None = None, action: str = "edit"
    ) -> Event | None:
        """Change several lines as one act: all of them, or none."""
        found: list[Change] = []
        shared: list[str] = []
        own: list[str] = []
        for line, change in changes.items():
            drafted = self._changes(line, change)
            found += drafted
            differing = [draft for draft in drafted if self._differs(draft)]
            if any(draft.section == "segments" for draft in differing):
                shared.append(line)
            elif any(draft.field in REMADE for draft in differing):
                own.append(line)
        implied = self.let_go(shared) + takes_let_go(self.context, own, [self.context.language])
        return self._make(found, action, seen, implied)

    def let_go(self, lines: Sequence[str]) -> list[Change]:
        """Return the changes after which no language has chosen a take for some lines."""
        return takes_let_go(self.context, lines, finished_languages(self.context)) if lines else []

    def accept(self, lines: Sequence[str], accepted: bool = True) -> Event | None:
        """Mark lines as looked at and good, or take that back."""
        changes = [self._on_line(line, "accepted", accepted or None) for line in lines]
        return self._make(changes, "accept")

    # locks and takes

    def lock(self, lines: Sequence[str]) -> Event | None:
        """Keep text and take of lines through every rerun.

        Raises EditRefused for a line whose take is not up to date: what would be kept is not what is read.
        """
        due = find_due(self.context, lines)
        changes: list[Change] = []
        for name in lines:
            segment, line = self._line(name)
            if self._edit(name).lock is not None:
                continue
            route = self.context.routes.get(name, line.route)
            takes = self._takes_to_keep(name, due.get(name, ""))
            lock = Lock(line.text, route, segment.text, segment.speaker, segment.start, segment.end, takes)
            changes.append(self._on_line(name, "lock", msgspec.to_builtins(lock)))
        return self._make(changes, "lock")

    def unlock(self, lines: Sequence[str]) -> Event | None:
        """Let lines follow their source again."""
        changes: list[Change] = []
        for name in lines:
            self._line(name)
            if self._edit(name).lock is not None:
                changes.append(self._on_line(name, "lock", None))
        return self._make(changes, "unlock")

    def choose(self, line: str, take: str) -> Event | None:
        """Use a take of a line whatever it was made from; lines of the same clip go with it.

        Of a line that several clips make, `v002` chooses that take of every one of them.
        """
        self._refuse_locked(line)
        self._refuse_unspoken(line)
        wanted = find_takes(self.context, line, take)
        if not clips_of(self.context, line):
            return self._make([self._on_line(line, "takes", wanted)], "choose")
        kept: dict[str, list[str]] = {}
        for one in wanted:
            clip = one.partition("/")[0]
            for name in self._together([line], only=clip):
                takes = kept.get(name, self._edit(name).takes or ())
                kept[name] = [*(t for t in takes if t.partition("/")[0] not in (clip, name)), one]
        return self._make([self._on_line(name, "takes", takes) for name, takes in kept.items()], "choose")

    def new_seeds(self, lines: Sequence[str], seed: int | None = None) -> tuple[Event | None, list[str]]:
        """Ask for another take of lines: a seed that none of their takes had, or the one given.

        Returns the event, and the lines it is about: those that share a clip are made together.
        """
        changes, together = self.seed_changes(lines, seed)
        return self._make(changes, "regenerate"), together

    def seed_changes(self, lines: Sequence[str], seed: int | None = None) -> tuple[list[Change], list[str]]:
        """Return what `new_seeds` would change, and the lines it is about. Raises EditRefused."""
        together = self._together(lines)
        for name in lines:
            self._refuse_locked(name)
            self._refuse_unspoken(name)
        changes: list[Change] = []
        for name in together:
            changes.append(
                self._on_line(name, "seed", self._next_seed(name, together) if seed is None else seed)
            )
            changes.append(self._on_line(name, "takes", None))
        return changes, together

    def proposal(self, changes: Sequence[Change]) -> Proposal:
        """Return the episode as it would be after some changes; nothing is written."""
        return Proposal(self.context, changes, moments(self.context, changes))

    # undo

    def undo(self, number: int = 0) -> Event:
        """Take back this person's last act, or that with a number. Raises EditRefused or EditConflict."""
        self._refuse_impossible_times(number)
        return self.log.undo(who=self.who, language=self.context.language, number=number)

    def redo(self) -> Event:
        """Do again what this person took back last. Raises EditRefused or EditConflict."""
        return self.log.redo(who=self.who, language=self.context.language)

    # inside

    @cached_property
    def _lines(self) -> dict[str, tuple[Segment, Line]]:
        return {line.id: (segment, line) for segment, line in self.context.lines}

    def _line(self, name: str) -> tuple[Segment, Line]:
        try:
            return self._lines[name]
        except KeyError:
            raise EditRefused(f"There is no line {name} in {self.context.language}.") from None

    def _edit(self, line: str) -> LineEdit:
        return self.context.placed.lines.get(line) or LineEdit()

    def _changes(self, name: str, change: LineChange) -> list[Change]:
        segment, _ = self._line(name)
        given = [f.name for f in fields(change) if f.name != "clear"]
        wanted = {field: v for field in given if (v := getattr(change, field)) is not None}
        wanted |= dict.fromkeys(sorted(change.clear), "")
        if wanted.keys() - REMARKS:
            self._refuse_locked(name)
        found: list[Change] = []
        for field, value in wanted.items():
            value = _cleaned(name, field, value)
            if field in ON_SEGMENT:
                found.append(segment_change(self.context, name, ON_SEGMENT[field], value))
            else:
                found.append(self._on_line(name, field, value))
        self._check_segment(segment, found)
        return found

    def _differs(self, change: Change) -> bool:
        edits = self.context.language_edits if change.language else self.context.shared_edits
        return bool(value_of(edits, change) != change.after)

    def _check_segment(self, segment: Segment, changes: Sequence[Change]) -> None:
        mine = {c.field: c.after for c in changes if c.section == "segments"}
        if "speaker" in mine and mine["speaker"] is not None:
            self.known_speaker(mine["speaker"])
        times = {name: value for name, value in mine.items() if name in ("start", "end")}
        for name, value in times.items():
            if value is not None and not 0.0 <= value <= float(self.context.episode.duration) + 0.001:
                length = float(self.context.episode.duration)
                raise EditRefused(
                    f"{segment.id}: {name} {value} s is not in the episode (0 to {length:.3f} s)."
                )
        made = next(s for s in self.context.transcript.segments if s.id == segment.id)
        edit = replace(self.context.placed.segments.get(segment.id) or SegmentEdit(), **times)
        if times and impossible_times(made, edit):
            start = made.start if edit.start is None else edit.start
            end = made.end if edit.end is None else edit.end
            raise EditRefused(f"{segment.id}: it cannot end at {end} s and start at {start} s.")

    def _refuse_impossible_times(self, number: int) -> None:
        """Refuse an undo after which a line would end before it starts: its times would count no longer."""
        try:
            target = to_undo(self.log.events(), self.who, self.context.language, number)
        except EditRefused:
            return  # the log tells it, and knows what was changed by hand meanwhile
        before = [replace(change, after=change.before) for change in reversed(target.changes)]
        if Proposal(self.context, before, ()).placed.untimed - self.context.fresh().placed.untimed:
            raise EditRefused(
                f"Change {target.number} cannot be undone: the times of {target.changes[0].item} were "
                "changed again since.\nUndo the later change first; dubkit review history names it."
            )

    def known_speaker(self, speaker: str) -> None:
        """Raise EditRefused for a speaker that nobody is."""
        there = sorted({segment.speaker for segment in self.context.segments})
        if speaker not in there:
            raise EditRefused(f"There is no speaker {speaker}; there are {', '.join(there)}.")

    def _refuse_locked(self, name: str) -> None:
        self._line(name)
        if self._edit(name).lock is not None:
            raise EditRefused(f"{name} is locked. Unlock it first.")
        for other in self._together([name]):
            if other != name and self._edit(other).lock is not None:
                raise EditRefused(
                    f"{name} is made in one clip with {other}, which is locked. Unlock {other} first."
                )

    def _refuse_unspoken(self, name: str) -> None:
        _, line = self._line(name)
        if self.context.routes.get(name, line.route) == "keep":
            raise EditRefused(
                f"{name} keeps the source's sound: there is no take to make. Give it a route first."
            )
        if not line.text:
            raise EditRefused(f"{name} has no text: there is no take to make. Give it a text first.")

    def _takes_to_keep(self, name: str, due: str) -> tuple[str, ...]:
        clips = clips_of(self.context, name)
        chosen = tuple(take for take in self._edit(name).takes or () if take.partition("/")[0] not in clips)
        if not clips and chosen:
            return chosen
        if due:
            raise EditRefused(
                f"{name} cannot be locked: its take is not up to date ({due}).\n"
                "Make it first: regenerate it, or render the episode."
            )
        return (*in_use(self.context, clips, "decode"), *in_use(self.context, [name], "speak"))

    def _together(self, lines: Sequence[str], only: str = "") -> list[str]:
        """Return lines and those that are generated in the same clips, in order of time."""
        clips = {clip for line in lines for clip in clips_of(self.context, line)} if not only else {only}
        has_clips = self.context.store.has("clips.json", self.context.language)
        shared = {
            line
            for clip in (self.context.clips.clips if has_clips else ())
            if clip.id in clips
            for line in clip.lines
        }
        for line in lines:
            self._line(line)
        return [name for name in self._lines if name in lines or name in shared]

    def _next_seed(self, line: str, together: Sequence[str]) -> int:
        lipdub = self.context.routes.get(line) == "lipdub"
        base = self.context.settings.dub.seed if lipdub else 0
        used = {base, self._edit(line).seed or 0}
        for name in together if lipdub else [line]:
            used |= seeds_used(self.context, name) | {self._edit(name).seed or 0}
        return max(used) + 1

    def _on_line(self, line: str, field: str, value: Any) -> Change:
        self._line(line)
        return line_change(self.context, line, field, value)

    def make(self, changes: Sequence[Change], action: str, implied: Sequence[Change] = ()) -> Event | None:
        """Make changes put together elsewhere (`dubkit.review.speakers`)."""
        return self._make(changes, action, implied=implied)

    def _make(
        self,
        changes: Sequence[Change],
        action: str,
        seen: int | None = None,
        implied: Sequence[Change] = (),
    ) -> Event | None:
        def check(edits: Mapping[str, Edits]) -> None:
            self._refuse_newly_locked(changes, edits)

        return self.log.make(
            changes,
            who=self.who,
            action=action,
            seen=seen,
            segments=moments(self.context, changes),
            implied=implied,
            check=check,
        )

    def _refuse_newly_locked(self, changes: Sequence[Change], edits: Mapping[str, Edits]) -> None:
        """Refuse what would change a line that somebody locked since the episode was read."""
        context = self.context
        now = edits.get(context.language, Edits()).lines
        before = context.language_edits.lines
        new = {
            context.placed.homes.get(name, name)
            for name, edit in now.items()
            if edit.lock is not None and (name not in before or before[name].lock is None)
        }
        for change in changes if new else ():
            line = context.placed.homes.get(change.item, change.item)
            if change.section != "speakers" and change.field not in (*REMARKS, "lock") and line in new:
                raise EditRefused(f"{line} was locked meanwhile. Unlock it first.")


def _cleaned(line: str, field: str, value: Any) -> Any:
    """Return a value as it is kept: one line of visible text; an empty one takes the edit back."""
    if field == "accepted":
        return True if value else None
    if not isinstance(value, str):
        return value
    refuse_broken(line, field, value)
    flat = re.sub(
        r"\s+", " ", re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", " ", value)
    ).strip()
    if len(flat) > LONGEST:
        raise EditRefused(f"{line}: {field} has {len(flat)} characters; {LONGEST} are the most.")
    return flat or None


def refuse_broken(item: str, field: str, text: str) -> None:
    """Raise EditRefused for a text with bytes that no terminal should have sent."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise EditRefused(
            f"{item}: {field} is not UTF-8 from character {error.start + 1} on.\n"
            "Set the terminal to UTF-8, or change the line with --file."
        ) from None
