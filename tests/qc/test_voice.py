"""Cloned voices against their references: measured where a line is cloned, flagged where it is unlike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dubkit.qc.check import CHECKS
from dubkit.qc.checks.voice import LikenessLimit
from dubkit.qc.evidence import LineEvidence
from dubkit.qc.measures import line_qc

RATE = 48_000


def line(seconds: float, likeness: float | None, **tables: Any) -> tuple[bool, object]:
    speech = 0.1 * np.sin(np.arange(round(seconds * RATE)) / 20)
    evidence = LineEvidence("s1", "Yes.", "en", None, 0.0, 0.0, speech, RATE, likeness=likeness)
    measured = line_qc(evidence, {"voice-unlike": LikenessLimit(), **tables})
    return "voice-unlike" in measured.flags, (measured.measures or {}).get("voice-unlike")


@pytest.mark.parametrize(
    ("seconds", "likeness", "flagged"),
    [(3.0, 0.66, False), (3.0, 0.64, True), (1.0, 0.56, False), (1.0, 0.54, True), (3.0, 0.9, False)],
)
def test_a_line_that_is_unlike_its_reference_is_flagged(
    seconds: float, likeness: float, flagged: bool
) -> None:
    assert line(seconds, likeness) == (flagged, likeness)


def test_a_line_in_a_voice_of_the_engine_has_no_likeness() -> None:
    assert line(3.0, None) == (False, None)


def test_the_limit_is_a_setting() -> None:
    assert line(3.0, 0.7, **{"voice-unlike": LikenessLimit(0.8)}) == (True, 0.7)
    assert CHECKS.records["voice-unlike"].settings is LikenessLimit
