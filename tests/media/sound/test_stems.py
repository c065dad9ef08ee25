"""Stems add up to the mix, and hold what their names say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubkit.media.sound.audio import read_span, write_wav
from dubkit.media.sound.mix import Placement, mix
from dubkit.media.sound.settings import Mix
from dubkit.media.sound.stems import DIALOGUE_STEM, EFFECTS_STEM, SPEECH_STEM, STEM_FILES
from tests.support.programmes import RATE, music, spread, voice

KEPT = (4 * RATE, 5 * RATE)


def stems_of(folder: Path, settings: Mix, *, bed: bool = False) -> dict[str, np.ndarray]:
    """Mix one line over a source with two, of which the second stays; return mix, source and stems."""
    source, speech, under = folder / "source.wav", folder / "speech.wav", folder / "bed.wav"
    tune = spread(music(6, 0.02), 2)
    spoken = np.zeros(6 * RATE)
    spoken[RATE : 3 * RATE], spoken[KEPT[0] : KEPT[1]] = voice(2, 0.2), voice(1, 0.2, 2)
    write_wav(source, tune + spoken[:, None], RATE)
    write_wav(under, tune, RATE)
    write_wav(speech, voice(1.5, 0.3, 4), RATE)
    files = {name: folder / f"stem-{name}" for name in STEM_FILES}
    line = Placement("s0001", speech, RATE, (RATE, 3 * RATE))
    options = {"channels": 2, "layout": "stereo", "kept": [KEPT], "stems": files}
    mix(source, [line], folder / "mix.wav", settings, background=under if bed else None, **options)  # type: ignore[arg-type]
    paths = {"mix": folder / "mix.wav", "source": source, "bed": under, **files}
    return {name: read_span(path, 0, 6 * RATE) for name, path in paths.items()}


@pytest.mark.parametrize("bed", [False, True])
@pytest.mark.parametrize(
    "settings",
    [Mix(), Mix(profile="web-14"), Mix(style="enhanced"), Mix(true_peak_db=-12)],
    ids=["default", "levelled", "enhanced", "limited"],
)
def test_dialogue_and_effects_are_the_mix(tmp_path: Path, settings: Mix, bed: bool) -> None:
    sounds = stems_of(tmp_path, settings, bed=bed)
    rest = sounds["mix"] - sounds[DIALOGUE_STEM] - sounds[EFFECTS_STEM]
    assert np.abs(rest).max() < 10 ** (-120 / 20)


def test_the_speech_stem_has_nothing_of_the_source(tmp_path: Path) -> None:
    sounds = stems_of(tmp_path, Mix())
    stem = sounds[SPEECH_STEM]
    assert np.abs(stem[RATE : int(2.4 * RATE)]).max() > 0.01
    assert not stem[: RATE - 1].any()
    assert not stem[3 * RATE :].any()


def test_a_kept_line_is_dialogue(tmp_path: Path) -> None:
    inside = slice(KEPT[0] + 2000, KEPT[1] - 2000)
    alone = stems_of(tmp_path, Mix())
    assert not alone[EFFECTS_STEM][inside].any()
    assert np.array_equal(alone[DIALOGUE_STEM][inside], alone["source"][inside])


def test_with_a_bed_the_music_of_a_kept_line_is_no_dialogue(tmp_path: Path) -> None:
    inside = slice(KEPT[0] + 2000, KEPT[1] - 2000)
    sounds = stems_of(tmp_path, Mix(), bed=True)
    assert np.abs(sounds[EFFECTS_STEM] - sounds["bed"])[inside].max() < 1e-6


def test_outside_all_lines_the_effects_are_the_source(tmp_path: Path) -> None:
    sounds = stems_of(tmp_path, Mix())
    assert np.array_equal(sounds[EFFECTS_STEM][: RATE // 2], sounds["source"][: RATE // 2])
    assert not sounds[DIALOGUE_STEM][: RATE // 2].any()
