"""What is known of each line of a language, and whether a person should look at it.

The one place that decides it: the review, the report, the library, `dubkit status` and the HTTP interface ask
here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dubkit.dubbing.planning.routes import KINDS
from dubkit.episode.context import Context
from dubkit.episode.edits import LineEdit, lock_conflict
from dubkit.episode.results import SOUND, spoken_digest
from dubkit.episode.store import Record, canonical, decode_json
from dubkit.errors import DubkitError
from dubkit.types import EpisodeQc, Line, LineQc, LineRoute, Segment, SpokenLine

FAILED = "failed"
"""Flag of a line that could not be made; it stands first."""

TOO_LONG = "too-long"
"""Flag of a line whose text no placement of it gives enough time."""

OTHER_TEXT = "other-text"
"""Flag of a line whose take says another text than it has now."""

_EPISODE = "episode"


@dataclass(frozen=True, slots=True)
class LineState:
    """One line, and how it stands."""

    number: int
    """From 1, in order of time."""
    segment: Segment
    line: Line
    edit: LineEdit
    route: LineRoute | None
    """How it gets into the dub, once that is planned."""
    clips: tuple[str, ...]
    """Clips that it is generated in."""
    take: SpokenLine | None
    """What is spoken; None while there is nothing."""
    measured: LineQc | None
    """Measures of that take; None where there are none, or those of another take."""
    flags: tuple[str, ...]
    conflict: str
    """How the source changed since the line was locked; empty when it did not."""

    @property
    def failed(self) -> bool:
        """Whether it could not be made."""
        return FAILED in self.flags

    @property
    def locked(self) -> bool:
        """Whether a person locked it."""
        return self.edit.lock is not None

    @property
    def accepted(self) -> bool:
        """Whether a person accepted it."""
        return bool(self.edit.accepted)

    @property
    def to_look_at(self) -> bool:
        """Whether it failed, has a conflict, or has a flag that nobody accepted."""
        return self.failed or bool(self.conflict) or (bool(self.flags) and not self.accepted)


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines of a language by how they stand. `accepted`, `locked` and `open` add up to `lines`."""

    lines: int
    failed: int
    to_look_at: int
    """Those that failed among them."""
    accepted: int
    """Accepted, and not locked."""
    locked: int
    open: int
    """Neither accepted nor locked."""

    @classmethod
    def of(cls, states: Iterable[LineState]) -> Counts:
        """Count lines."""
        states = list(states)
        return cls(
            lines=len(states),
            failed=sum(state.failed for state in states),
            to_look_at=sum(state.to_look_at for state in states),
            accepted=sum(state.accepted and not state.locked for state in states),
            locked=sum(state.locked for state in states),
            open=sum(not state.accepted and not state.locked for state in states),
        )

    def __str__(self) -> str:
        """Say it in words: `16 lines, 1 failed, 3 to look at, 12 accepted`."""
        if not self.lines:
            return "no lines"
        parts = [f"{self.lines} line{'s' if self.lines > 1 else ''}"]
        named = ("failed", self.failed), ("to look at", self.to_look_at), ("accepted", self.accepted)
        parts += [f"{number} {words}" for words, number in (*named, ("locked", self.locked)) if number]
        return ", ".join(parts if self.open or self.to_look_at else [*parts, "reviewed"])


def line_states(
    context: Context, only: frozenset[str] | None = None, *, measured: EpisodeQc | None = None
) -> list[LineState]:
    """Return the lines of a language in order of time, or some of them.

    `measured` are measures that were made just now and have no record yet.
    """
    reader = _Reader(context, measured)
    return [
        reader.state(number, segment, line)
        for number, (segment, line) in enumerate(context.lines, 1)
        if only is None or line.id in only
    ]


def worst_first(states: Iterable[LineState]) -> list[LineState]:
    """Return the lines that a person should look at: those that failed first, then in order of time."""
    return sorted((s for s in states if s.to_look_at), key=lambda s: (not s.failed, s.number))


