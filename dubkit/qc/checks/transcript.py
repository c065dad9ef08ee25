"""Flags of segments, set where speech is recognised."""

from __future__ import annotations

from dubkit.qc.check import Check

# The reports written so far name these by the flag alone, and reports keep their bytes: hence the tips.
FAST = Check(
    "fast",
    "Fast",
    "The source has more words than can be said in that time: its text or its times may be wrong.",
    mild=True,
    tip="fast",
)
LOW_CONFIDENCE = Check(
    "low-confidence",
    "Low confidence",
    "The recogniser was not sure what the source says.",
    mild=True,
    tip="low-confidence",
)
