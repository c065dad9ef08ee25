"""Flags of takes: how a line was spoken, and whether what is in use is what it should be."""

from __future__ import annotations

from dubkit.qc.check import Check

OTHER_TEXT = Check("other-text", "Other text", "The take in use says something else than the line.")
FAILED = Check("failed", "Failed", "The line could not be made; the source is heard instead.")
LOCK_CONFLICT = Check(
    "lock-conflict",
    "Locked, but the source changed",
    "The line keeps its text and take; look whether it should.",
)
# The reports written so far name these by the flag alone, and reports keep their bytes: hence the tips.
NOTHING_TO_SAY = Check(
    "nothing-to-say",
    "Nothing to say",
    "The line has no words that could be spoken.",
    tip="nothing-to-say",
)
TOO_LONG = Check(
    "too-long",
    "Too long",
    "The text is too long for its time wherever it is placed, and is spoken faster than the set limit.",
    mild=True,
)
RUNS_OVER = Check("runs-over", "Runs over", "The recording takes more time than the line has.")
RUSHED = Check(
    "rushed",
    "Rushed",
    "The line is long for its slot and is spoken faster than the set limit.",
    mild=True,
    tip="rushed",
)
