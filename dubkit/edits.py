"""Hand edits: `edits.json` of the episode (segments, speakers) and of each language (lines).

A stage never writes these files, so they survive every rerun. The form is

    {"segments": {"s0003": {"text": "…", "speaker": "spk2"}}, "speakers": {"spk1": {"name": "Ana"}}}
    {"lines": {"s0003": {"text": "…"}, "s0004": {"route": "keep"}}}

An edit belongs to a moment, not to a number: the first run that sees it notes when its segment
speaks (`Anchor`), and when a new transcript numbers segments otherwise the edit follows its time.
An edit whose moment has no segment any more is reported and stays in the file.

What was changed when, and by whom, is in the log (`dubkit.edit_log`); these files hold what holds now.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from dubkit.errors import ArtifactDamaged
from dubkit.store import EpisodeStore, read_json
from dubkit.types import Line, Route, Segment

FILE = "edits.json"
ANCHORS = ".dubkit/anchors.json"
CURE = 'Mend the file by hand. Its form is {"lines": {"s0001": {"text": "…"}}}.'


Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
TakeName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]+/v[0-9]{3,}$")]
"""Item and version of a take, such as `s0003/v002`."""


@dataclass(frozen=True, slots=True)
class SegmentEdit:
    """Change of a transcript segment; None leaves a field as it is."""

    text: str | None = None
    speaker: str | None = None
    start: Annotated[float, msgspec.Meta(ge=0)] | None = None
    end: Annotated[float, msgspec.Meta(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class SpeakerEdit:
    """Change of a speaker."""

    name: str | None = None
    description: str | None = None
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    """What a locked line keeps, and what its source was then. A rerun changes neither text nor take."""

    text: str
    route: Route
    source: str
    """What the segment said as the line was locked; another text now is a conflict to be shown."""
    speaker: str
    start: float
    end: float
    takes: tuple[TakeName, ...] = ()
    """Takes it keeps: what is spoken, and those of its clips."""


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Change of a translated line."""

    text: str | None = None
    route: Route | None = None
    voice: str | None = None
    note: str | None = None
    delivery: str | None = None
    """How the line is spoken, in words for the prompt: `in a whisper`."""
    seed: Seed | None = None
    takes: tuple[TakeName, ...] | None = None
    """Takes chosen for the line: one that was spoken, or those of its clips."""
    accepted: bool | None = None
    lock: Lock | None = None


