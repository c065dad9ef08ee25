"""All lines in one file: out to a spreadsheet or a subtitle editor, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from dubkit.episode.context import Context
from dubkit.errors import EditRefused, MediaError
from dubkit.formats.export import unquoted
from dubkit.formats.subtitles import Cue, read_cues, write_srt, write_vtt
from dubkit.review.changes import LineChange
from dubkit.review.lines import ReviewLine, review_lines
from dubkit.review.speakers import find_speaker

TEXTS = ("text", "source", "speaker", "route", "voice", "delivery", "note")
SUBTITLES = (".srt", ".vtt", ".ass", ".ssa")
TOLERANCE = {".csv": 0.0006, ".srt": 0.0006, ".vtt": 0.0006, ".ass": 0.0056, ".ssa": 0.0056}
"""Seconds that a time loses in a file: half a step of its smallest unit."""


def read_changes(context: Context, file: Path) -> dict[str, LineChange]:
    """Return what a file changes: a table of `dubkit export --format csv`, or subtitles.

    Rows of a table are found by `id`; an empty cell takes an edit back, a column that is not there changes
    nothing. Subtitles are brought to their lines by text, order and time.
    Raises EditRefused naming the row.
    """
    suffix = file.suffix.lower()
    if suffix not in TOLERANCE:
        raise EditRefused(f"{file}: takes .csv, {', '.join(SUBTITLES)}, not {file.suffix or 'this'}.")
    text = _text(file)
    if suffix in SUBTITLES:
        return _from_cues(context, file)
    return _from_table(context, file, text)


def _text(file: Path) -> str:
    """Return a file as text: UTF-8, or what its first bytes say is UTF-16."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise EditRefused(f"{file}: cannot be read ({(error.strerror or str(error)).lower()}).") from None
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise EditRefused(f"{file} row {row}: this is not UTF-8.\nSave the file as UTF-8.") from None


# --- tables -----------------------------------------------------------------------------------


def _from_table(context: Context, file: Path, text: str) -> dict[str, LineChange]:
    by_id = {line.id: line for line in review_lines(context)}
    own = {line.id: line.route for _, line in context.lines}
    head = text.split("\n", 1)[0]
    # Spreadsheets of half the world write semicolons, because their comma is the decimal point.
    delimiter = max(",;\t", key=head.count)
    try:
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = list(table)
    except csv.Error as error:
        raise EditRefused(f"{file} row {table.line_num}: cannot be read as a table ({error}).") from None
    names = [str(name).strip().lower() for name in table.fieldnames or ()]
    if "id" not in names:
        raise EditRefused(f"{file}: has no column id. Columns of dubkit export --format csv are understood.")
    changes: dict[str, LineChange] = {}
    seen: dict[str, int] = {}
    for number, cells in enumerate(rows, 2):
        place = f"{file} row {number}"
        row = {str(k).strip().lower(): v for k, v in cells.items() if k is not None and v is not None}
        name = row.get("id", "").strip()
        if name not in by_id:
            raise EditRefused(f"{place}: there is no line {name!r}.")
        if name in seen:
            raise EditRefused(f"{place}: {name} stands in row {seen[name]} already.")
        seen[name] = number
        change = _row_change(context, by_id[name], own[name], row, place)
        if change is not None:
            changes[name] = change
    return changes


def _row_change(
    context: Context, line: ReviewLine, route: str, row: Mapping[str, str], place: str
) -> LineChange | None:
    found: dict[str, str | float] = {}
    for name in TEXTS:
        value = row.get(name)
        if value is None:
            continue
        flat = " ".join(unquoted(value).split())
        # A table may hold the line's own route or the one that was chosen for it: neither is a change.
        now = (line.route, route) if name == "route" else (" ".join(getattr(line, name).split()),)
        if flat not in now:
            found[name] = flat
    if found.get("speaker"):
        try:
            found["speaker"] = find_speaker(context, str(found["speaker"]))
        except EditRefused as error:
            raise EditRefused(f"{place}: {error}") from None
    cleared = set()
    for name in ("start", "end"):
        value = row.get(name)
        if value is None:
            continue
        if not value.strip():
            cleared |= {name} & set(line.edited)
            continue
        seconds = _seconds(value, f"{place}: {name}")
        if abs(seconds - getattr(line, name)) > TOLERANCE[".csv"]:
            found[name] = seconds
    if not found and not cleared:
        return None
    return LineChange(**found, clear=frozenset(cleared))  # type: ignore[arg-type]


