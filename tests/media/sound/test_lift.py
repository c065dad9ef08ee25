"""Laughs and breaths of the source are heard within a dubbed line wherever the dub does not speak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from dubkit.media.sound.audio import read_span, write_wav
from dubkit.media.sound.lift import RAMP, kept_sounds, lift, without
from dubkit.media.sound.mix import Placement, mix
from dubkit.media.sound.settings import Mix
from dubkit.media.sound.stems import DIALOGUE_STEM, EFFECTS_STEM, SPEECH_STEM, STEM_FILES
from dubkit.types import MixReport
from tests.support.programmes import RATE, music, spread, voice

LINE = (RATE, 5 * RATE)
LAUGH = (3 * RATE, 4 * RATE)
INSIDE = slice(LAUGH[0] + RAMP, LAUGH[1] - RAMP)
Sounds = dict[str, np.ndarray]


def dub(
    folder: Path,
    settings: Mix | None = None,
    *,
    sounds: list[tuple[int, int]] | None,
    speech: np.ndarray | None = None,
    bed: bool = False,
    loud: float = 0.2,
) -> tuple[MixReport, Sounds]:
    """Dub a line of 4 s with a laugh in its third second over music, by default with 1.5 s of speech."""
    folder.mkdir(exist_ok=True)
    tune = spread(music(6, 0.02), 2)
    spoken = np.zeros(6 * RATE)
    spoken[RATE : 3 * RATE], spoken[slice(*LAUGH)] = voice(2, 0.2), voice(1, loud, 5)
    write_wav(folder / "source.wav", tune + spoken[:, None], RATE)
    write_wav(folder / "bed.wav", tune, RATE)
    write_wav(folder / "speech.wav", voice(1.5, 0.3, 4) if speech is None else speech, RATE)
    stems = {name: folder / f"stem-{name}" for name in STEM_FILES}
    report = mix(
        folder / "source.wav",
        [Placement("s0001", folder / "speech.wav", RATE, LINE)],
        folder / "mix.wav",
        settings or Mix(),
        channels=2,
        layout="stereo",
        background=folder / "bed.wav" if bed else None,
        stems=stems,
        sounds=sounds,
    )
    paths = {"mix": folder / "mix.wav", "source": folder / "source.wav", "bed": folder / "bed.wav", **stems}
    return report, {name: read_span(path, 0, 6 * RATE) for name, path in paths.items()}


def steady(seconds: float) -> np.ndarray:
    """Speech without pauses."""
    return np.random.default_rng(4).normal(0, 0.1, round(seconds * RATE))


def level(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(sound))))


@pytest.mark.parametrize("bed", [False, True])
@pytest.mark.parametrize(
    "settings", [Mix(), Mix(style="enhanced"), Mix(true_peak_db=-12)], ids=["default", "enhanced", "limited"]
)
def test_a_laugh_after_the_speech_is_the_sources_to_the_sample(
    tmp_path: Path, settings: Mix, bed: bool
) -> None:
    off, ducked = dub(tmp_path / "off", settings, sounds=None, bed=bed)
    report, kept = dub(tmp_path / "on", settings, sounds=[LAUGH], bed=bed)
    assert report.nonverbal
    assert [sound.kept for sound in report.nonverbal] == [(LAUGH,)]
    assert np.array_equal(kept["mix"][INSIDE], kept["source"][INSIDE])
    assert level(ducked["mix"][INSIDE]) < level(ducked["source"][INSIDE]) - 10
    assert off.spans[0].start_sample == report.spans[0].start_sample
    outside = np.r_[0 : off.spans[0].start_sample, off.spans[0].end_sample : 6 * RATE]
    assert np.array_equal(kept["mix"][outside], kept["source"][outside])


def test_the_sound_comes_and_goes_without_a_click(tmp_path: Path) -> None:
    _, kept = dub(tmp_path, sounds=[LAUGH])
    steps = np.abs(np.diff(kept["mix"], axis=0)).max(axis=1)
    edges = np.r_[LAUGH[0] - 50 : LAUGH[0] + RAMP, LAUGH[1] - RAMP : LAUGH[1] + 50]
    assert steps[edges].max() <= np.abs(np.diff(kept["source"], axis=0)).max()


def test_the_dubs_speech_wins_and_what_is_left_of_the_laugh_is_heard(tmp_path: Path) -> None:
    long = steady(2.5)  # until 3.5 s
    report, kept = dub(tmp_path / "cut", sounds=[LAUGH], speech=long)
    assert report.nonverbal
    ((first, last),) = report.nonverbal[0].kept
    assert 3.5 * RATE < first < 3.7 * RATE
    assert last == LAUGH[1]
    under, plain = slice(LAUGH[0], round(3.5 * RATE)), dub(tmp_path / "off", sounds=None, speech=long)[1]
    assert level(kept["mix"][under] - kept["dub.wav"][under]) == pytest.approx(
        level(plain["mix"][under] - plain["dub.wav"][under]), abs=0.2
    )
    covered, _ = dub(tmp_path / "covered", sounds=[LAUGH], speech=steady(3.9))
    assert covered.nonverbal
    assert covered.nonverbal[0].kept == ()


def test_a_laugh_is_heard_in_a_pause_of_the_speech(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    speech = np.concatenate((voice(1.8, 0.3, 4), rng.normal(0, 1e-5, round(1.4 * RATE)), voice(0.8, 0.3, 6)))
    report, kept = dub(tmp_path, sounds=[LAUGH], speech=speech)
    assert report.nonverbal
    assert report.nonverbal[0].kept == (LAUGH,)
    assert level(kept["mix"][INSIDE]) == pytest.approx(level(kept["source"][INSIDE]), abs=0.5)


def test_where_the_mix_has_the_source_anyway_nothing_is_done(tmp_path: Path) -> None:
    report, with_it = dub(tmp_path / "on", sounds=[(round(5.2 * RATE), round(5.6 * RATE))])
    off, without_it = dub(tmp_path / "off", sounds=None)
    assert report == replace(off, nonverbal=())
    assert np.array_equal(with_it["mix"], without_it["mix"])


@pytest.mark.parametrize("bed", [False, True])
def test_stems_with_a_kept_laugh_add_up_to_the_mix_and_the_laugh_is_dialogue(
    tmp_path: Path, bed: bool
) -> None:
    _, sounds = dub(tmp_path, sounds=[LAUGH], bed=bed)
    total = sounds[DIALOGUE_STEM] + sounds[EFFECTS_STEM]
    assert np.abs(total - sounds["mix"]).max() < 1e-4
    assert np.abs(sounds[SPEECH_STEM][INSIDE]).max() == 0
    assert level(sounds[DIALOGUE_STEM][INSIDE]) > level(sounds["source"][INSIDE]) - 0.5
    rest = sounds["bed"][INSIDE] if bed else np.zeros_like(sounds["bed"][INSIDE])
    assert np.abs(sounds[EFFECTS_STEM][INSIDE] - rest).max() < 1e-4


def test_peaks_are_limited_where_both_are_heard_and_not_where_the_source_is_alone(tmp_path: Path) -> None:
    _, kept = dub(tmp_path, Mix(true_peak_db=-12), sounds=[LAUGH], loud=0.7)
    ceiling = 10 ** (-12 / 20)
    assert np.abs(kept["source"][INSIDE]).max() > ceiling
    assert np.array_equal(kept["mix"][INSIDE], kept["source"][INSIDE])
    assert np.abs(kept["mix"][RATE : round(2.5 * RATE)]).max() <= ceiling + 1e-6


@dataclass
class Line:
    speech: Path
    start: int
    tail: int = 0


def test_a_sound_is_cut_by_every_line_that_speaks(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", steady(0.5), RATE)
    lines = [Line(tmp_path / "a.wav", 0), Line(tmp_path / "a.wav", RATE)]
    (sound,) = kept_sounds([(0, 2 * RATE)], lines, [(0, 3 * RATE)])
    (first, second) = sound.kept
    assert RATE // 2 <= first[0] < first[1] <= RATE
    assert 1.5 * RATE <= second[0] < second[1] == 2 * RATE


def test_an_echo_is_no_speech_and_a_short_rest_is_no_sound(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", steady(0.5), RATE)
    (echo,) = kept_sounds([(0, RATE)], [Line(tmp_path / "a.wav", 0, RATE // 4)], [(0, RATE)])
    assert echo.kept == ((round(0.31 * RATE), RATE),)
    (rest,) = kept_sounds([(0, round(0.7 * RATE))], [Line(tmp_path / "a.wav", 0)], [(0, RATE)])
    assert rest.kept == ()
    (short,) = kept_sounds([(RATE, RATE + 6000)], [Line(tmp_path / "a.wav", 0)], [(0, 2 * RATE)])
    assert short.kept == ((RATE, RATE + 6000),)


def test_a_lift_is_the_same_whatever_is_asked_for() -> None:
    spans = [(1000, 9000), (20_000, 30_000)]
    whole = lift(spans, 0, 40_000)
    assert np.array_equal(np.concatenate([lift(spans, a, a + 400) for a in range(0, 40_000, 400)]), whole)
    assert whole[1000 + RAMP : 9000 - RAMP].min() == 1.0
    assert whole[:1000].max() == whole[9000:20_000].max() == 0.0


def test_what_is_left_of_spans() -> None:
    assert without([(0, 10), (20, 30)], []) == [(0, 10), (20, 30)]
    assert without([(0, 10)], [(0, 10)]) == []
    assert without([(0, 10)], [(0, 2), (4, 6), (8, 20)]) == [(2, 4), (6, 8)]