@dataclass(frozen=True, slots=True)
class Edits:
    """One edits file."""

    segments: dict[str, SegmentEdit] = field(default_factory=dict)
    speakers: dict[str, SpeakerEdit] = field(default_factory=dict)
    lines: dict[str, LineEdit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anchor:
    """When the segment of an edit spoke as the edit was first seen, in seconds."""

    start: float
    end: float


def read_edits(store: EpisodeStore, language: str = "") -> Edits:
    """Read the edits of the episode or of one language; no file is no edits."""
    path = store.path(FILE, language)
    if not path.exists():
        return Edits()
    _refuse_unknown(path)
    return read_json(path, Edits, cure=CURE)


def _refuse_unknown(path: Path) -> None:
    """A misspelt name must not be ignored: the person would wait for a change that never comes."""
    table = read_json(path, dict[str, Any], cure=CURE)
    forms = {"segments": SegmentEdit, "speakers": SpeakerEdit, "lines": LineEdit}
    for section, entries in table.items():
        if section == "version":
            continue
        if section not in forms:
            raise ArtifactDamaged(path, section, f"no such section; there are {', '.join(forms)}", CURE)
        known = _names(forms[section])
        for item, fields in entries.items() if isinstance(entries, dict) else ():
            for name in fields if isinstance(fields, dict) else ():
                if name not in known:
                    raise ArtifactDamaged(
                        path, f"{section}.{item}.{name}", f"no such field; there are {', '.join(known)}", CURE
                    )


def _names(form: type) -> tuple[str, ...]:
    return tuple(form.__dataclass_fields__)  # type: ignore[attr-defined]


BOOKKEEPING = frozenset({"note", "accepted", "lock", "takes"})
"""Fields of a line's edit that change no result by themselves."""


def given(edit: SegmentEdit | SpeakerEdit | LineEdit | None) -> dict[str, Any]:
    """Return the fields an edit sets, as they enter a key; a note changes nothing."""
    if edit is None:
        return {}
    values = {name: getattr(edit, name) for name in _names(type(edit)) if name not in BOOKKEEPING}
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Placed:
    """Edits by the id of the segment they belong to now, and those that have none."""

    segments: dict[str, SegmentEdit]
    lines: dict[str, LineEdit]
    orphans: tuple[str, ...]
    homes: dict[str, str] = field(default_factory=dict)
    """Name of an edit in the files -> segment that it belongs to now."""


def place(
    shared: Edits, language: Edits, segments: Sequence[Segment], anchors: Mapping[str, Anchor]
) -> Placed:
    """Bring each edit to the segment that speaks when it was made."""
    by_id = {segment.id: segment for segment in segments}
    orphans: list[str] = []
    homes: dict[str, str] = {}
    for item in sorted({*shared.segments, *language.lines}):
        home = _home(item, by_id, anchors.get(item))
        if home is None:
            orphans.append(item)
        else:
            homes[item] = home
    return Placed(
        {homes[i]: edit for i, edit in shared.segments.items() if i in homes},
        {homes[i]: edit for i, edit in language.lines.items() if i in homes},
        tuple(orphans),
        homes,
    )


def _home(item: str, by_id: Mapping[str, Segment], anchor: Anchor | None) -> str | None:
    if anchor is None:
        return item if item in by_id else None
    same = by_id.get(item)
    if same is not None and _overlap(same, anchor) >= 1.0:
        return item  # nothing can fit better: of a thousand edits nearly all end here
    candidates = ([same] if same else []) + [s for s in by_id.values() if s.id != item]
    best = max(candidates, key=lambda s: _overlap(s, anchor), default=None)
    if best is not None and _overlap(best, anchor) > 0.5:
        return best.id
    return None


def _overlap(segment: Segment, anchor: Anchor) -> float:
    """Share of the shorter of the two that lies in the other, 0 to 1."""
    common = min(segment.end, anchor.end) - max(segment.start, anchor.start)
    shorter = min(segment.end - segment.start, anchor.end - anchor.start)
    return common / shorter if common > 0 and shorter > 0 else 0.0


def read_anchors(store: EpisodeStore) -> dict[str, Anchor]:
    """Read the moments of the edits seen so far."""
    if not store.has(ANCHORS):
        return {}
    return store.read(ANCHORS, dict[str, Anchor])


def note_anchors(
    store: EpisodeStore, items: Iterable[str], segments: Sequence[Segment], fresh: Container[str] = ()
) -> None:
    """Note the moment of every edit that is seen for the first time, and of `fresh` ones in any case.

    Needs the lock of the edits.
    """
    anchors = read_anchors(store)
    by_id = {segment.id: segment for segment in segments}
    new = {
        i: Anchor(by_id[i].start, by_id[i].end)
        for i in items
        if i in by_id and (i not in anchors or i in fresh)
    }
    if new:
        store.write_by_hand(ANCHORS, dict(sorted({**anchors, **new}.items())))


def edited_segment(segment: Segment, edit: SegmentEdit | None) -> Segment:
    """Return the segment as the person wants it; words are dropped when the text is no longer theirs."""
    changes = given(edit)
    if not changes:
        return segment
    if "text" in changes and changes["text"] != segment.text:
        changes["words"] = ()
    changed = replace(segment, **changes)
    if changed.end <= changed.start:
        raise ArtifactDamaged(
            Path(FILE), f"segments.{segment.id}.end", f"{changed.end} s is not after {changed.start} s", CURE
        )
    return changed


LOCK_CONFLICT = "lock-conflict"
"""Flag of a locked line whose source is not what it was."""


def edited_line(line: Line, edit: LineEdit | None, segment: Segment) -> Line:
    """Return the line as the person wants it; a text written by a person carries no warning flags."""
    if edit is None:
        return line
    if edit.lock is not None:
        return _locked_line(line, edit.lock, segment)
    changed = line
    if edit.text is not None:
        changed = replace(changed, text=edit.text, provider="edited", flags=())
    if edit.route is not None:
        changed = replace(changed, route=edit.route)
    return changed


def _locked_line(line: Line, lock: Lock, segment: Segment) -> Line:
    kept = replace(line, route=lock.route)
    if lock.text != line.text:
        kept = replace(kept, text=lock.text, provider="locked", flags=())
    if lock_conflict(lock, segment):
        kept = replace(kept, flags=(*kept.flags, LOCK_CONFLICT))
    return kept


MOVED = 0.05
"""Seconds by which a locked line's source may move before it is a conflict."""


def lock_conflict(lock: Lock, segment: Segment) -> str:
    """Say how the source of a locked line has changed under it; empty when it has not."""
    found = []
    if segment.text != lock.source:
        found.append(f"the source said “{lock.source}” and now says “{segment.text}”")
    if segment.speaker != lock.speaker:
        found.append(f"it was spoken by {lock.speaker} and is now by {segment.speaker}")
    if abs(segment.start - lock.start) > MOVED or abs(segment.end - lock.end) > MOVED:
        found.append(
            f"it was at {lock.start:.2f} to {lock.end:.2f} s and is now at "
            f"{segment.start:.2f} to {segment.end:.2f} s"
        )
    return "; ".join(found)
