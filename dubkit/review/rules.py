"""What may be done to the lines of one language. Everything else is refused with the reason and the cure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from dubkit.episode.context import Context
from dubkit.episode.edits import Edits, LineEdit, SegmentEdit, impossible_times
from dubkit.episode.edits.events import Change, Event, find_undo
from dubkit.errors import EditRefused
from dubkit.review.takes import clips_of
from dubkit.types import Line, Segment
from stages.shared.voices import check_voice

REMARKS = frozenset({"note", "accepted"})
"""Fields that may change on a locked line."""
LONGEST = 5000
"""Characters of a text."""


class Rules:
    """The lines of one language, and what may be done to them. Refusals are EditRefused."""

    def __init__(self, context: Context) -> None:
        self.context = context

    # lines

    @cached_property
    def lines(self) -> dict[str, tuple[Segment, Line]]:
        """Every line by id, in order of time, with its segment."""
        return {line.id: (segment, line) for segment, line in self.context.lines}

    def line(self, name: str) -> tuple[Segment, Line]:
        """Return a line with its segment. Refuses an unknown one."""
        try:
            return self.lines[name]
        except KeyError:
            raise EditRefused(f"There is no line {name} in {self.context.language}.") from None

    def edit(self, line: str) -> LineEdit:
        """Return the edits of a line."""
        return self.context.placed.lines.get(line) or LineEdit()

    def is_locked(self, line: str) -> bool:
        """Tell whether a line is locked."""
        return self.edit(line).lock is not None

    def made_together(self, lines: Sequence[str]) -> list[str]:
        """Return lines and those that are generated in the same clips, in order of time."""
        return self._with_lines_of(lines, {clip for line in lines for clip in clips_of(self.context, line)})

    def made_in(self, clip: str, line: str) -> list[str]:
        """Return a line and the others that are generated in one of its clips, in order of time."""
        return self._with_lines_of([line], {clip})

    def _with_lines_of(self, lines: Sequence[str], clips: set[str]) -> list[str]:
        planned = self.context.planned_clips
        shared = {line for clip in planned if clip.id in clips for line in clip.lines}
        for line in lines:
            self.line(line)
        return [name for name in self.lines if name in lines or name in shared]

    # refusals

    def check_unlocked(self, name: str) -> None:
        """Refuse a line that is locked, or that is made in one clip with a locked one."""
        self.line(name)
        if self.is_locked(name):
            raise EditRefused(f"{name} is locked. Unlock it first.")
        for other in self.made_together([name]):
            if other != name and self.is_locked(other):
                raise EditRefused(
                    f"{name} is made in one clip with {other}, which is locked. Unlock {other} first."
                )

    def check_spoken(self, name: str) -> None:
        """Refuse a line that has no takes: it keeps the source's sound, or has no text."""
        _, line = self.line(name)
        if self.context.routes.get(name, line.route) == "keep":
            raise EditRefused(
                f"{name} keeps the source's sound: there is no take to make. Give it a route first."
            )
        if not line.text:
            raise EditRefused(f"{name} has no text: there is no take to make. Give it a text first.")

    def check_synthetic(self, name: str) -> None:
        """Refuse a line that a person recorded: there is no other reading of it."""
        recording = self.context.recordings.of.get(name)
        if recording is not None and name not in self.context.recordings.problems:
            raise EditRefused(
                f"{name} is a person's recording, {recording.name}: there is no other reading of it. "
                "Record it again, choose another take, or take the recording away."
            )

    def check_voice(self, name: str) -> None:
        """Refuse a voice that the language's engine does not have, with the names of those that it has."""
        check_voice(self.context, self.context.language, name)

    def check_speaker(self, speaker: str) -> None:
        """Refuse an unknown speaker."""
        speakers = sorted({segment.speaker for segment in self.context.segments})
        if speaker not in speakers:
            raise EditRefused(f"There is no speaker {speaker}; there are {', '.join(speakers)}.")

    def check_segment(self, segment: Segment, changes: Sequence[Change]) -> None:
        """Refuse an unknown speaker, and times that are not in the episode or in the wrong order."""
        values = {change.field: change.after for change in changes if change.section == "segments"}
        if values.get("speaker") is not None:
            self.check_speaker(values["speaker"])
        times = {name: value for name, value in values.items() if name in ("start", "end")}
        duration = float(self.context.episode.duration)
        for name, value in times.items():
            if value is not None and not 0.0 <= value <= duration + 0.001:
                raise EditRefused(
                    f"{segment.id}: {name} {value} s is not in the episode (0 to {duration:.3f} s)."
                )
        transcribed = next(s for s in self.context.transcript.segments if s.id == segment.id)
        edit = replace(self.context.placed.segments.get(segment.id) or SegmentEdit(), **times)
        if times and impossible_times(transcribed, edit):
            start = transcribed.start if edit.start is None else edit.start
            end = transcribed.end if edit.end is None else edit.end
            raise EditRefused(f"{segment.id}: it cannot end at {end} s and start at {start} s.")

    def check_undo(self, events: Sequence[Event], who: str, number: int) -> None:
        """Refuse an undo after which a line would end before it starts, so that its times are ignored."""
        try:
            target = find_undo(events, who, self.context.language, number)
        except EditRefused:
            return  # the log itself refuses it, knowing what was changed by hand meanwhile
        restored = [replace(change, after=change.before) for change in reversed(target.changes)]
        undone = self.context.with_changes(restored).placed
        if undone.untimed - self.context.fresh().placed.untimed:
            raise EditRefused(
                f"Change {target.number} cannot be undone: the times of {target.changes[0].item} were "
                "changed again since.\nUndo the later change first; dubkit review history names it."
            )

    def check_still_unlocked(self, changes: Sequence[Change], edits: Mapping[str, Edits]) -> None:
        """Refuse changes of a line that somebody locked since the episode was read.

        `edits` are the newest ones by language, read under the lock of the log.
        """
        context = self.context
        now = edits.get(context.language, Edits()).lines
        before = context.language_edits.lines
        newly_locked = {
            context.placed.homes.get(name, name)
            for name, edit in now.items()
            if edit.lock is not None and (name not in before or before[name].lock is None)
        }
        for change in changes if newly_locked else ():
            line = context.placed.homes.get(change.item, change.item)
            remark = change.section == "speakers" or change.field in (*REMARKS, "lock")
            if line in newly_locked and not remark:
                raise EditRefused(f"{line} was locked meanwhile. Unlock it first.")


def clean_value(line: str, field: str, value: Any) -> Any:
    """Return a value as it is kept: one line of visible text; an empty one takes the edit back."""
    if field == "accepted":
        return True if value else None
    if not isinstance(value, str):
        return value
    check_text(line, field, value)
    flat = re.sub(
        r"\s+", " ", re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", " ", value)
    ).strip()
    if len(flat) > LONGEST:
        raise EditRefused(f"{line}: {field} has {len(flat)} characters; {LONGEST} are the most.")
    return flat or None


def check_text(item: str, field: str, text: str) -> None:
    """Refuse a text with bytes that no terminal should have sent."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise EditRefused(
            f"{item}: {field} is not UTF-8 from character {error.start + 1} on.\n"
            "Set the terminal to UTF-8, or change the line with --file."
        ) from None
