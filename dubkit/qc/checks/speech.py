"""Whether a line is spoken, on time and to its end."""

from __future__ import annotations

from dubkit.qc.check import Check
from dubkit.qc.evidence import LineEvidence


def _is_silent(line: LineEvidence, _: None) -> bool:
    return line.first_sound is None and line.has_words


def _is_late(line: LineEvidence, _: None) -> bool:
    return line.first_sound is not None and line.start_error > line.start_tolerance


def _is_early(line: LineEvidence, _: None) -> bool:
    return line.first_sound is not None and line.start_error < -line.start_tolerance


def _is_cut(line: LineEvidence, _: None) -> bool:
    return line.fit == "cut"


SILENT = Check("silent", "Silent", "The take has no sound.", line=_is_silent)
LATE = Check(
    "late",
    "Starts late",
    "The speech starts later than its line may: by more than one frame, or than its schedule allows.",
    line=_is_late,
)
EARLY = Check(
    "early",
    "Starts early",
    "The speech starts earlier than its line may: by more than one frame, or than its schedule allows.",
    line=_is_early,
)
CUT = Check(
    "cut", "Cut short", "The speech did not fit, and its end is missing.", line=_is_cut, needs=("making",)
)
