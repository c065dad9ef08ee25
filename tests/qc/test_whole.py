"""Lines that are lost or out of order, and sound that is not the source's where nothing was dubbed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.media.sound.audio import write_wav
from dubkit.qc import measures
from dubkit.qc.unchanged import changed_seconds
from tests.qc.test_measures import EPISODE
from tests.support.tones import RATE

WHOLE = ((0, 4 * RATE),)


def flags(**changes: object) -> tuple[str, ...]:
    return measures.episode_qc((), replace(EPISODE, **changes)).flags  # type: ignore[arg-type]


def sound(seed: int = 3) -> NDArray[np.float64]:
    """Return 4 s of noise below 2 kHz, the third second silent."""
    made = np.random.default_rng(seed).standard_normal(4 * RATE)
    made = np.convolve(made, np.hanning(48) / 24, mode="same")
    made[2 * RATE : 3 * RATE] = 0
    return np.asarray(0.2 * made / np.abs(made).max())


def written(folder: Path, dub: NDArray[np.float64]) -> tuple[Path, Path]:
    source, other = folder / "source.wav", folder / "dub.wav"
    write_wav(source, sound()[:, None], RATE)
    write_wav(other, dub[:, None], RATE)
    return source, other


def test_a_line_that_is_not_in_the_dub_is_lost() -> None:
    assert "lines-lost" not in flags(lines=2, spoken=(("a", 0, 0), ("b", 2, 2)))
    assert "lines-lost" in flags(lines=3, spoken=(("a", 0, 0), ("b", 2, 2)))
    assert "lines-lost" not in flags()


def test_lines_in_another_order_are_named() -> None:
    spoken = (("a", 0.0, 2.5), ("b", 2.0, 0.2), ("c", 3.0, 3.0))
    found = measures.episode_qc((), replace(EPISODE, spoken=spoken))
    assert (found.measures or {})["order"] == "b"
    assert "order" not in flags(spoken=(("a", 0.0, 0.3), ("b", 0.1, 0.1)))


def test_a_small_loss_of_coding_is_no_change(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).standard_normal(4 * RATE) * 0.002
    source, dub = written(tmp_path, sound() + noise)
    assert changed_seconds(source, dub, WHOLE) == 0
    assert "sound-changed" not in flags(source=source, sound=dub, untouched=WHOLE)


@pytest.mark.parametrize("fault", ["louder", "silent", "other", "shifted", "added"])
def test_sound_that_is_not_the_sources_is_found(tmp_path: Path, fault: str) -> None:
    dub = sound()
    part = slice(RATE // 2, RATE * 3 // 2)
    if fault == "added":
        dub[RATE * 9 // 4 : RATE * 11 // 4] += sound(9)[: RATE // 2]
    else:
        dub[part] = {
            "louder": 2 * dub[part],
            "silent": 0 * dub[part],
            "other": sound(9)[part],
            "shifted": np.roll(dub, 200)[part],
        }[fault]
    source, other = written(tmp_path, dub)
    assert changed_seconds(source, other, WHOLE) >= 0.5
    assert "sound-changed" in flags(source=source, sound=other, untouched=WHOLE)


def test_what_was_dubbed_may_differ(tmp_path: Path) -> None:
    dub = sound()
    dub[RATE : 2 * RATE] = 0
    source, other = written(tmp_path, dub)
    assert changed_seconds(source, other, ((0, RATE), (2 * RATE, 4 * RATE))) == 0


def test_a_gain_on_all_samples_is_no_change(tmp_path: Path) -> None:
    source, other = written(tmp_path, sound() / 4)
    assert changed_seconds(source, other, WHOLE, gain_db=-12.0412) == 0
    assert changed_seconds(source, other, WHOLE) > 0
