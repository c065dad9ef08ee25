"""Recordings of voices in every form: read, trimmed, levelled, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from dubkit.errors import MediaError
from dubkit.media.sound.voice_sample import levelled, read_mono, sample_of_file
from tests.support.persons import RATE, man


def write(path: Path, sound: np.ndarray, rate: int = RATE) -> Path:  # type: ignore[type-arg]
    soundfile.write(path, sound, rate)
    return path


def test_silence_at_the_ends_is_cut_off(tmp_path: Path) -> None:
    silent = np.zeros(2 * RATE)
    file = write(tmp_path / "ana.wav", np.concatenate([silent, man(4), silent]))
    assert sample_of_file(file).seconds == pytest.approx(4.2, abs=0.1)


@pytest.mark.parametrize("name", ["ana.flac", "ana.ogg", "ana.mp3"])
def test_any_sound_file_of_any_rate_and_with_any_channels_is_read(tmp_path: Path, name: str) -> None:
    mono = man(4)[::2]  # 24 kHz
    sample = sample_of_file(write(tmp_path / name, np.stack([mono, mono], axis=1), RATE // 2))
    assert sample.samples.ndim == 1
    assert sample.seconds == pytest.approx(4.0, abs=0.3)
    assert sample.cut == ""


def test_a_recording_of_minutes_is_cut_at_a_quiet_moment_and_that_is_said(tmp_path: Path) -> None:
    sound = np.tile(man(4), 20)
    sound[9 * RATE : round(9.3 * RATE)] = 0.0
    sample = sample_of_file(write(tmp_path / "ana.wav", sound))
    assert 9.0 <= sample.seconds <= 9.4
    assert sample.cut == "of its 80 s the first 9.0 s are used"


def test_a_soft_voice_is_raised_by_12_db_at_most_and_never_clips() -> None:
    soft = 0.01 * man(4)
    assert 20 * np.log10(np.abs(levelled(soft)).max() / np.abs(soft).max()) == pytest.approx(12.0, abs=0.01)
    assert np.abs(levelled(3 * man(4))).max() <= 0.89


def test_of_a_surround_mix_the_centre_is_read(tmp_path: Path) -> None:
    sound = np.zeros((RATE, 6))
    sound[:, 0], sound[:, 2] = 0.5, 0.25
    file = write(tmp_path / "mix.wav", sound)
    assert read_mono(file, 0, RATE, "5.1") == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(
    ("sound", "reason"),
    [(np.zeros(4 * RATE), "it is silent"), (man(0.5), "0.5 s of sound; 1 s is the least")],
)
def test_what_holds_no_voice_is_refused(tmp_path: Path, sound: np.ndarray, reason: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(MediaError, match=reason):
        sample_of_file(write(tmp_path / "ana.wav", sound))


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ana.wav"
    file.write_text("not a sound")
    with pytest.raises(MediaError, match=r"ana\.wav"):
        sample_of_file(file)
