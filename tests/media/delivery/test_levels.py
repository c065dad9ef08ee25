"""Delivery levels hold in the finished file, measured by FFmpeg after coding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.errors import SettingError
from dubkit.media.delivery.levels import CodedSound, keep_levels
from dubkit.media.delivery.settings import Stitch
from dubkit.media.delivery.stitch import StitchInputs, stitch
from dubkit.media.files.probe import probe
from dubkit.media.sound.audio import write_wav
from dubkit.media.sound.mix import mix
from dubkit.media.sound.profiles import PROFILES
from dubkit.media.sound.settings import Mix
from dubkit.types import MixReport
from tests.support.programmes import RATE, metered, music, spread, voice

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def delivered(
    folder: Path, sound: NDArray[np.float64], settings: Mix, bitrate: int = 96_000
) -> tuple[Path, MixReport, CodedSound]:
    """Bring a programme without lines to its level, and write the finished file."""
    source, mixed, out = folder / "source.wav", folder / "mix.wav", folder / "dub.mkv"
    write_wav(source, np.clip(sound, -1, 1), RATE)
    channels = sound.shape[1]
    report = mix(source, [], mixed, settings, channels=channels, layout=LAYOUTS[channels])
    chosen = Stitch(keep_original=False)
    inputs = StitchInputs(source, probe(source), mixed, "fr", settings=chosen, audio_bitrate=bitrate)
    levels = settings.levels
    assert levels is not None
    work = folder / "work"
    work.mkdir()
    coded = keep_levels(inputs, levels, work, limiter=settings.limiter == "on")
    stitch(replace(inputs, dub_audio=coded.file), out, "mkv")
    return out, report, coded


CASES = [(name, channels) for name, channels in zip(PROFILES, (1, 2, 6, 2, 1, 2), strict=True)]


@pytest.mark.parametrize(("name", "channels"), [*CASES, ("ebu-r128", 1)])
def test_the_finished_file_has_the_level_of_its_profile(tmp_path: Path, name: str, channels: int) -> None:
    profile = PROFILES[name]
    out, report, _ = delivered(tmp_path, spread(voice(6), channels), Mix(profile=name))
    loudness, _, peak = metered(out)
    assert loudness == pytest.approx(profile.lufs, abs=0.3)
    assert peak <= profile.true_peak_db + 0.05
    assert report.levels
    assert report.levels.profile == name


QUIET, LIMITED = voice(6, 4e-3), np.clip(voice(6, 3.0), -0.9, 0.9)
SOUNDS = {
    "very quiet": QUIET,
    "two seconds": voice(2),
    "shorter than a block": voice(0.35, 0.2),
    "music": music(6),
    "limited already": LIMITED,
}


@pytest.mark.parametrize("sound", SOUNDS)
def test_every_kind_of_programme_reaches_its_level(tmp_path: Path, sound: str) -> None:
    out, _, _ = delivered(tmp_path, spread(SOUNDS[sound], 2), Mix(profile="web-16"))
    loudness, _, peak = metered(out)
    assert peak <= -0.95
    if sound != "shorter than a block":  # FFmpeg's meter needs 400 ms
        assert loudness == pytest.approx(-16, abs=0.3)


def test_silence_stays_silence(tmp_path: Path) -> None:
    out, report, coded = delivered(tmp_path, np.zeros((RATE, 2)), Mix(profile="web-14"))
    assert metered(out)[2] < -80
    assert report.levels
    assert report.levels.gain_db == 0
    assert coded.change is None


def test_a_target_of_ones_own_is_reached_and_named(tmp_path: Path) -> None:
    out, report, _ = delivered(tmp_path, spread(voice(5), 2), Mix(lufs_target=-19.5, true_peak_db=-3))
    loudness, _, peak = metered(out)
    assert loudness == pytest.approx(-19.5, abs=0.3)
    assert peak <= -2.95
    assert report.levels
    assert report.levels.profile == "lufs-target"


def test_peaks_that_coding_raises_are_limited_again(tmp_path: Path) -> None:
    """Speech that stands at its ceiling overshoots in a lossy codec."""
    out, _, coded = delivered(tmp_path, spread(voice(5), 2), Mix(profile="web-16"), 24_000)
    assert coded.true_peak_db > -1
    assert coded.change is not None
    assert metered(out)[2] <= -0.95


def test_without_a_limiter_the_gain_is_one_and_the_same_everywhere(tmp_path: Path) -> None:
    from dubkit.media.sound.audio import read_span

    sound = spread(voice(4), 2)
    _, report, _ = delivered(tmp_path, sound, Mix(profile="ebu-r128", limiter="off"))
    assert report.levels
    count = len(sound)
    before = read_span(tmp_path / "source.wav", 0, count) * 10 ** (report.levels.gain_db / 20)
    assert np.abs(read_span(tmp_path / "mix.wav", 0, count) - before).max() < 2e-4 * np.abs(before).max()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"profile": "loud"}, "must be one of source, web-16"),
        ({"lufs_target": -3.0}, "-50 to -5 LUFS"),
        ({"profile": "atsc-a85", "true_peak_db": -1.5}, "allows -2 dBTP"),
    ],
)
def test_levels_that_cannot_be_are_named(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        Mix(**wrong)  # type: ignore[arg-type]


def test_a_profile_takes_the_stricter_peak_and_a_target_of_ones_own() -> None:
    levels = Mix(profile="ebu-r128", lufs_target=-20, true_peak_db=-3).levels
    assert levels is not None
    assert (levels.lufs, levels.true_peak_db) == (-20, -3)
    assert Mix().levels is None
