from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.errors import SettingError
from dubkit.qc import measures
from dubkit.qc.measures import EpisodeCheck, LineCheck, QcSettings
from dubkit.qc.text import join_words, pooled_word_error, word_error
from dubkit.types import Word

RATE = 48_000


def tone(seconds: float, level: float = 0.3) -> NDArray[np.float64]:
    return level * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)


def quiet(seconds: float) -> NDArray[np.float64]:
    return np.zeros(round(seconds * RATE))


LINE = LineCheck(
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

EPISODE = EpisodeCheck(
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


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "heard", "language"),
    [
        ("Good morning, my name is Jordi.", "good morning my name is jordi", "en"),
        ("Tenho 25 anos e 1.250 euros", "tenho vinte e cinco anos e mil duzentos e cinquenta euros", "pt-BR"),
        ("It\u2019s 7 o'clock", "its seven oclock", "en-GB"),
        ("今日は、良い天気です。", "今日は 良い天気です", "ja"),
        ("Straße", "STRASSE", "de"),
        ("caf\u00e9", "cafe\u0301", "fr"),
        ("\u0645\u064e\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627", "ar"),
        ("हिन्दी में", "हिन्दी में", "hi"),
        ("42", "42", "xx"),
        ("Zeit: 3,5 Sekunden", "zeit 3,5 sekunden", "de"),
        ("", "...", "en"),
    ],
)
def test_spelling_alone_is_no_error(reference: str, heard: str, language: str) -> None:
    assert word_error(reference, heard, language) == 0


def test_wrong_missing_and_added_words_count() -> None:
    assert word_error("one two three four", "one too four", "en") == pytest.approx(0.5)
    assert word_error("one two", "one two three four", "en") == pytest.approx(1)
    assert word_error("one two", "", "en") == 1
    assert word_error("", "noise", "en") == 1


def test_unspaced_languages_are_compared_by_character() -> None:
    assert word_error("今日は天気", "今日は元気", "ja") == pytest.approx(0.2)
    assert word_error("今天天气好", "今天天气", "zh-CN") == pytest.approx(0.2)


def test_vowel_signs_of_indic_scripts_count() -> None:
    assert word_error("की", "का", "hi") == 1


def test_accents_count() -> None:
    assert word_error("está", "esta", "es") == 1


def test_pooled_error_weighs_lines_by_their_words() -> None:
    pairs = [("one", "none"), ("a b c d e f g h i", "a b c d e f g h i")]
    assert pooled_word_error(pairs, "en") == pytest.approx(0.1)
    assert pooled_word_error([], "en") is None
    assert pooled_word_error([("", "")], "en") == 0


def test_words_are_joined_as_their_script_writes_them() -> None:
    assert join_words([" Hello", " world", ""]) == "Hello world"
    assert join_words(["今日", "は", "OK"]) == "今日は OK"


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


# --- sound ----------------------------------------------------------------------------------------


def test_first_and_last_sound_are_found_to_the_millisecond() -> None:
    sound = np.concatenate([quiet(0.25), tone(0.5), quiet(0.25)])
    assert measures.first_sound(sound, RATE) == pytest.approx(0.25, abs=0.0015)
    assert measures.last_sound(sound, RATE) == pytest.approx(0.75, abs=0.0015)


def test_noise_far_below_the_speech_is_no_first_sound() -> None:
    noise = np.random.default_rng(1).uniform(-0.002, 0.002, RATE)
    assert measures.first_sound(np.concatenate([noise, tone(1)]), RATE) == pytest.approx(1, abs=0.0015)


@pytest.mark.parametrize("sound", [quiet(1), np.zeros(0), np.zeros((100, 2)), quiet(1) + 1e-5])
def test_silence_has_no_first_sound(sound: NDArray[np.float64]) -> None:
    assert measures.first_sound(sound, RATE) is None
    assert measures.last_sound(sound, RATE) is None


def test_longest_silence_is_between_sounds_or_after_the_last() -> None:
    middle = np.concatenate([quiet(1), tone(0.2), quiet(0.6), tone(0.2), quiet(0.1)])
    assert measures.longest_silence(middle, RATE) == pytest.approx(0.6, abs=0.01)
    after = np.concatenate([tone(0.2), quiet(0.1), tone(0.2), quiet(0.8)])
    assert measures.longest_silence(after, RATE) == pytest.approx(0.8, abs=0.01)
    assert measures.longest_silence(quiet(2), RATE) == 2


def test_clipping_is_three_samples_at_full_scale() -> None:
    sound = tone(0.1)
    sound[100:102] = 1.0
    assert not measures.is_clipped(sound)
    sound[102] = 1.0
    assert measures.is_clipped(sound)
    assert measures.is_clipped(np.stack([tone(0.1), sound], axis=1))
    assert not measures.is_clipped(np.ones(2))


# --- flags ----------------------------------------------------------------------------------------


def test_a_good_line_has_no_flags() -> None:
    line = measures.line_qc(LINE, QcSettings())
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
        ({"heard": "bom dia mundo cruel"}, "words"),
        ({"heard": " ... "}, "not-heard"),
        ({"dub_lufs": -35.0}, "loudness"),
        ({"speech": np.ones(RATE)}, "clipped"),
        ({"fit": "cut"}, "cut"),
        ({"dead_air": 2.0}, "dead-air"),
        ({"flags": ("untranslated",)}, "untranslated"),
    ],
)
def test_each_defect_raises_its_own_flag_only(change: dict[str, object], flag: str) -> None:
    assert measures.line_qc(replace(LINE, **change), QcSettings()).flags == (flag,)  # type: ignore[arg-type]


def test_what_was_not_measured_is_not_flagged() -> None:
    line = measures.line_qc(replace(LINE, heard=None, source_lufs=None), QcSettings())
    assert line == replace(line, word_error=None, loudness_error=None, heard="", flags=())


def test_a_line_without_words_may_be_silent() -> None:
    assert measures.line_qc(replace(LINE, text="…", heard="", speech=quiet(1)), QcSettings()).flags == ()


def test_a_flag_is_given_once() -> None:
    assert measures.line_qc(replace(LINE, fit="cut", flags=("cut",)), QcSettings()).flags == ("cut",)


def test_a_good_episode_has_no_flags() -> None:
    episode = measures.episode_qc([measures.line_qc(LINE, QcSettings())], EPISODE, QcSettings())
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
    assert measures.episode_qc([], check, QcSettings()).flags == (flag,)


def test_a_source_hotter_than_the_limit_does_not_flag_its_dub() -> None:
    check = replace(EPISODE, true_peak_db=0.8, source_peak_db=0.8)
    assert measures.episode_qc([], check, QcSettings()).flags == ()


def test_an_unmeasured_episode_is_not_flagged() -> None:
    check = replace(EPISODE, texts=(), source_lufs=None, true_peak_db=None, source_peak_db=None)
    assert measures.episode_qc([], check, QcSettings()).flags == ()


def test_negative_thresholds_are_refused() -> None:
    with pytest.raises(SettingError, match=r"qc\.max_word_error"):
        QcSettings(max_word_error=-1)
