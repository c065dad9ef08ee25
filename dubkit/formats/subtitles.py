"""Subtitle files: write SRT and WebVTT, read SRT, WebVTT, ASS, JSON and CSV.

One cue stays one cue in both directions, so a transcript that goes out and comes back keeps its lines.
"""

from __future__ import annotations

import csv
import html
import io
import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.errors import MediaError

log = logging.getLogger(__name__)

LINE_LENGTH = 42
"""Characters per line that broadcasters agree on for scripts with spaces."""

DENSE_LINE_LENGTH = 18
"""The same for scripts without spaces, whose characters are twice as wide."""

_LINES = 2
_DENSE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f]"
)
_PAUSES = ",.;:!?…—\u2013،؛؟।"
# Full-width comma, marks, colons, brackets by number: they look like the ASCII ones.
_DENSE_PAUSES = "、。…」』\uff0c\uff01\uff1f\uff1b\uff1a\uff09"
_NO_LINE_START = _DENSE_PAUSES + "っゃゅょッャュョー々ぁぃぅぇぉァィゥェォ"
_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,3}))?"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?$")
_VOICE = re.compile(r"<v(?:\.[^ >]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?(?:[ibucs]|v|font|ruby|rt|lang|c\.[^>]*)(?:[ .][^>]*)?>|<[\d:.]+>|\{\\[^}]*\}", re.I)
_SUFFIXES = ".srt, .vtt, .ass, .ssa, .json or .csv"


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: seconds from the episode's zero, the text, and who speaks it when known."""

    start: float
    end: float
    text: str
    speaker: str = ""


# --- writing ----------------------------------------------------------------------------------


def write_srt(cues: Iterable[Cue], out: Path) -> None:
    """Write cues as SRT in UTF-8, lines broken for reading. Empty cues are left out."""
    import pysubs2

    film = pysubs2.SSAFile()
    for cue in _worth_showing(cues):
        event = pysubs2.SSAEvent(start=_milliseconds(cue.start), end=_milliseconds(cue.end))
        # A brace would read as a style override, and a blank line would end the cue.
        event.text = break_lines(cue.text).replace("{", "(").replace("}", ")").replace("\n", r"\N")
        film.append(event)
    out.write_bytes(film.to_string("srt").encode("utf-8"))


def write_vtt(cues: Iterable[Cue], out: Path) -> None:
    """Write cues as WebVTT in UTF-8, with a voice tag where the speaker is known."""
    blocks = ["WEBVTT\n"]
    for cue in _worth_showing(cues):
        text = html.escape(break_lines(cue.text), quote=False)
        voice = f"<v {html.escape(_one_line(cue.speaker), quote=False)}>" if cue.speaker else ""
        blocks.append(f"{_stamp(cue.start)} --> {_stamp(cue.end)}\n{voice}{text}\n")
    out.write_bytes("\n".join(blocks).encode("utf-8"))


def _worth_showing(cues: Iterable[Cue]) -> list[Cue]:
    return sorted((cue for cue in cues if cue.text.strip()), key=lambda cue: (cue.start, cue.end))


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _stamp(seconds: float) -> str:
    whole, thousandths = divmod(_milliseconds(seconds), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}.{thousandths:03d}"


def break_lines(text: str) -> str:
    """Break a text into at most two lines of similar length, at a pause where there is one.

    A text that does not fit into two lines of the usual length keeps two longer ones: players wrap
    those, and a third line would cover the face. Scripts without spaces are broken between characters.
    """
    flat = _one_line(text)
    if _is_dense(flat):
        return _break_dense(flat)
    if len(flat) <= LINE_LENGTH or " " not in flat:
        return flat
    gaps = [match.start() for match in re.finditer(" ", flat)]
    best = min(gaps, key=lambda at: _badness(at, len(flat) - at - 1, flat[at - 1] in _PAUSES))
    return f"{flat[:best]}\n{flat[best + 1 :]}"


