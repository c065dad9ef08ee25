"""SubStation Alpha, both versions: the events that are shown, with the Name field as the speaker.

Only the events are read, so that a broken style or an embedded font does not matter to their texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.formats.ass_writing import write_ass
from dubkit.formats.content import Cue, CueRole
from dubkit.formats.cues import cue_of_lines, keep_good
from dubkit.formats.format import Format
from dubkit.formats.markup import file_lines, spoken_lines
from dubkit.formats.times import time_of

if TYPE_CHECKING:
    from dubkit.formats.document import Document

_FIELDS = "layer start end style name marginl marginr marginv effect text".split()  # noqa: SIM905
_KINDS = re.compile(r"\s*(Dialogue|Comment|Format|Picture|Sound|Movie|Command)\s*:\s?(.*)", re.I)
_SECTION = re.compile(r"\s*\[([^\]]+)\]\s*$")
_BRACES = re.compile(r"\{[^}]*\}")
_DRAWN = re.compile(r"\\p[1-9]")
_PLACED = re.compile(r"\\(?:pos|move|org|clip|iclip)\s*\(")
_SIGN = re.compile(
    r"sign|title|typeset|caption|credit|staff|eyecatch|logo|screen|\bts\b|\btl\b|note|next ?ep|preview text",
    re.I,
)
_SPEECH = re.compile(r"default|main|dialog|italic|\balt|\btop|flashback|narrat|thought|internal|speech", re.I)
_SONG = re.compile(r"^(?:op|ed)(?:\b|[\d_ -])|opening|ending|song|kara|lyric|romaji|kanji|insert", re.I)
_CURE = "A line reads: Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,Text"


@dataclass(frozen=True, slots=True)
class _Event:
    number: int
    fields: Mapping[str, str]
    """Name of the field in lower case -> what stands in it; empty where the line has too few."""
    line: str


def _read(file: Document) -> list[Cue]:
    lines = file_lines(file.text())
    events = _events(lines)
    if not events and any(line.strip() for line in lines):
        cure = "An ASS file needs an [Events] section with Dialogue lines."
        raise file.error("line 1", "there is no cue in it", cure)
    styles = Counter(event.fields.get("style", "").strip() for event in events)
    usual = styles.most_common(1)[0][0] if styles else ""
    return keep_good(file, events, lambda event: _cue(file, event, usual))


def _events(lines: Sequence[str]) -> list[_Event]:
    events: list[_Event] = []
    names, inside = _FIELDS, False
    for number, line in enumerate(lines, start=1):
        if section := _SECTION.match(line):
            inside = section[1].strip().lower() == "events"
            continue
        found = _KINDS.match(line)
        if not inside or not line.strip() or line.startswith((";", "!:")):
            continue
        if found is None:
            if events:  # a text that was broken over several lines
                last = events[-1]
                fields = {**last.fields, "text": last.fields.get("text", "") + "\n" + line}
                events[-1] = _Event(last.number, fields, last.line)
            continue
        kind, rest = found[1].lower(), found[2]
        if kind == "format":
            names = [name.strip().lower() for name in rest.split(",")]
        elif kind == "dialogue":
            cells = rest.split(",", len(names) - 1)
            fields = dict(zip(names, cells, strict=False)) if len(cells) == len(names) else {}
            events.append(_Event(number, fields, line.strip()))
    return events


def _cue(file: Document, event: _Event, usual: str) -> Cue:
    place = f"line {event.number}"
    fields = event.fields
    start, end = (time_of(fields.get(name, "")) for name in ("start", "end"))
    text = fields.get("text", "")
    if start is None or end is None:
        said = text or event.line.rsplit(",", 1)[-1]
        raise file.mistake(place, f"{event.line!r} is no event with two times", _CURE, said)
    speaker = (fields.get("name") or fields.get("actor") or "").strip()
    shown = "" if _DRAWN.search(text) and not _BRACES.sub("", _undrawn(text)).strip() else text
    lines = spoken_lines(_BRACES.sub("", _undrawn(shown)).replace(r"\n", "\n").replace("<", "&lt;"))
    return cue_of_lines(file, place, start, end, [(speaker, line) for _, line in lines], _role(fields, usual))


def _undrawn(text: str) -> str:
    """Return a text without what its tags draw."""
    return re.sub(r"\{[^{}]*\\p[1-9][^{}]*\}[^{]*", "", text)


def _role(fields: Mapping[str, str], usual: str) -> CueRole:
    """Return what an event is by its style and place; events of the usual style are speech."""
    style, effect = fields.get("style", "").strip(), fields.get("effect", "").strip().lower()
    if effect.startswith(("banner", "scroll")):
        return "sign"
    named = fields.get("name") or fields.get("actor") or ""
    if style == usual or (_SPEECH.search(style) and not _SIGN.search(style)):
        return ""
    if _SONG.search(style) or effect in ("fx", "karaoke"):
        return "song"
    placed = _PLACED.search(fields.get("text", "")) is not None and not named.strip()
    return "sign" if _SIGN.search(style) or placed else ""


ASS = Format(
    name="ass",
    title="Advanced SubStation Alpha subtitles",
    suffixes=(".ass",),
    media_type="text/x-ass",
    read_cues=_read,
    write_cues=write_ass,
    time_step=0.01,
)

SSA = Format(
    name="ssa",
    title="SubStation Alpha subtitles",
    suffixes=(".ssa",),
    media_type="text/x-ssa",
    read_cues=_read,
    time_step=0.01,
    edited_as="srt",
)
