"""The leak meter: the old voice is found in a bed by its words and its level, and invented text is not."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import UNSET

from dubkit.media.separation.bed import bed_of
from dubkit.media.separation.leak import bed_level, leaked_words
from dubkit.types import Segment, Word

RATE = 48_000


def words(text: str, start: float = 0.0, step: float = 0.4) -> tuple[Word, ...]:
    return tuple(
        Word(start + n * step, start + (n + 1) * step, f" {word}") for n, word in enumerate(text.split())
    )


def segment(text: str, start: float = 0.0) -> Segment:
    spoken = words(text, start)
    return Segment("s0001", start, spoken[-1].end, "spk1", text, spoken)


def leaked(text: str, heard: str, late: float = 0.0) -> list[str]:
    return [leak.words for leak in leaked_words([segment(text)], words(heard, late))]


TEXT = "Ask not what your country can do for you"


def test_three_words_of_the_source_in_a_row_are_a_leak() -> None:
    assert leaked(TEXT, "mm what your country la") == ["what your country"]
    assert leaked(TEXT, "Ask NOT, what! your country can do for you") == [TEXT.lower()]


@pytest.mark.parametrize("heard", ["", "what your la country can", "your what country", "do for"])
def test_two_in_a_row_are_none(heard: str) -> None:
    assert leaked(TEXT, heard) == []


def test_the_same_words_at_another_time_are_none() -> None:
    assert leaked(TEXT, "what your country", late=9.0) == []


def test_loops_that_the_recogniser_invents_are_none() -> None:
    text = "I do not know what you say to me now"
    assert leaked(text, "I do not I do not I do not") == []
    assert leaked(text, "I do not know") == ["i do not know"]


def test_what_the_source_itself_repeats_is_a_leak() -> None:
    text = "never give up never give up never give up"
    assert leaked(text, text) == [text]


def test_words_without_times_are_spread_over_their_segment() -> None:
    spoken = Segment("s0001", 0.0, 3.6, "spk1", TEXT)
    assert [leak.words for leak in leaked_words([spoken], words(TEXT))] == [TEXT.lower()]


# --- levels ---------------------------------------------------------------------------------------


def hum(hertz: float, seconds: float = 3.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time)
    return (0.2 * swell * sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 6)))[:, None]


NOISE = 0.02 * np.random.default_rng(0).normal(size=(3 * RATE, 1))


def test_the_level_of_a_voice_that_stayed_is_measured() -> None:
    voice = hum(200)
    for share, level in ((1.0, 0.0), (0.1, -20.0), (0.03, -30.5)):
        found = bed_level(segment("a"), NOISE + voice, voice, NOISE + share * voice).old_voice_db
        assert found == pytest.approx(level, abs=1.0)


def test_a_bed_that_is_half_voice_is_found_though_half_was_taken_out() -> None:
    voice = hum(200)
    found = voice / 2
    bed = bed_of(NOISE + voice, found)
    assert (bed_level(segment("a"), NOISE + voice, found, bed).old_voice_db or -99) > -20


def test_music_that_went_with_the_voice_is_measured() -> None:
    voice = hum(200)
    kept = bed_level(segment("a"), NOISE + voice, voice, NOISE).music_db
    lost = bed_level(segment("a"), NOISE + voice, voice, 0.25 * NOISE).music_db
    assert kept is not None
    assert kept == pytest.approx(0.0, abs=1.5)
    assert lost == pytest.approx(kept - 12.0, abs=0.3)


@pytest.mark.parametrize("lost_db", [0.0, -2.0, -4.0])
def test_the_music_under_words_is_held_against_the_pauses_beside_them(lost_db: float) -> None:
    voice = np.concatenate([0 * NOISE, hum(200), 0 * NOISE])
    music = np.concatenate([NOISE, NOISE[::-1], NOISE])
    bed = music.copy()
    bed[len(NOISE) : 2 * len(NOISE)] *= 10 ** (lost_db / 20)
    found = bed_level(segment("a"), music + voice, voice, bed, before=len(NOISE), after=len(NOISE))
    assert found.pauses_db == pytest.approx(lost_db, abs=0.3)


def test_without_pauses_nothing_is_held_against_them() -> None:
    voice = hum(200)
    assert bed_level(segment("a"), NOISE + voice, voice, NOISE).pauses_db is UNSET


def test_nothing_is_said_of_silence() -> None:
    nothing = np.zeros((RATE, 1))
    level = bed_level(segment("a"), nothing, nothing, nothing)
    assert (level.old_voice_db, level.music_db) == (None, None)
    assert bed_level(segment("a"), nothing[:100], nothing[:100], nothing[:100]).music_db is None