def _seconds(value: str, place: str) -> float:
    try:
        seconds = float(value.strip().replace(",", "."))
    except ValueError:
        raise EditRefused(f"{place} {value!r} is not a number of seconds.") from None
    if not 0.0 <= seconds < float("inf"):
        raise EditRefused(f"{place} {value!r} is not a time in the episode.")
    return seconds


# --- subtitles --------------------------------------------------------------------------------


def _from_cues(context: Context, file: Path) -> dict[str, LineChange]:
    shown = [line for line in review_lines(context) if line.text.strip()]
    shown.sort(key=lambda line: (line.start, line.end))
    before = _as_written([Cue(line.start, line.end, line.text, line.speaker) for line in shown], file)
    try:
        cues = read_cues(file, by_time=False)
    except MediaError as error:
        raise EditRefused(str(error)) from None
    changes: dict[str, LineChange] = {}
    for line, was, own in zip(shown, before, _paired(before, cues, file), strict=True):
        now = Cue(own[0].start, own[-1].end, " ".join(cue.text for cue in own)) if own else None
        change = _cue_change(was, now, TOLERANCE[file.suffix.lower()]) if now else None
        if change is not None:
            changes[line.id] = change
    return changes


def _as_written(cues: Sequence[Cue], file: Path) -> list[Cue]:
    """Return cues as they come back from a file: times in its unit, without braces, tags and line breaks."""
    with TemporaryDirectory(prefix="dubkit-") as folder:
        written = Path(folder) / ("lines.vtt" if file.suffix.lower() == ".vtt" else "lines.srt")
        (write_vtt if written.suffix == ".vtt" else write_srt)(cues, written)
        return read_cues(written, by_time=False)


def _paired(lines: Sequence[Cue], cues: Sequence[Cue], file: Path) -> list[list[Cue]]:
    """Return the cues that each line has become, in order of time; every cue belongs to one line.

    A cue goes to the line whose text it has kept, then by order where the rest are as many, else to the line
    it shares the most time with. Raises EditRefused naming a cue that no line is spoken in.
    """
    texts = [_flat(line) for line in lines]
    if texts == [_flat(cue) for cue in cues]:
        return [[cue] for cue in cues]  # nothing but times has changed, by however much
    own: list[list[Cue]] = [[] for _ in lines]
    left: list[Cue] = []
    by_text: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        by_text.setdefault(text, []).append(at)
    for cue in cues:
        same = [at for at in by_text.get(_flat(cue), ()) if not own[at] and _shared(lines[at], cue) > 0]
        if same:
            own[max(same, key=lambda at: _shared(lines[at], cue))].append(cue)
        else:
            left.append(cue)
    waiting = [at for at, found in enumerate(own) if not found]
    pairs = list(zip(waiting, left, strict=False))
    if len(waiting) == len(left) and all(_may_be(lines[at], cue) for at, cue in pairs):
        for at, cue in pairs:
            own[at].append(cue)
        return own
    for cue in left:
        at = max(range(len(lines)), key=lambda at: _shared(lines[at], cue), default=-1)
        if at < 0 or 2 * _shared(lines[at], cue) <= cue.end - cue.start:
            raise EditRefused(
                f"{file} cue {cues.index(cue) + 1} ({cue.start:.3f} to {cue.end:.3f} s): no line is spoken "
                f"there.\nThere are {len(lines)} lines and {len(cues)} cues. Change texts and times in two "
                "steps: first all of one, then all of the other."
            )
        own[at].append(cue)
    return [sorted(found, key=lambda cue: (cue.start, cue.end)) for found in own]


def _may_be(line: Cue, cue: Cue) -> bool:
    return _shared(line, cue) > 0 or _flat(line) == _flat(cue)


def _shared(line: Cue, cue: Cue) -> float:
    """Seconds that both last."""
    return min(line.end, cue.end) - max(line.start, cue.start)


def _flat(cue: Cue) -> str:
    return " ".join(cue.text.split())


def _cue_change(was: Cue, now: Cue, tolerance: float) -> LineChange | None:
    found: dict[str, str | float] = {}
    if _flat(now) != _flat(was):
        found["text"] = _flat(now)
    for name in ("start", "end"):
        if abs(getattr(now, name) - getattr(was, name)) > tolerance:
            found[name] = getattr(now, name)
    return LineChange(**found) if found else None  # type: ignore[arg-type]
