"""What `edits.json` holds: of the episode (segments, speakers) and of each language (lines).

A stage never writes these files, so they survive every rerun. The form is

    {"segments": {"s0003": {"text": "…", "speaker": "spk2"}}, "speakers": {"spk1": {"name": "Ana"}}}
    {"lines": {"s0003": {"text": "…"}, "s0004": {"route": "keep"}}}

What was changed when, and by whom, is in the log (`dubkit.episode.edits.log`);
these files hold the current state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from dubkit.episode.store import EpisodeStore, read_json
from dubkit.errors import ArtifactDamaged
from dubkit.types import Route

FILE = "edits.json"
CURE = 'Mend the file by hand. Its form is {"lines": {"s0001": {"text": "…"}}}.'
CURE_SHARED = 'Mend the file by hand. Its form is {"segments": {"s0001": {"text": "…"}}}.'


Seed = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
TakeName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]+/v[0-9]{3,}$")]
"""Item and version of a take, such as `s0003/v002`."""

_SPAN = r"[0-9]{1,6}\.[0-9]{3}-[0-9]{1,6}\.[0-9]{3}"
REFERENCE = rf"^(file:[0-9a-f]{{12}}|piece:{_SPAN}(,{_SPAN}){{0,19}})$"


RecordingName = Annotated[str, msgspec.Meta(pattern=r"^(?:microphone/)?[^/\\.][^/\\]*$", max_length=255)]
"""Name of a file in `recordings/`."""


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
    reference: Annotated[str, msgspec.Meta(pattern=REFERENCE)] | None = None
    """What the voice is cloned from: `file:3fa2b1c09d3e`, a recording in `references/given`, or
    `piece:1.700-3.900`, spans of the source in seconds."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What a locked line keeps, and its source when it was locked. A rerun changes neither text nor take."""

    text: str
    route: Route
    source: str
    """What the segment said when the line was locked; another text now is a conflict to show."""
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
    picture_seed: Seed | None = None
    """Seed of the picture, for a line whose lips follow its speech; `seed` is that of the speech then."""
    takes: tuple[TakeName, ...] | None = None
    """Takes chosen for the line: one that was spoken, or those of its clips."""
    accepted: bool | None = None
    lock: Lock | None = None
    recording: RecordingName | None = None
    """File in `recordings/` that is the speech of the line; one that is named by its line needs no edit."""


@dataclass(frozen=True, slots=True)
class Edits:
    """One edits file."""

    segments: dict[str, SegmentEdit] = field(default_factory=dict)
    speakers: dict[str, SpeakerEdit] = field(default_factory=dict)
    lines: dict[str, LineEdit] = field(default_factory=dict)


def read_edits(store: EpisodeStore, language: str = "") -> Edits:
    """Read the edits of the episode or of one language; no file is no edits.

    Raises ArtifactDamaged naming what is misspelt or cannot be.
    """
    path = store.path(FILE, language)
    if not path.exists():
        return Edits()
    cure = CURE if language else CURE_SHARED
    _refuse_unknown(path, cure)
    edits = read_json(path, Edits, cure=cure)
    for item, edit in edits.segments.items():
        if edit.start is not None and edit.end is not None and edit.end <= edit.start:
            wrong = f"{edit.end} s is not after {edit.start} s"
            raise ArtifactDamaged(path, f"segments.{item}.end", wrong, cure)
    return edits


def _refuse_unknown(path: Path, cure: str) -> None:
    """A misspelt name must not be ignored: the person would wait for a change that never comes."""
    table = read_json(path, dict[str, Any], cure=cure)
    forms = {"segments": SegmentEdit, "speakers": SpeakerEdit, "lines": LineEdit}
    for section, entries in table.items():
        if section == "version":
            continue
        if section not in forms:
            raise ArtifactDamaged(path, section, f"no such section; there are {', '.join(forms)}", cure)
        names = _names(forms[section])
        for item, fields in entries.items() if isinstance(entries, dict) else ():
            for name in fields if isinstance(fields, dict) else ():
                if name not in names:
                    place = f"{section}.{item}.{name}"
                    raise ArtifactDamaged(path, place, f"no such field; there are {', '.join(names)}", cure)


def _names(form: type) -> tuple[str, ...]:
    return tuple(form.__dataclass_fields__)  # type: ignore[attr-defined]


BOOKKEEPING = frozenset({"note", "accepted", "lock", "takes", "recording"})
"""Fields of a line's edit that change no result by themselves."""


def edit_fields(edit: SegmentEdit | SpeakerEdit | LineEdit | None) -> dict[str, Any]:
    """Return the fields that an edit sets, as they enter a key; without notes and other bookkeeping."""
    if edit is None:
        return {}
    values = {name: getattr(edit, name) for name in _names(type(edit)) if name not in BOOKKEEPING}
    return {name: value for name, value in values.items() if value is not None}
