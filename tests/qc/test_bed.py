"""The old voice under the dub: measured by the leak meter, flagged where it is loud."""

from __future__ import annotations

import numpy as np
import pytest

from dubkit.qc.checks.bed import VOICE_LEAK, LeakLimit
from dubkit.qc.evidence import LineEvidence


@pytest.mark.parametrize(
    ("level", "limit", "flagged"),
    [(-30.0, -15.0, False), (-14.9, -15.0, True), (-18.0, -20.0, True), (None, -15.0, False)],
)
def test_a_line_is_flagged_where_the_old_voice_is_loud(
    level: float | None, limit: float, flagged: bool
) -> None:
    line = LineEvidence("s0001", "Olá.", "pt", None, 0.0, 0.0, np.zeros(10), 48_000, old_voice_db=level)
    assert VOICE_LEAK.line is not None
    finding = VOICE_LEAK.line(line, LeakLimit(limit))
    assert not isinstance(finding, bool)
    assert (finding.flagged, finding.measure) == (flagged, level)
