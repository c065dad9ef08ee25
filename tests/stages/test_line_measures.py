"""Words left in the source's language, and how like a voice is to its speaker's other lines."""

from __future__ import annotations

import numpy as np
import pytest

from dubkit.types import ASR_RATE
from stages.shared.line_measures import likeness_to_others, melodies, words_left

SOURCE = "We should probably wait in Paris until the weekend."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Provavelmente devemos esperar em Paris até o fim de semana.", ""),
        ("Devemos probably esperar em Paris até o fim de semana.", "probably"),
        ("Then should esperar em Paris.", "should"),
        ("Devemos esperar em paris.", ""),
    ],
)
def test_words_of_the_source_that_the_text_still_has_are_named(text: str, left: str) -> None:
    assert words_left(SOURCE, text, "en", "pt-BR") == left


def test_within_one_language_no_word_is_left() -> None:
    assert words_left(SOURCE, SOURCE, "en-US", "en-GB") == ""


def test_a_voice_is_compared_with_two_other_lines_at_least() -> None:
    one, other = np.eye(2, dtype=np.float32)
    assert likeness_to_others(one, [one]) is None
    assert likeness_to_others(one, [one, one]) == pytest.approx(1)
    assert likeness_to_others(other, [one, one]) == pytest.approx(0)


def test_sound_without_a_voice_has_no_melody() -> None:
    assert melodies(np.zeros(ASR_RATE, np.float32), np.zeros(ASR_RATE, np.float32)) is None
