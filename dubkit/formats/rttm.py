"""Turns as text: RTTM, the format of diarisation tools, and CSV, the format of people."""

from __future__ import annotations

import csv
from pathlib import Path

from dubkit.errors import ArtifactDamaged
from dubkit.types import Diarization, Turn

RTTM_CURE = "Each line reads: SPEAKER <file> 1 <start> <duration> <NA> <NA> <speaker> <NA> <NA>"
CSV_CURE = "The first line names the columns start, end, speaker; times are seconds or HH:MM:SS.mmm."


def write_rttm(diarization: Diarization, name: str) -> str:
    """Return the turns as RTTM text. Spaces in names become underscores: RTTM is split at blanks."""
    file = _one_field(name)
    return "".join(
        f"SPEAKER {file} 1 {turn.start:.3f} {turn.end - turn.start:.3f} "
        f"<NA> <NA> {_one_field(turn.speaker)} <NA> <NA>\n"
        for turn in diarization.turns
    )


def read_rttm(path: Path) -> tuple[Turn, ...]:
    """Return the turns of an RTTM file in time order; lines of other types are skipped."""
    turns = []
    for number, line in enumerate(_text(path, RTTM_CURE).splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        at = f"line {number}"
        if len(fields) < 8:
            raise ArtifactDamaged(path, at, f"{len(fields)} fields instead of 10", RTTM_CURE)
        start = _seconds(path, at, "start", fields[3], RTTM_CURE)
        length = _seconds(path, at, "duration", fields[4], RTTM_CURE)
        turns.append(Turn(start, start + length, fields[7]))
    if not turns:
        raise ArtifactDamaged(path, "", "no SPEAKER line in it", RTTM_CURE)
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end)))


def read_turns_csv(path: Path) -> tuple[Turn, ...]:
    """Return the turns of a CSV file with the columns start, end, speaker, in time order."""
    lines = _text(path, CSV_CURE).splitlines()
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    rows = csv.DictReader(lines, delimiter=delimiter)
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or []]
    missing = [name for name in ("start", "end", "speaker") if name not in rows.fieldnames]
    if missing:
        raise ArtifactDamaged(path, "line 1", f"no column {', '.join(missing)}", CSV_CURE)
    turns = []
    for row in rows:
        at = f"line {rows.line_num}"
        start = _seconds(path, at, "start", row["start"] or "", CSV_CURE)
        end = _seconds(path, at, "end", row["end"] or "", CSV_CURE)
        speaker = _one_field(row["speaker"] or "")
        if not speaker:
            raise ArtifactDamaged(path, at, "no speaker", CSV_CURE)
        if end <= start:
            raise ArtifactDamaged(path, at, f"the turn ends at {end:g} s, before its start", CSV_CURE)
        turns.append(Turn(start, end, speaker))
    return tuple(sorted(turns, key=lambda turn: (turn.start, turn.end)))


def _one_field(name: str) -> str:
    return "_".join(name.split())


def _text(path: Path, cure: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArtifactDamaged(path, f"byte {error.start}", "the text is not UTF-8", cure) from error
    except OSError as error:
        raise ArtifactDamaged(path, "", f"cannot be read ({error.strerror})", cure) from error


def _seconds(path: Path, at: str, field: str, text: str, cure: str) -> float:
    """Return seconds from `12.5`, `1:02.5` or `0:01:02,5`; the file is named when it is neither."""
    try:
        parts = [float(part) for part in text.strip().replace(",", ".").split(":")]
    except ValueError as error:
        raise ArtifactDamaged(path, at, f"{field} is {text!r}, not a time", cure) from error
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + part
    # `not (x >= 0)` also refuses NaN, which float() accepts.
    if not 0 <= seconds < float("inf") or len(parts) > 3:
        raise ArtifactDamaged(path, at, f"{field} is {text!r}, not a time", cure)
    return seconds
