"""JSON: all lines as records, for scripts; read as cues, also from what recognisers and players write."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dubkit.formats.content import Cue, Heading, LineRow
from dubkit.formats.cues import cue_from_fields
from dubkit.formats.format import Format

if TYPE_CHECKING:
    from dubkit.formats.document import Document

_LISTS = ("segments", "transcription", "chunks", "utterances", "body", "events", "cues", "subtitles")
"""Where records stand: Whisper and WhisperX, whisper.cpp, Transformers, services, players, YouTube."""

_WITHIN = ("result", "results", "transcript", "output", "data")
"""What wraps a record that has such a list."""

_TEXTS = ("text", "content", "transcript", "line")
_STARTS = ("start", "from", "begin", "start_time", "startTime")
_ENDS = ("end", "to", "stop", "end_time", "endTime")
_SPEAKERS = ("speaker", "speaker_label", "speaker_id", "speaker_name")
_NULL = object()
"""The text of a record that says it has none."""

_RATE = 15.0
"""Characters per second of the last record, where it has no end."""


def _write_rows(rows: Sequence[LineRow], heading: Heading) -> bytes:
    return (json.dumps(rows, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _read_cues(file: Document) -> list[Cue]:
    """Return the cues of a list of records, or of a record that has such a list.

    A time that is null is taken from the words of the record, or from its neighbours; a record whose text
    is null, and that has no words, says nothing.
    """
    records = _records(_content(file))
    if records is None:
        cure = 'Expected: [{"start": 0.5, "end": 2.0, "text": "Hello", "speaker": "A"}, …].'
        raise file.error("", "it is no list of segments", cure)
    fields = [_fields(record) if isinstance(record, dict) else record for record in records]
    said = [(n, record) for n, record in enumerate(fields, start=1) if not _is_silent(record)]
    for at, (_, record) in enumerate(said):
        if isinstance(record, dict):
            _fill(record, [other for _, other in said], at)
    return [cue_from_fields(file, f"segment {number}", record) for number, record in said]


def _content(file: Document) -> Any:
    text = file.text()
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        try:  # one record on each line
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            cure = "Correct the file at that place, or export it anew."
            raise file.error(f"line {error.lineno}", f"this is not JSON ({error.msg})", cure) from error
    except RecursionError:
        raise file.error("", "it is nested too deeply", "Export it anew.") from None


def _records(content: Any) -> list[Any] | None:
    if isinstance(content, list):
        return [_of_list(record) for record in content]
    if not isinstance(content, dict):
        return None
    for name in _LISTS:
        if isinstance(content.get(name), list):
            return [_of_list(record) for record in content[name]]
    inner = (_records(content[name]) for name in _WITHIN if isinstance(content.get(name), dict))
    return next((records for records in inner if records is not None), None)


def _of_list(record: Any) -> Any:
    """Return a record of a bare list `[start, end, text]`, which some scripts write."""
    if isinstance(record, list) and len(record) == 3 and isinstance(record[2], str):
        return dict(zip(("start", "end", "text"), record, strict=True))
    return record


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with the names of this format; a time that is not there is None."""
    words = record.get("words")
    words = [word for word in words if isinstance(word, dict)] if isinstance(words, list) else []
    text = _text(record, words)
    fields = {
        "text": "" if text is _NULL else text,
        "silent": text is _NULL,
        "speaker": _first(record, _SPEAKERS, ""),
    }
    for name, names, at in (("start", _STARTS, 0), ("end", _ENDS, -1)):
        fields[name] = _time(record, names, at)
        if fields[name] is None:
            timed = [time for word in words if (time := _first(word, names, None)) is not None]
            fields[name] = timed[at] if timed else None
    return fields


def _text(record: Mapping[str, Any], words: Sequence[Mapping[str, Any]]) -> Any:
    """Return the text, or what its words or pieces make; `_NULL` where it is null, None without any."""
    text = _first(record, _TEXTS, None)
    if text is not None:
        return text
    pieces = record.get("segs")
    if isinstance(pieces, list):
        joined = "".join(str(piece.get("utf8", "")) for piece in pieces if isinstance(piece, dict))
        return joined if joined.strip() else _NULL
    if words:
        spelled = [str(_first(word, ("punctuated_word", "word", "text"), "")) for word in words]
        return ("" if any(word.startswith(" ") for word in spelled) else " ").join(spelled)
    silent = any(name in record for name in _TEXTS) or "tStartMs" in record
    return _NULL if silent else None


def _time(record: Mapping[str, Any], names: Sequence[str], at: int) -> Any:
    time = _first(record, names, None)
    if time is not None:
        return time
    pair, offsets, clock = (record.get(name) for name in ("timestamp", "offsets", "timestamps"))
    if isinstance(pair, list) and len(pair) == 2:
        return pair[at]
    side = "from" if at == 0 else "to"
    if isinstance(offsets, dict) and isinstance(offsets.get(side), int | float):
        return offsets[side] / 1000
    if isinstance(clock, dict):
        return clock.get(side)
    begin, length = record.get("tStartMs"), record.get("dDurationMs", 0)
    if isinstance(begin, int | float) and isinstance(length, int | float):
        return (begin if at == 0 else begin + length) / 1000
    return None


def _first(record: Mapping[str, Any], names: Sequence[str], default: Any) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), default)


def _is_silent(record: Any) -> bool:
    return isinstance(record, dict) and record["silent"]


def _fill(record: dict[str, Any], records: Sequence[Any], at: int) -> None:
    """Give a record the times that it lacks: it lies between its neighbours."""
    before, after = (
        records[n] if 0 <= n < len(records) and isinstance(records[n], dict) else {} for n in (at - 1, at + 1)
    )
    if record["start"] is None and _is_number(record["end"]):
        record["start"] = before.get("end") if _is_number(before.get("end")) else record["end"]
    if record["end"] is None and _is_number(record["start"]):
        length = max(0.5, len(str(record["text"])) / _RATE)
        later = after.get("start")
        record["end"] = record["start"] + length
        if _is_number(later) and later >= record["start"]:
            record["end"] = min(record["end"], later) if later > record["start"] else later


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


FORMAT = Format(
    name="json",
    title="JSON",
    suffixes=(".json",),
    media_type="application/json",
    read_cues=_read_cues,
    write_rows=_write_rows,
)
