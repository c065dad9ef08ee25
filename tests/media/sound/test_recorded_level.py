"""What was recorded at the level of a microphone is heard at the level of the dialogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubkit.media.sound.mix import Placement, mix
from dubkit.media.sound.settings import Mix
from tests.support.takes import RATE, noise, silence, tone, write


@pytest.mark.parametrize("level_db", [-34.0, -20.0, 0.0])
def test_a_recording_of_any_level_comes_to_that_of_its_source_line(tmp_path: Path, level_db: float) -> None:
    line = tone(2.0, level=0.2)
    gap = silence(1.0)
    source = np.concatenate([gap, line, gap, line, gap, line, gap]) + noise(10.0, 1e-4)
    audio = write(tmp_path / "audio.wav", np.stack([source, source], 1))
    spoken = [write(tmp_path / f"{n}.wav", tone(2.0, 300.0, 0.2)) for n in range(2)]
    spoken.append(write(tmp_path / "2.wav", tone(2.0, 300.0, 0.3 * 10 ** (level_db / 20))))
    placements = [
        Placement(
            f"s{n}", file, (1 + 3 * n) * RATE, ((1 + 3 * n) * RATE, (3 + 3 * n) * RATE), "a", recorded=n == 2
        )
        for n, file in enumerate(spoken)
    ]
    report = mix(audio, placements, tmp_path / "dub.wav", Mix(), channels=2, layout="stereo")
    gains = {span.id: span.gain_db for span in report.spans}
    assert gains["s2"] - gains["s1"] == pytest.approx(-level_db - 20 * np.log10(1.5), abs=0.5)
    assert gains["s0"] == pytest.approx(gains["s1"], abs=0.1)