class _Reader:
    """Reads the state of lines, each artifact once."""

    def __init__(self, context: Context, measured: EpisodeQc | None) -> None:
        self.context = context
        kept = _measured(context) if measured is None else measured.lines
        self.measured = {line.id: line for line in kept}
        self.mixed = _measured_mix(context) if measured is None and kept else None
        planned = context.clips.routes if context.has_clips else ()
        self.routes: dict[str, LineRoute] = {route.line: route for route in planned}
        self.clips: dict[str, list[str]] = {}
        for clip in context.planned_clips:
            for line in clip.lines:
                self.clips.setdefault(line, []).append(clip.id)

    def state(self, number: int, segment: Segment, line: Line) -> LineState:
        context = self.context
        edit = context.placed.lines.get(line.id) or LineEdit()
        record = context.record("speak", line.id)
        take, measured = _spoken(record), self.measured.get(line.id)
        if measured is not None and not self._is_of(segment, record):
            measured = None
        planned = self.routes.get(line.id)
        route = planned.route if planned else line.route
        clips = tuple(self.clips.get(line.id, ())) if route in KINDS else ()
        flags = [FAILED] if self._failed(line, record, clips) else []
        flags += _flags(segment, line, take, measured)
        placed = context.scheduled_line(line.id)
        if placed is not None and placed.hurried and placed.text == line.text:
            flags.append(TOO_LONG)
        conflict = lock_conflict(edit.lock, segment) if edit.lock else ""
        return LineState(
            number, segment, line, edit, planned, clips, take, measured, tuple(dict.fromkeys(flags)), conflict
        )

    def _is_of(self, segment: Segment, spoken: Record | None) -> bool:
        """Tell whether the measures of a line are those of the take in use."""
        if self.mixed is None:
            return True
        return self.mixed.get(f"speak/{segment.id}") == spoken_digest(self.context, segment, spoken)

    def _failed(self, line: Line, spoken: Record | None, clips: Sequence[str]) -> bool:
        """Tell whether a line, its translation, or one of its clips could not be made."""
        context = self.context
        records = [spoken]
        if not line.text:
            records.append(context.record("translate", line.id))
        for clip in clips:
            records += context.store.records_of(clip, context.language)
        return any(record is not None and bool(record.error) for record in records)


def _measured(context: Context) -> tuple[LineQc, ...]:
    if not context.store.has("qc.json", context.language):
        return ()
    try:
        return context.store.read("qc.json", EpisodeQc, context.language).lines
    except DubkitError:
        return ()  # the verdict on the language names the damage; its lines can still be reviewed


def _measured_mix(context: Context) -> Mapping[str, str] | None:
    """Return what the measured dub was mixed from: nothing when it is no longer the dub, None if unknown."""
    measured, stitched = context.record("qc", _EPISODE), context.record("stitch", _EPISODE)
    mixed = context.record("mix", _EPISODE)
    if measured is None or stitched is None or mixed is None:
        return None
    if stitched.error or mixed.error:
        return {}
    dubs = {ref.sha256 for ref in stitched.files}
    sounds = {ref.sha256 for ref in mixed.files}
    same = measured.parts.inputs.get("stitch/dub") in dubs and stitched.parts.inputs.get(SOUND) in sounds
    return mixed.parts.inputs if same else {}


def _spoken(record: Record | None) -> SpokenLine | None:
    if record is None or record.error or record.value is None:
        return None
    return decode_json(canonical(record.value), SpokenLine)


def _flags(segment: Segment, line: Line, take: SpokenLine | None, measured: LineQc | None) -> list[str]:
    flags = [*segment.flags, *line.flags]
    if take is not None:
        flags += take.flags
    if measured is not None and take is not None:
        flags += measured.flags
    if take is not None and take.text and take.text != line.text:
        flags.append(OTHER_TEXT)
    return flags
