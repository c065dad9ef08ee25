"""Words that fit keep the terms of their series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dubkit.translate.adaptation import fitting
from dubkit.translate.adaptation.fitting import Fitted, Fitter, FittingLine
from dubkit.translate.adaptation.offers import Offer, OnOffers, TightLine
from dubkit.translate.adaptation.request import offer_messages
from dubkit.translate.adaptation.room import Room
from dubkit.translate.engine import TRANSLATORS, TranslationTask
from dubkit.translate.wording.terms import Term

TASK = TranslationTask("en", "pt-BR")
WARDEN = Term("warden", ("guardião",), ("vigia",))
SOURCE = "Did you really see the warden of the gate?"
LONG = "Você viu mesmo de verdade o guardião daquele portão?"


class Offering:
    """Offers some texts for every line."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked: list[TightLine] = []

    def offer(self, lines: Sequence[TightLine], on_done: OnOffers) -> None:
        self.asked += lines
        on_done([Offer(line.id, self.texts) for line in lines])


def fit(monkeypatch: pytest.MonkeyPatch, first: str, *texts: str, address: str = "") -> tuple[str, Offering]:
    """Return the text that is taken for a line that is far too long."""
    monkeypatch.setattr(fitting, "back_engine", lambda engine, task: None)
    openai, offering, done = TRANSLATORS.get("openai"), Offering(*texts), list[Fitted]()
    assert openai is not None
    engine = replace(openai, candidates=lambda task: offering)
    line = FittingLine("s0001", SOURCE, first, Room(1.0, 1.0), terms=(WARDEN,), address=address)
    fitter = Fitter(TASK, engine, lambda _, text: len(text) / 20, lambda *_: (9, 20), 0.1, False)
    fitter.fit([line], done.append)
    return done[0].line.text, offering


def test_a_text_that_loses_a_term_is_not_taken_though_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, offering = fit(
        monkeypatch, LONG, "Você o viu mesmo?", "Viu o vigia aí?", "Você viu mesmo o guardião?"
    )
    assert taken == "Você viu mesmo o guardião?"
    assert offering.asked[0].terms == (WARDEN,)


def test_where_no_other_text_keeps_it_the_first_translation_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fit(monkeypatch, LONG, "Você o viu mesmo?")[0] == LONG


def test_a_first_translation_without_its_term_gives_way_to_one_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = LONG.replace("guardião", "vigia")
    kept = "Mas você viu mesmo, e de verdade, o guardião daquele portão?"
    assert fit(monkeypatch, first, "Você o viu mesmo?", kept)[0] == kept
    assert fit(monkeypatch, first, "Você o viu mesmo?")[0] == first


def test_a_text_with_another_form_of_address_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    short, right = "Tu viste o guardião?", "Você viu mesmo o guardião?"
    assert fit(monkeypatch, LONG, short, right, address="você")[0] == right
    assert fit(monkeypatch, LONG, short, right)[0] == short
    assert fit(monkeypatch, LONG, short, right, address="tu")[0] == short


def test_the_request_for_other_texts_says_the_terms_and_without_them_is_as_it_was() -> None:
    plain = TightLine("s0001", SOURCE, LONG, 2.0, 1.0)
    (asked,) = offer_messages([replace(plain, terms=(WARDEN,))], TASK)
    (before,) = offer_messages([plain], TASK)
    assert "- “warden” is “guardião”, never “vigia”." in asked["content"]
    assert "series" not in before["content"]
