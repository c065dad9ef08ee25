"""Measures and flags of lines and episodes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from dubkit.config import configure
from dubkit.errors import SettingError
from dubkit.qc import measures
from dubkit.qc.checks.sound import DeadAirLimit, LoudnessLimits
from dubkit.qc.evidence import EpisodeEvidence, LineEvidence
from dubkit.qc.remarks import episode_remarks
from dubkit.qc.settings import Qc
from dubkit.types import Word
from dubkit.types.reports import DeliveredLevels
from tests.support.tones import RATE, quiet, tone

LINE = LineEvidence(
    id="s0001",
    text="Bom dia a todos",
    language="pt-BR",
    heard="bom dia a todos",
    line_start=2.0,
    speech_start=2.0,
    speech=tone(1),
    rate=RATE,
    source_lufs=-23,
    dub_lufs=-22.5,
)

EPISODE = EpisodeEvidence(
    texts=(("um dois três", "um dois três"),),
    language="pt",
    source_lufs=-23,
    dub_lufs=-23.2,
    true_peak_db=-1.2,
    source_peak_db=-3,
    frames=100,
    source_frames=100,
    identical_packets=100,
    drift_ms=0,
)


def test_heard_words_go_to_the_line_they_overlap_most() -> None:
    lines = [("a", 0.0, 1.0), ("b", 1.0, 2.0), ("c", 5.0, 6.0)]
    words = [
        Word(1.2, 1.5, " two"),
        Word(0.1, 0.5, " one"),
        Word(0.8, 1.5, " straddles"),
        Word(2.2, 2.25, " near"),
        Word(3.5, 3.8, " nowhere"),
    ]
    assert measures.align_heard(words, lines) == {"a": "one", "b": "straddles two near", "c": ""}
    assert measures.align_heard(words, []) == {}


@pytest.mark.parametrize(("lufs", "flagged"), [(-53.4, True), (-37.0, True), (-31.0, False), (None, False)])
def test_a_dub_far_below_a_listening_level_is_flagged(lufs: float | None, flagged: bool) -> None:
    measured = measures.episode_qc([], replace(EPISODE, source_lufs=lufs, dub_lufs=lufs), {})
    assert ("quiet" in measured.flags) == flagged


def test_a_good_line_has_no_flags() -> None:
    line = measures.line_qc(LINE)
    assert line.flags == ()
    assert line.word_error == 0
    assert line.start_error == pytest.approx(0, abs=0.002)
    assert line.loudness_error == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"speech": np.concatenate([quiet(0.2), tone(1)])}, "late"),
        ({"speech_start": 1.9}, "early"),
        ({"speech": quiet(1)}, "silent"),
        ({"heard": "bom dia as todas"}, "words"),
        ({"heard": " ... "}, "not-heard"),
        ({"dub_lufs": -35.0}, "loudness"),
        ({"speech": np.ones(RATE)}, "clipped"),
        ({"fit": "cut"}, "cut"),
        ({"sound": np.concatenate([tone(0.2), quiet(2), tone(0.2)])}, "dead-air"),
        ({"flags": ("untranslated",)}, "untranslated"),
    ],
)
def test_each_defect_raises_its_own_flag_only(change: dict[str, object], flag: str) -> None:
    assert measures.line_qc(replace(LINE, **change)).flags == (flag,)  # type: ignore[arg-type]


@pytest.mark.parametrize(("by", "flags"), [(0.35, ()), (0.45, ("late",)), (-0.35, ()), (-0.45, ("early",))])
def test_a_start_that_the_schedule_allows_is_no_fault(by: float, flags: tuple[str, ...]) -> None:
    moved = replace(LINE, speech_start=LINE.speech_start + by, start_allowance=0.4)
    assert measures.line_qc(moved).flags == flags


def test_what_was_not_measured_is_not_flagged() -> None:
    line = measures.line_qc(replace(LINE, heard=None, source_lufs=None))
    assert line == replace(line, word_error=None, loudness_error=None, heard="", flags=())


def test_a_line_without_words_may_be_silent() -> None:
    assert measures.line_qc(replace(LINE, text="…", heard="", speech=quiet(1))).flags == ()


def test_a_flag_is_given_once() -> None:
    assert measures.line_qc(replace(LINE, fit="cut", flags=("cut",))).flags == ("cut",)


def test_a_good_episode_has_no_flags() -> None:
    episode = measures.episode_qc([measures.line_qc(LINE)], EPISODE)
    assert episode.flags == ()
    assert episode.word_error == 0
    assert len(episode.lines) == 1


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"texts": (("um dois", "três quatro"),)}, "words"),
        ({"dub_lufs": -24.5}, "loudness"),
        ({"true_peak_db": 0.5}, "clipped"),
        ({"frames": 99, "identical_packets": 99}, "frames"),
        ({"identical_packets": 60}, "picture-changed"),
        ({"drift_ms": 40.0}, "drift"),
    ],
)
def test_each_defect_of_an_episode_raises_its_own_flag(change: dict[str, object], flag: str) -> None:
    check = replace(EPISODE, **change)  # type: ignore[arg-type]
    assert measures.episode_qc([], check).flags == (flag,)


def test_a_source_hotter_than_the_limit_does_not_flag_its_dub() -> None:
    check = replace(EPISODE, true_peak_db=0.8, source_peak_db=0.8)
    assert measures.episode_qc([], check).flags == ()


def test_an_unmeasured_episode_is_not_flagged() -> None:
    check = replace(EPISODE, texts=(), source_lufs=None, true_peak_db=None, source_peak_db=None)
    assert measures.episode_qc([], check).flags == ()


@pytest.mark.parametrize("name", ["qc.max_word_error", "qc.loudness.max_line", "qc.dead-air.max_seconds"])
def test_negative_thresholds_are_refused(name: str) -> None:
    with pytest.raises(SettingError, match=re.escape(name)):
        configure({name: -1}, environment={})


def test_a_check_goes_by_its_own_settings() -> None:
    louder = replace(LINE, dub_lufs=-18.0)
    assert measures.line_qc(louder).flags == ()
    assert measures.line_qc(louder, {"loudness": LoudnessLimits(max_line=3)}).flags == ("loudness",)
    pause = replace(LINE, sound=np.concatenate([tone(0.2), quiet(1.2), tone(0.2)]))
    assert measures.line_qc(pause, {"dead-air": DeadAirLimit(max_seconds=1)}).flags == ("dead-air",)
    unlike = replace(LINE, heard="bom dia as todas", settings=Qc(max_word_error=0.5))
    assert measures.line_qc(unlike).flags == ()


@pytest.mark.parametrize(
    ("programme", "dialogue", "gate", "peak", "off"),
    [
        (-16.2, -14.0, "programme", -1.2, False),
        (-16.4, -16.0, "programme", -1.2, True),
        (-16.0, None, "programme", -0.8, True),
        (-20.0, -16.1, "dialogue", -1.2, False),
        (-16.0, -20.0, "dialogue", -1.2, True),
        (-16.1, None, "dialogue", -1.2, False),
        (None, None, "programme", None, False),
    ],
)
def test_a_file_off_its_profile_is_flagged_with_figures(
    programme: float | None, dialogue: float | None, gate: str, peak: float | None, off: bool
) -> None:
    levels = DeliveredLevels("web-16", -16, -1, gate, programme, dialogue, 5.0, peak)
    measured = measures.episode_qc([], replace(EPISODE, levels=levels))
    assert ("off-profile" in measured.flags) is off
    assert measured.levels == levels
    if off:
        (remark,) = episode_remarks(measured)
        assert "web-16 asks for \u221216.0 LUFS" in remark.sentence
        assert remark.weight == "doubtful"
    assert "off-profile" not in measures.episode_qc([], EPISODE).flags
