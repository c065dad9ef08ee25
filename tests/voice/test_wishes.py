"""What people type about a delivery is read into numbers, and what is not understood is said to be so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.types.voices import Delivery
from dubkit.voice.wishes import ENERGY, PACE, PITCH, read_wish


@pytest.mark.parametrize(
    ("words", "pitch", "energy", "pace"),
    [
        ("in a whisper", 0, -1, -1),
        ("whispering", 0, -1, -1),
        ("SHOUTING", 1, 1, 0),
        ("slowly", 0, 0, -1),
        ("quickly", 0, 0, 1),
        ("sad and slow", -1, -1, -1),
        ("excited", 1, 1, 1),
        ("in a deep voice", -1, 0, 0),
        ("angrily", 1, 1, 1),
    ],
)
def test_words_move_what_they_mean(words: str, pitch: int, energy: int, pace: int) -> None:
    wish = read_wish(words)
    found = wish.delivery
    assert wish.understood
    assert found.words == words
    signs = [(value > 0) - (value < 0) for value in (found.pitch, found.energy, found.pace - 1)]
    assert signs == [pitch, energy, pace]


def test_a_little_is_less_and_very_is_more() -> None:
    paces = [read_wish(f"{much}slowly").delivery.pace for much in ("a little ", "", "very ")]
    assert paces == sorted(paces, reverse=True)
    assert len(set(paces)) == 3


@pytest.mark.parametrize(
    "words", ["like a pirate", "com raiva", "not loud", "never shouting", "slot", "an angle", "it happens"]
)
def test_words_without_a_meaning_here_are_kept_and_move_nothing(words: str) -> None:
    wish = read_wish(words)
    assert not wish.understood
    assert wish.delivery == Delivery(words)


PARTS = ("very", "a little", "shouting", "loud", "angry", "excited", "whisper", "slow", "sad,")


@given(st.lists(st.sampled_from(PARTS), max_size=12))
def test_no_words_ask_for_more_than_a_voice_can(words: list[str]) -> None:
    found = read_wish(" ".join(words)).delivery
    assert abs(found.pitch) <= PITCH
    assert abs(found.energy) <= ENERGY
    assert PACE[0] <= found.pace <= PACE[1]
