"""Peaks of a sound file are those of its samples, whatever its rate, channels and length."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.errors import MediaError
from dubkit.media.sound import peaks as module
from dubkit.media.sound.peaks import sound_peaks


def test_a_peak_is_the_largest_sample_of_any_channel(tmp_path: Path) -> None:
    sound = np.zeros((48_000, 2))
    sound[480 * 7 + 479, 1] = -0.75
    sound[480 * 8, 0] = 0.25
    soundfile.write(tmp_path / "a.wav", sound, 48_000, subtype="PCM_24")
    found = sound_peaks(tmp_path / "a.wav")
    assert (found.duration, found.rate, len(found.peaks)) == (1.0, 100.0, 100)
    assert {n: value for n, value in enumerate(found.peaks) if value} == {7: 0.75, 8: 0.25}


@pytest.mark.parametrize("rate", [8000, 22_050, 24_000, 44_100, 48_000])
def test_peaks_of_any_rate_say_their_own(tmp_path: Path, rate: int) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, rate * 12 + 7)
    soundfile.write(tmp_path / "a.wav", sound, rate, subtype="PCM_16")
    found = sound_peaks(tmp_path / "a.wav", 50)
    window = round(rate / found.rate)
    assert found.rate == pytest.approx(50, rel=0.01)
    read, _ = soundfile.read(tmp_path / "a.wav")
    expected = [float(np.abs(read[at : at + window]).max()) for at in range(0, len(read), window)]
    assert found.peaks == pytest.approx(expected, abs=5.01e-4)
    assert all(0 <= value <= 1 and round(value, 3) == value for value in found.peaks)


def test_full_scale_is_one(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(4800, -1.0), 48_000, subtype="PCM_16")
    assert set(sound_peaks(tmp_path / "a.wav").peaks) == {1.0}


def test_a_file_without_a_sample_has_no_peaks(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 2)), 48_000)
    assert sound_peaks(tmp_path / "a.wav").peaks == ()
    assert sound_peaks(tmp_path / "a.wav").duration == 0


def test_long_files_get_fewer_peaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 8000)
    monkeypatch.setattr(module, "_LONG_SECONDS", 1)
    assert sound_peaks(tmp_path / "a.wav").rate == 50


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "a.wav", "w", 48_000, 2, subtype="PCM_24") as file:
        for _ in range(10):
            file.write(np.zeros((48_000 * 30, 2)))
    tracemalloc.start()
    try:
        sound_peaks(tmp_path / "a.wav")
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


def test_what_is_no_sound_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"text")
    with pytest.raises(MediaError, match="cannot be read as sound"):
        sound_peaks(tmp_path / "a.wav")
