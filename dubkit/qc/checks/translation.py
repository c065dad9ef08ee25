"""Flags of lines, set where they are translated."""

from __future__ import annotations

from dubkit.qc.check import Check

UNTRANSLATED = Check("untranslated", "Not translated", "The line is still in the source language.")
WRONG_LANGUAGE = Check("wrong-language", "Wrong language", "The translator answered in another language.")
REFUSED = Check("refused", "Refused", "The translator would not translate this line.")
BAD_REPLY = Check("bad-reply", "Bad reply", "The translator's answer could not be used.")
# The reports written so far name these by the flag alone, and reports keep their bytes: hence the tips.
ECHO = Check("echo", "Echo", "The translator gave the line back in the source language.", tip="echo")
SERVICE_ERROR = Check(
    "service-error",
    "Service error",
    "The translator could not be reached, or gave up; the next run tries again.",
    tip="service-error",
)
