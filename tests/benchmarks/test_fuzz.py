"""Odd inputs: a few of each area here, thousands by `python -m benchmarks.fuzz`."""

from __future__ import annotations

import random

import pytest

from benchmarks.fuzz import areas, command
from benchmarks.fuzz.areas import AREAS
from benchmarks.fuzz.mutation import mutated


@pytest.mark.parametrize(("area", "count"), [("subtitles", 100), ("media", 40), ("commands", 120)])
def test_odd_inputs_end_in_a_result_or_a_sentence(area: str, count: int) -> None:
    for number in range(count):
        AREAS[area][0](1, number)


@pytest.mark.slow
def test_odd_replies_end_in_a_line_or_a_sentence() -> None:
    for number in range(8):
        AREAS["replies"][0](1, number)


def test_the_same_seed_makes_the_same_input() -> None:
    first, again = (mutated(b"1\n00:00:01,000 -->", random.Random("x 1")) for _ in range(2))
    assert first == again
    assert {areas._arguments(random.Random(n))[0] for n in range(60)} > {"run", "plan", "review"}


def test_what_goes_wrong_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["subtitles", "--count", "5"]) == 0
    assert "subtitles: 5 tries with seed 4711, 0 wrong" in capsys.readouterr().out
    alike = command._alike(
        [(1, "KeyError: 'a' (x.py:3)"), (7, "KeyError: 'b' (x.py:3)"), (9, "the process died")]
    )
    assert list(alike.values()) == [[1, 7], [9]]


def test_an_area_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["nonsense"])
    assert "there is no area nonsense" in capsys.readouterr().err
