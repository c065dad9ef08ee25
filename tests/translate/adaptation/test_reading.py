"""Replies with several texts for each line: read in the forms that models use, or refused with the reason."""

from __future__ import annotations

import pytest

from dubkit.translate.adaptation.reading import parse_offers

TWO = {1: ("A", "B"), 2: ("C",)}


@pytest.mark.parametrize(
    "reply",
    [
        '{"lines": [{"id": 1, "texts": ["A", "B"]}, {"id": 2, "texts": ["C"]}]}',
        '[{"id": 1, "texts": ["A", "B"]}, {"id": "2", "texts": ["C"]}]',
        '{"1": ["A", "B"], "2": ["C"]}',
        '{"1": {"short": "A", "long": "B"}, "2": {"short": "C"}}',
        '{"lines": [{"n": 1, "versions": [{"text": "A"}, {"text": "B"}]}, {"n": 2, "texts": ["C"]}]}',
        '<think>[1] is long. {"lines": []}</think>\n{"1": ["A", "B"], "2": ["C"]}',
        '```json\n{"1": ["A", "B", ""], "2": [" C "]}\n```',
        'Sure! Here they are:\n{"1": ["A", "B",], "2": ["C"],}\nAnything else?',
    ],
)
def test_the_forms_that_models_use_are_read(reply: str) -> None:
    parsed = parse_offers(reply, [1, 2])
    assert (parsed.problem, parsed.texts) == ("", TWO)


def test_one_line_may_stand_alone() -> None:
    assert parse_offers('{"id": 1, "texts": ["A", "B"]}', [1]).texts == {1: ("A", "B")}


def test_numbered_lines_are_one_text_each() -> None:
    assert parse_offers("[1] A\n[2] B", [1, 2]).texts == {1: ("A",), 2: ("B",)}


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("", "empty"),
        ("<think>never ends", "empty"),
        ("I cannot do this.", "not the JSON"),
        ('{"1": ["A"]}', "missing: [2]"),
        ('{"1": ["A"], "2": ["B"], "3": ["C"]}', "not asked for: [3]"),
        ('{"1": ["A"], "2": ["B"], "1": ["C"]}', "more than once: [1]"),
        ('{"1": ["A"], "2": []}', "no texts"),
        ('{"1": ["A"], "2": [7]}', "missing: [2]"),
        ('{"lines": [{"id": 1, "texts": ["A"]}, {"id": 2, "tex', "not the JSON"),
        ('{"lines": "none"}', "not the JSON"),
        ("[" * 4000, "not the JSON"),
    ],
)
def test_what_cannot_be_trusted_is_refused(reply: str, problem: str) -> None:
    parsed = parse_offers(reply, [1, 2])
    assert problem in parsed.problem
    assert parsed.texts == {}
