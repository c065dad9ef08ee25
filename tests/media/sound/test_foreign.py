"""Sound files of people: any kind, rate and number of channels, as mono at 48 kHz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubkit.errors import MediaError
from dubkit.media.sound.foreign import read_recording
from tests.support.takes import noise, silence, tone, write, write_coded


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_samples_at_48_khz_keep_their_values(tmp_path: Path, subtype: str) -> None:
    steps = 2 ** (15 if subtype == "PCM_16" else 23)
    sound = (np.rint(tone(0.5) * steps) / steps).astype(np.float32)
    assert np.array_equal(read_recording(write(tmp_path / "a.wav", sound, subtype=subtype)), sound)


@pytest.mark.parametrize(("name", "rate"), [("a.flac", 44_100), ("a.wav", 16_000), ("a.ogg", 48_000)])
def test_other_rates_and_kinds_become_48_khz(tmp_path: Path, name: str, rate: int) -> None:
    file = write(tmp_path / name, tone(1.0, rate=rate), rate, None)
    read = read_recording(file)
    assert len(read) == pytest.approx(48_000, abs=100)
    assert np.corrcoef(read[:40_000], tone(1.0)[:40_000])[0, 1] > 0.99


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.webm", "libopus")])
def test_what_phones_and_browsers_record_is_read(tmp_path: Path, name: str, codec: str) -> None:
    read = read_recording(write_coded(tmp_path / name, tone(1.0), codec))
    assert len(read) == pytest.approx(48_000, abs=2500)
    assert float(np.sqrt(np.mean(read**2))) == pytest.approx(float(np.sqrt(np.mean(tone(1.0) ** 2))), rel=0.1)


def test_a_second_channel_without_a_microphone_takes_nothing_away(tmp_path: Path) -> None:
    one = np.stack([tone(0.5), noise(0.5, 1e-4)], axis=1)
    both = np.stack([tone(0.5), tone(0.5)], axis=1)
    for sound in (one, both):
        read = read_recording(write(tmp_path / "a.wav", sound))
        assert np.abs(read - tone(0.5)).max() < 1e-6


@pytest.mark.parametrize("content", [b"", b"no sound at all", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_sound_is_named_with_the_cure(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "s0001.wav"
    file.write_bytes(content)
    with pytest.raises(MediaError, match=r"s0001\.wav.*\n?.*Give a sound file"):
        read_recording(file)


def test_a_recording_of_an_hour_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "a.wav", silence(0.2))
    with pytest.raises(MediaError, match=r"longer than 0\.1 s"):
        read_recording(file, longest=0.1)
