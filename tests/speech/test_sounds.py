"""Sounds and syllables of a text, and the least time that it takes."""

from __future__ import annotations

import pytest

from dubkit.speech.sounds import shortest_line, shortest_word, sounds, syllables


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("time", 1), ("the", 1), ("banana", 3), ("through", 1), ("originally", 5), ("IBM", 3), ("P2", 2),
        ("coração", 3), ("Straßenbahn", 3), ("любовь", 2), ("καλημέρα", 4), ("東京", 2), ("ありがとう", 5),
        ("でしょうか", 4), ("안녕하세요", 5), ("40", 2),
    ],
)  # fmt: skip
def test_syllables_are_about_those_that_people_count(word: str, count: int) -> None:
    assert syllables(word) == count


@pytest.mark.parametrize("word", ["a", "I", "مرحبا", "สวัสดี", "नमस्ते", "3", "Brr"])
def test_every_word_takes_some_time_in_every_script(word: str) -> None:
    assert syllables(word) >= 1
    assert shortest_word(word) >= 0.06


@pytest.mark.parametrize("mark", ["", "...", "—", "♪"])
def test_marks_take_no_time(mark: str) -> None:
    assert sounds(mark) == 0
    assert shortest_word(mark) == 0


def test_a_longer_word_never_takes_less_time() -> None:
    assert shortest_word("strengths") > shortest_word("ten") > shortest_word("a")
    assert shortest_word("2000000") < 1.0


def test_a_line_takes_at_least_what_the_quickest_talker_needs() -> None:
    assert shortest_line("I'm the marketing expert.") == pytest.approx(0.7)
