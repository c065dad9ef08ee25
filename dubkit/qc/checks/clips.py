"""Flags of lines whose sound was cut from generated clips."""

from __future__ import annotations

from dubkit.qc.check import Check

# The reports written so far name these by the flag alone, and reports keep their bytes: hence the tips.
SHORT = Check("short", "Short", "The generated sound does not cover the whole line.", tip="short")
OUTSIDE = Check("outside", "Outside", "The line lies outside the frames that its clip makes.", tip="outside")
NOT_FINITE = Check(
    "not-finite",
    "Not finite",
    "The generator gave sound that cannot be played; it is left silent.",
    tip="not-finite",
)
CANCELLED = Check(
    "cancelled",
    "Cancelled",
    "The channels of the generated sound cancel each other; the louder one alone is heard.",
    tip="cancelled",
)
NO_REFERENCE = Check(
    "no-reference",
    "No reference",
    "The source is silent there, so the generated sound keeps its own level.",
    tip="no-reference",
    retake=False,
)
GAIN_BOUNDED = Check(
    "gain-bounded",
    "Gain bounded",
    "The generated sound is too soft or too loud to be brought to the level of the source.",
    tip="gain-bounded",
)
PEAK_BOUNDED = Check(
    "peak-bounded",
    "Peak bounded",
    "The generated sound is softer than the source, because its peaks would be clipped.",
    tip="peak-bounded",
)
