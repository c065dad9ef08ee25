"""Word times by their sound: nothing lost, in order, no word over a pause nor shorter than it can be said."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.speech.refine import refined
from dubkit.speech.sounding import TICK, Sounding, _decibels, sounding
from dubkit.speech.sounds import shortest_word
from dubkit.types import MoveReason, Word, WordTimes
from tests.support.speech_clips import clip


def heard(*spans: tuple[float, float], seconds: float = 6.0) -> Sounding:
    """Loud speech inside the spans, silence elsewhere."""
    speech = np.zeros(round(seconds / TICK), dtype=np.bool_)
    for start, end in spans:
        speech[round(start / TICK) : round(end / TICK)] = True
    return Sounding(speech, np.where(speech, 0.9, 0.0))


def reasons(moved: WordTimes, number: int) -> tuple[MoveReason, ...]:
    return next((move.reasons for move in moved.moved if move.number == number), ())


def test_a_word_stretched_over_the_pause_before_it_begins_where_it_sounds() -> None:
    words = [Word(0.5, 1.0, " first"), Word(1.0, 2.4, " of"), Word(2.4, 2.7, " all.")]
    placed, moved = refined(words, heard((0.5, 1.0), (2.2, 2.75)))
    assert placed[1].start == pytest.approx(2.2, abs=0.03)
    assert placed[0].end == pytest.approx(1.0, abs=0.05)
    assert "pause-before" in reasons(moved, 1)


def test_a_word_stretched_over_the_pause_after_it_ends_where_it_falls_silent() -> None:
    words = [Word(0.5, 2.0, " Banana,"), Word(2.0, 2.4, " please.")]
    placed, moved = refined(words, heard((0.5, 1.05), (2.0, 2.4)))
    assert placed[0].end == pytest.approx(1.05, abs=0.03)
    assert placed[1].start == pytest.approx(2.0, abs=0.05)
    assert "pause-after" in reasons(moved, 0)


def test_words_squeezed_behind_a_pause_get_the_time_that_saying_them_takes() -> None:
    words = [Word(1.0, 1.02, " The"), Word(1.02, 1.04, " Paris"), Word(1.04, 1.5, " office.")]
    placed, moved = refined(words, heard((0.7, 1.6)))
    assert all(word.end - word.start >= shortest_word(word.text) - 1e-6 for word in placed)
    assert "too-short" in reasons(moved, 1)
    assert placed[0].start < 1.0


def test_the_end_of_a_word_that_dies_away_belongs_to_it_and_a_breath_before_a_word_does_not() -> None:
    sound = heard((1.0, 1.6), seconds=4)
    speech, loudness = sound.speech.copy(), sound.loudness.copy()
    speech[160:190] = speech[40:70] = True
    loudness[160:190] = loudness[40:70] = 0.35
    (word,), _ = refined([Word(1.0, 1.5, " Chicago.")], Sounding(speech, loudness))
    assert word.start == pytest.approx(1.0, abs=0.05)
    assert word.end == pytest.approx(1.9, abs=0.05)


def test_a_closed_stop_inside_a_word_does_not_part_it() -> None:
    (word,), _ = refined([Word(1.0, 1.6, " happening")], heard((1.0, 1.25), (1.33, 1.62)))
    assert (word.start, word.end) == pytest.approx((1.0, 1.6), abs=0.06)


def test_where_nothing_is_heard_words_keep_their_times() -> None:
    words = [Word(0.5, 1.0, " so")]
    assert refined(words, heard()) == (words, replace(refined([], heard())[1], words=1))


def test_text_and_belief_of_words_are_untouched() -> None:
    words = [Word(0.2, 0.9, " Yes,", 0.31), Word(0.9, 1.1, " no.", 0.99)]
    placed, _ = refined(words, heard((0.5, 1.2)))
    assert [(w.text, w.probability) for w in placed] == [(" Yes,", 0.31), (" no.", 0.99)]


GAPS = (0.0, 0.0, 0.02, 0.5, 1.5)


@st.composite
def spoken(draw: st.DrawFn, gaps: Sequence[float] = GAPS) -> tuple[list[Word], Sounding]:
    texts = draw(
        st.lists(st.sampled_from([" a", " the", " banana.", " IBM", " strengths", " -"]), max_size=12)
    )
    words, at = [], 0.0
    for text in texts:
        at += draw(st.sampled_from(gaps))
        length = draw(st.sampled_from([0.0, 0.02, 0.1, 0.3, 1.4]))
        words.append(Word(round(at, 3), round(at + length, 3), text))
        at += length
    spans = draw(st.lists(st.tuples(st.floats(0, at + 1), st.floats(0.05, 2)), max_size=5))
    return words, heard((0.1, 0.4), *((start, start + length) for start, length in spans), seconds=at + 3)


@settings(deadline=None, max_examples=50)
@given(spoken())
def test_no_word_is_lost_and_none_overlaps_or_leaves_the_sound(case: tuple[list[Word], Sounding]) -> None:
    words, sound = case
    placed, moved = refined(words, sound)
    assert [word.text for word in placed] == [word.text for word in words]
    assert all(0 <= word.start <= word.end <= sound.seconds for word in placed)
    assert all(a.end <= b.start for a, b in pairwise(placed))
    for move in moved.moved:
        assert (move.heard_start, move.heard_end) == (words[move.number].start, words[move.number].end)
        assert (move.start, move.end) == (placed[move.number].start, placed[move.number].end)
    assert refined(words, sound) == (placed, moved)


@settings(deadline=None, max_examples=50)
@given(spoken(gaps=(0.5, 1.5)))
def test_no_word_is_shorter_than_it_can_be_said_where_there_is_room(
    case: tuple[list[Word], Sounding],
) -> None:
    words, sound = case
    placed, _ = refined(words, sound)
    assert all(word.end - word.start >= shortest_word(word.text) - 1e-6 for word in placed)


def test_a_tone_in_silence_sounds_from_its_start_to_its_end() -> None:
    """The gate decides what is speech; here it is real, and a tone is none."""
    rng = np.random.default_rng(3)
    audio = (rng.standard_normal(32000) * 1e-3).astype(np.float32)
    audio[8000:16000] += np.sin(np.arange(8000) * 0.2).astype(np.float32) * 0.3
    assert not sounding(audio).speech.any()
    assert sounding(np.zeros(0, dtype=np.float32)).seconds == 0
    assert not sounding(np.zeros(16000, dtype=np.float32)).speech.any()


def test_words_that_are_not_in_order_keep_their_times() -> None:
    words = [Word(4.0, 4.5, " so"), Word(0.5, 0.9, " then")]
    assert refined(words, heard((0.5, 0.9), (4.0, 4.5)))[0] == words


def test_many_words_need_little_memory() -> None:
    words = [Word(i * 0.4, i * 0.4 + 0.35, " banana") for i in range(700)]
    sound = heard((0.0, 280.0), seconds=281)
    tracemalloc.start()
    try:
        refined(words, sound)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50e6


def test_a_word_stretched_over_a_filler_and_a_pause_is_the_sound_after_them() -> None:
    words = [Word(0.5, 1.0, " say"), Word(1.7, 2.6, " if"), Word(2.6, 2.8, " we"), Word(2.8, 3.2, " define")]
    placed, _ = refined(words, heard((0.5, 1.05), (1.75, 1.95), (2.35, 3.3)))
    assert placed[1].start == pytest.approx(2.35, abs=0.03)


def test_the_words_of_a_real_sentence_come_nearer_to_their_alignment() -> None:
    """GRID sentence `set white with p two soon` against its alignment by hand, in 1/25000 s."""
    words = [
        Word(0.45, 0.75, " Set"), Word(0.75, 1.01, " white"), Word(1.01, 1.23, " with"),
        Word(1.23, 1.63, " P2"), Word(1.63, 1.95, " soon."),
    ]  # fmt: skip
    truth = [0.49, 0.77, 1.09, 1.22, 1.73]
    placed, _ = refined(words, sounding(clip("a_talk/grid_swwp2s.mpg")))
    before = [abs(word.start - time) for word, time in zip(words, truth, strict=True)]
    after = [abs(word.start - time) for word, time in zip(placed, truth, strict=True)]
    assert sum(after) < sum(before)
    assert placed[-1].end == pytest.approx(2.21, abs=0.06)


def test_loudness_is_the_same_however_the_sound_is_cut_into_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.random.default_rng(1).standard_normal(40_321).astype(np.float32)
    whole = _decibels(sound, 253)
    monkeypatch.setattr("dubkit.speech.sounding.BLOCK", 100)
    assert np.array_equal(_decibels(sound, 253), whole)