def _badness(first: int, second: int, pause: bool) -> float:
    """Cost of a break: too long a line is worst, then unequal lines, then a break inside a phrase."""
    over = max(0, first - LINE_LENGTH) + max(0, second - LINE_LENGTH)
    top_heavy = 0.5 if first > second else 0.0
    return over * 100 + abs(first - second) + top_heavy - (12 if pause else 0)


def _break_dense(text: str) -> str:
    if len(text) <= DENSE_LINE_LENGTH:
        return text
    cuts = [at for at in range(1, len(text)) if _may_cut(text, at)]
    if not cuts:
        return text
    middle = len(text) / _LINES
    best = min(cuts, key=lambda at: abs(at - middle) - (4 if text[at - 1] in _DENSE_PAUSES else 0))
    return f"{text[:best].rstrip()}\n{text[best:].lstrip()}"


def _may_cut(text: str, at: int) -> bool:
    """Never begin a line with closing marks or small kana, nor cut a Latin word or a number."""
    import unicodedata

    before, after = text[at - 1], text[at]
    if after in _NO_LINE_START or before in "「『\uff08" or unicodedata.category(after) in ("Mn", "Mc"):
        return False
    return not (before.isascii() and after.isascii() and before != " " and after != " ")


def _is_dense(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum(bool(_DENSE.match(c)) for c in letters) > len(letters) / 2


def _one_line(text: str) -> str:
    """Join the lines of a text as its script wants it: with spaces, or without where it has none."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    joined = lines[0] if lines else ""
    for line in lines[1:]:
        dense = bool(_DENSE.match(joined[-1]) or joined[-1] in _DENSE_PAUSES) and bool(_DENSE.match(line[0]))
        joined += ("" if dense else " ") + line
    return joined


# --- reading ----------------------------------------------------------------------------------


def read_cues(path: Path, *, by_time: bool = True) -> list[Cue]:
    """Read cues in order of time, or in that of the file; the suffix says the format.

    Speakers come from WebVTT voice tags, the ASS Name field, and the `speaker` fields of JSON and CSV;
    a `Name:` in a text stays text. Raises `MediaError` naming file, line and cure.
    """
    readers: dict[str, Callable[[Path, str], list[Cue]]] = {
        ".srt": _read_blocks,
        ".vtt": _read_blocks,
        ".ass": _read_ass,
        ".ssa": _read_ass,
        ".json": _read_json,
        ".csv": _read_csv,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        cure = f"Use a file that ends in {_SUFFIXES}."
        raise MediaError(path, f"subtitles of type {path.suffix or '(no suffix)'!r} cannot be read", cure)
    cues = reader(path, _read_text(path))
    return sorted(cues, key=lambda cue: (cue.start, cue.end)) if by_time else list(cues)


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MediaError(path, "no such file", "Check the spelling of the path.") from error
    except OSError as error:
        raise MediaError(path, f"it cannot be read ({error.strerror})", "Name a readable file.") from error
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        log.warning("%s is not UTF-8; read as Windows-1252. Save it as UTF-8 if letters look wrong.", path)
        return content.decode("cp1252", errors="replace")


def _read_blocks(path: Path, text: str) -> list[Cue]:
    """Read the blocks of SRT and WebVTT: a timing line, then text up to a blank line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cues, at = [], 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if re.match(r"(NOTE|STYLE|REGION)\b", line) and path.suffix.lower() == ".vtt":
            while at < len(lines) and lines[at].strip():
                at += 1
        elif "-->" in line:
            start, end = _timing(path, at, line)
            first = at
            while at < len(lines) and lines[at].strip():
                at += 1
            cues.append(_cue(path, first, start, end, "\n".join(lines[first:at])))
    if not cues and text.strip() not in ("", "WEBVTT"):
        cure = "A cue needs a line such as 00:00:01,000 --> 00:00:02,500 above its text."
        raise MediaError(path, "line 1: there is no cue in it", cure)
    return cues


def _timing(path: Path, number: int, line: str) -> tuple[float, float]:
    match = _TIMING.match(line)
    if not match:
        cure = "Write it as 00:00:01,000 --> 00:00:02,500."
        raise MediaError(path, f"line {number}: {line.strip()!r} is not a pair of times", cure)
    return _seconds(match.groups()[:4]), _seconds(match.groups()[4:])


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _cue(path: Path, number: int, start: float, end: float, text: str, speaker: str = "") -> Cue:
    if not 0 <= start <= end < float("inf"):
        cure = "Correct the times: 0 or more, and the end after the start."
        raise MediaError(path, f"line {number}: the cue runs from {start} s to {end} s", cure)
    voice = _VOICE.search(text)
    if voice and not speaker:
        speaker = html.unescape(voice.group(1)).strip()
    plain = html.unescape(_TAG.sub("", _VOICE.sub("", text)))
    return Cue(start, end, _one_line(plain), speaker)


def _read_ass(path: Path, text: str) -> list[Cue]:
    import pysubs2

    try:
        film = pysubs2.SSAFile.from_string(text, format_=path.suffix.lower().lstrip("."))
    except (pysubs2.Pysubs2Error, ValueError, KeyError, IndexError) as error:
        cure = "Open and save it in a subtitle editor, or convert it to SRT."
        raise MediaError(path, f"it is not a valid ASS file ({error})", cure) from error
    shown = [event for event in film if event.type == "Dialogue" and not event.is_drawing]
    if not shown and text.strip():
        cure = "An ASS file needs an [Events] section with Dialogue lines."
        raise MediaError(path, "line 1: there is no cue in it", cure)
    return [
        Cue(event.start / 1000, event.end / 1000, _one_line(event.plaintext), event.name.strip())
        for event in shown
    ]


def _read_json(path: Path, text: str) -> list[Cue]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        cure = "Correct the file at that place, or export it anew."
        raise MediaError(path, f"line {error.lineno}: this is not JSON ({error.msg})", cure) from error
    if isinstance(content, dict):
        content = content.get("segments")
    if not isinstance(content, list):
        cure = 'Expected: [{"start": 0.5, "end": 2.0, "text": "Hello", "speaker": "A"}, …].'
        raise MediaError(path, "it is no list of segments", cure)
    return [_record(path, f"segment {number}", item) for number, item in enumerate(content, start=1)]


def _read_csv(path: Path, text: str) -> list[Cue]:
    head = text.split("\n", 1)[0]
    # Spreadsheets of half the world write semicolons, because their comma is the decimal point.
    delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = {(name or "").strip().lower() for name in rows.fieldnames or ()}
    if not {"start", "end", "text"} <= names:
        cure = "The first line must be: start,end,text or start,end,text,speaker."
        raise MediaError(path, f"line 1: the columns are {sorted(names)}", cure)
    cues = []
    for row in rows:
        plain = {str(k).strip().lower(): v for k, v in row.items() if k is not None}
        cues.append(_record(path, f"line {rows.line_num}", plain))
    return cues


def _record(path: Path, place: str, item: Any) -> Cue:
    if not isinstance(item, dict):
        raise MediaError(path, f"{place}: {item!r} is no record", "It needs start, end and text.")
    start, end = (_number(path, place, name, item.get(name)) for name in ("start", "end"))
    text = item.get("text")
    if not isinstance(text, str):
        raise MediaError(path, f"{place}: text is {text!r}", "Give every line a text.")
    if not 0 <= start <= end < float("inf"):
        cure = "Correct the times: 0 or more, and the end after the start."
        raise MediaError(path, f"{place}: it runs from {start} s to {end} s", cure)
    return Cue(start, end, _one_line(text), str(item.get("speaker") or "").strip())


def _number(path: Path, place: str, name: str, value: object) -> float:
    """Seconds from a number, a numeral with comma or point, or a clock such as 0:01:02.5."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    spelled = str(value or "").strip()
    clock = re.fullmatch(_TIME, spelled)
    if clock:
        return _seconds(clock.groups())
    try:
        return float(spelled.replace(",", "."))
    except ValueError:
        cure = "Write seconds (12.5) or a clock (00:00:12.500)."
        raise MediaError(path, f"{place}: {name} is {value!r}, not a time", cure) from None
