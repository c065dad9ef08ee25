"""Replies of language models: what is taken off, what is read, what is turned down."""

from __future__ import annotations

import re

import pytest

from dubkit.translate.clean import strip_reasoning, unwrap
from dubkit.translate.reply import parse_batch, parse_single

TWO = {1: "Oi.", 2: "Tchau."}


@pytest.mark.parametrize(
    "reply",
    [
        "[1] Oi.\n[2] Tchau.",
        "1. Oi.\n2. Tchau.",
        "1) Oi.\n\n2) Tchau.",
        "**[1]** Oi.\n**[2]** Tchau.",
        "- [1]: Oi.\n- [2]: Tchau.",
        "<think>[1] hm\n[2] hm</think>[1] Oi.\n[2] Tchau.",
        "the user wants...</think>\n[1] Oi.\n[2] Tchau.",
        "Here is the translation:\n\n[1] Oi.\n[2] Tchau.\n\nLet me know!\nBye!",
        "```\n[1] Oi.\n[2] Tchau.\n```",
        '{"1": "Oi.", "2": "Tchau."}',
        '```json\n[{"id": 1, "text": "Oi."}, {"id": "2", "translation": "Tchau."}]\n```',
        '[{"id": 1, "text": "Oi.",}, {"id": 2, "text": "Tchau."},]',
        'Sure: {"lines": [{"number": 1, "text": "Oi."}, {"number": 2, "text": "Tchau."}]} Done.',
        '{"translations": {"[1]": "Oi.", "[2]": "Tchau."}}',
        "<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>[1] Oi.\n[2] Tchau.<|return|>",
    ],
)
def test_every_common_form_of_a_right_reply_is_read(reply: str) -> None:
    parsed = parse_batch(reply, [1, 2])
    assert parsed.problem == ""
    assert parsed.texts == TWO


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("[1] Oi. Tchau.", r"missing: \[2\]"),
        ("Oi.\nTchau.", "not numbered"),
        ("[1] Oi.\n[2] Tchau.\n[3] E aí?", r"not asked for: \[3\]"),
        ("[1] Oi.\n[2] Tchau.\n[2] Adeus.", r"more than once: \[2\]"),
        ("[1] Oi.\n[2]", r"empty: \[2\]"),
        ("[1] Oi. [2] Tchau.\n[2] Tchau.", r"joined: \[1\]"),
        ("[1] Oi.\ne mais\n[2] Tchau.", r"after line \[1\]"),
        ("[1] Oi.\n\nNote: a greeting.\n\n[2] Tchau.", r"after line \[1\]"),
        ("[1] Oi.\n[2] Tchau.\n(informal)", r"after line \[2\]"),
        ("", "empty"),
        ("<think>[1] Oi.\n[2] Tchau.", "empty"),
        ('{"1": "Oi.", "1": "Olá.", "2": "Tchau."}', r"more than once: \[1\]"),
        ('["Oi.", "Tchau."]', "not numbered"),
        ('{"1": "Oi.", "2": 7}', "not numbered"),
        ("{}", "not numbered"),
        ('{"1": "Oi."', "not numbered"),
    ],
)
def test_wrong_ids_or_counts_turn_the_whole_reply_down(reply: str, problem: str) -> None:
    parsed = parse_batch(reply, [1, 2])
    assert parsed.texts == {}
    assert re.search(problem, parsed.problem), parsed.problem


def test_ellipsis_at_the_start_of_a_line_is_kept() -> None:
    assert parse_batch("[1] ...mas eu\n[2] Não.", [1, 2]).texts[1] == "...mas eu"


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Oi.", "Oi."),
        ("[1] Oi.", "Oi."),
        ("Here is the translation:\n\nOi.", "Oi."),
        ("Aqui está a tradução:\nOi.", "Oi."),
        ('{"translation": "Oi."}', "Oi."),
        ("<thinking>well</thinking>\nOi.\n---", "Oi."),
    ],
)
def test_single_reply_is_read_without_its_wrapping(reply: str, text: str) -> None:
    assert parse_single(reply).texts == {1: text}


@pytest.mark.parametrize("reply", ["", "Oi.\n\nTchau, até logo.", "<think>Oi."])
def test_single_reply_with_more_or_less_than_a_line_is_turned_down(reply: str) -> None:
    assert parse_single(reply).problem


@pytest.mark.parametrize(
    ("text", "source", "clean"),
    [
        ('"Oi."', "Hi.", "Oi."),
        ("«Salut.»", "Hi.", "Salut."),
        ('"Oi."', '"Hi."', '"Oi."'),
        ('"Oi", disse ela, "tchau"', "Hi, she said, bye", '"Oi", disse ela, "tchau"'),
        ("**Oi.**", "Hi.", "Oi."),
        ("Oi.**", "Hi.", "Oi."),
        ("Translation: Oi.", "Hi.", "Oi."),
        ("Portuguese: Oi.", "Hi.", "Oi."),
        ("Anna: Oi.", "Hi.", "Oi."),
        ("ANNA: Oi.", "ANNA: Hi.", "ANNA: Oi."),
        ("Eu disse: saia.", "I said: leave.", "Eu disse: saia."),
        ("Ele disse: saia.", "He said leave.", "Ele disse: saia."),
    ],
)
def test_only_what_the_source_does_not_have_is_taken_off(text: str, source: str, clean: str) -> None:
    assert unwrap(text, source, labels=("Brazilian Portuguese", "Portuguese", "Anna")) == clean


def test_thought_that_never_ends_leaves_nothing() -> None:
    assert strip_reasoning("<think>Let me see. Oi.") == ""
    assert strip_reasoning("Oi.<think>was that right?") == "Oi."
