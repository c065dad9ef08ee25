"""A line's delivery is read from its marks, or from the source's voice against the speaker's usual one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dubkit.types.voices import Delivery, Manner
from dubkit.voice.expression import plan_of_sound, plan_of_text, tags_of, usual_manner

USUAL = Manner(120.0, 5.0, -25.0, 0.7, -12.0, 14.0, 30.0)


@pytest.mark.parametrize(
    "text", ["Good morning.", "NATO and the WHO", "TV", "It is well-known", "", "…and then."]
)
def test_plain_text_is_spoken_plainly(text: str) -> None:
    assert plan_of_text(text, 0.5) == Delivery()


def test_marks_say_how_a_line_is_spoken() -> None:
    assert plan_of_text("Really?", 0.5).pitch > 0
    call = plan_of_text("“Stop!”", 0.5)
    assert call.energy > 0
    assert plan_of_text("I don't know…", 0.5).pace < 1
    assert plan_of_text("GET OUT OF HERE!", 0.5).energy > call.energy
    assert plan_of_text("本当\uff1f", 0.5).pitch > 0


def test_strength_decides_how_much_of_it_is_heard() -> None:
    energies = [plan_of_text("Stop!", strength).energy for strength in (0.0, 0.25, 0.5, 1.0)]
    assert energies == sorted(energies)
    assert energies[0] == 0.0
    loud = replace(USUAL, pitch_hz=150.0, level=-20.0)
    assert replace(plan_of_sound(loud, USUAL, 0.0), words="") == Delivery()


def test_a_line_is_as_much_higher_and_louder_as_its_source_is_for_the_speaker() -> None:
    higher = plan_of_sound(replace(USUAL, pitch_hz=134.7, level=-22.0), USUAL, 1.0)
    assert (higher.pitch, higher.energy) == pytest.approx((2.0, 3.0), abs=0.02)
    assert higher.pace == 1.0
    assert plan_of_sound(USUAL, USUAL, 1.0) == Delivery()


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (replace(USUAL, pitch_hz=0.0, voiced=0.1, level=-33.0), "in a whisper"),
        (replace(USUAL, pitch_hz=165.0, level=-17.0), "shouting, in a higher voice"),
        (replace(USUAL, level=-32.0), "quietly"),
        (replace(USUAL, rate=20.0), "quickly"),
        (replace(USUAL, pitch_hz=95.0, rate=9.0), "in a lower voice, slowly"),
    ],
)
def test_what_is_measured_has_words_for_engines_that_read_them(manner: Manner, words: str) -> None:
    assert plan_of_sound(manner, USUAL, 0.5).words == words


def test_the_usual_manner_is_that_of_most_lines() -> None:
    shout = replace(USUAL, pitch_hz=300.0, level=-10.0)
    assert usual_manner([USUAL, shout, USUAL]) == USUAL
    assert usual_manner([replace(USUAL, pitch_hz=0.0)]) is None
    assert usual_manner([]) is None


def test_tags_are_the_brackets_that_say_how_somebody_speaks() -> None:
    assert (
        tags_of("[whispering] Come. (shouting) Now! [door slams] 【quietly】")
        == "whispering, shouting, quietly"
    )
    assert tags_of("He took [the car] home.") == ""
