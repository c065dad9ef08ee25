"""The mix `enhanced`, ducking and limiter switched off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.media.sound.audio import read_span, write_wav
from dubkit.media.sound.enhance import shape_voice
from dubkit.media.sound.mix import Placement, mix
from dubkit.media.sound.settings import Mix
from tests.support.programmes import RATE, music, spread, voice

LINE = (2 * RATE, 4 * RATE)


def mixed(folder: Path, settings: Mix, *, bed: bool = False, pause: bool = False) -> NDArray[np.float64]:
    """Mix a line into six seconds of music, and return what is left of the music, sample by sample."""
    source, speech, under = folder / "source.wav", folder / "speech.wav", folder / "bed.wav"
    tune = spread(music(6, 0.05), 2)
    write_wav(source, tune, RATE)
    write_wav(under, tune, RATE)
    said = np.random.default_rng(2).normal(scale=0.05, size=2 * RATE)
    if pause:
        said[int(0.6 * RATE) : int(1.4 * RATE)] = 0
    write_wav(speech, said, RATE)
    stems = {name: folder / name for name in ("dub.wav", "dialogue.wav", "me.wav")}
    line = Placement("s0001", speech, LINE[0], LINE)
    options = {"channels": 2, "layout": "stereo", "stems": stems}
    mix(source, [line], folder / "mix.wav", settings, background=under if bed else None, **options)  # type: ignore[arg-type]
    return read_span(stems["me.wav"], 0, 6 * RATE) / np.maximum(np.abs(tune), 1e-9) * np.sign(tune)


def level_db(share: NDArray[np.float64], at: float) -> float:
    """Level of the music around a moment against the source's, in dB."""
    around = share[int((at - 0.02) * RATE) : int((at + 0.02) * RATE)]
    return float(20 * np.log10(np.median(np.abs(around))))


def test_the_bed_comes_back_slowly(tmp_path: Path) -> None:
    plain, soft = mixed(tmp_path, Mix()), mixed(tmp_path, Mix(style="enhanced"))
    assert level_db(plain, 4.1) == pytest.approx(0, abs=0.1)
    assert -22 < level_db(soft, 4.1) < -10
    assert level_db(soft, 3) == pytest.approx(-24, abs=0.2)
    assert level_db(soft, 4.4) == pytest.approx(0, abs=0.1)


def test_a_bed_without_voices_makes_way_for_words_alone(tmp_path: Path) -> None:
    share = mixed(tmp_path, Mix(style="enhanced"), bed=True, pause=True)
    assert level_db(share, 2.3) == pytest.approx(-6, abs=0.3)
    assert level_db(share, 3.0) == pytest.approx(0, abs=0.3)
    assert level_db(mixed(tmp_path, Mix(), bed=True), 2.3) == pytest.approx(0, abs=0.1)


def test_ducking_can_be_left_off(tmp_path: Path) -> None:
    assert level_db(mixed(tmp_path, Mix(ducking="off")), 3) == pytest.approx(0, abs=0.1)
    share = mixed(tmp_path, Mix(style="enhanced", ducking="off"), bed=True)
    assert level_db(share, 2.3) == pytest.approx(0, abs=0.1)


def test_the_limiter_can_be_left_off(tmp_path: Path) -> None:
    source, speech = tmp_path / "source.wav", tmp_path / "speech.wav"
    write_wav(source, spread(voice(3, 0.5), 2), RATE)
    write_wav(speech, voice(1, 0.5), RATE)
    line = Placement("s0001", speech, RATE, (RATE, 2 * RATE))
    peaks = [
        mix(source, [line], tmp_path / "mix.wav", settings, channels=2, layout="stereo")
        for settings in (Mix(true_peak_db=-12), Mix(true_peak_db=-12, limiter="off"))
    ]
    assert peaks[0].limited
    assert peaks[0].true_peak_db <= -11.9
    assert not peaks[1].limited
    assert peaks[1].true_peak_db > -9


def test_a_shaped_voice_has_clear_consonants_and_even_syllables() -> None:
    at = np.arange(2 * RATE) / RATE
    rumble = 0.1 * np.sin(2 * np.pi * 30 * at)
    assert np.abs(shape_voice(rumble)[RATE:]).max() < 0.02
    tone = 0.1 * np.sin(2 * np.pi * 3000 * at)
    assert 20 * np.log10(np.abs(shape_voice(tone)[RATE:]).max() / 0.1) == pytest.approx(2, abs=0.3)
    loud = np.where(at < 0.4, 1.0, 0.1) * 0.5 * np.sin(2 * np.pi * 500 * at)
    shaped = shape_voice(loud)
    before, after = (np.std(s[RATE // 5 : RATE // 3]) / np.std(s[-RATE // 2 :]) for s in (loud, shaped))
    assert after < 0.9 * before
    assert not shape_voice(np.zeros(100)).any()
