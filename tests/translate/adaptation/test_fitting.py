"""Words that fit: what a model offers is guarded, measured and chosen; a bad answer changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from dubkit.translate import checks
from dubkit.translate.adaptation import fitting
from dubkit.translate.adaptation.choosing import pace
from dubkit.translate.adaptation.fitting import Fitted, Fitter, FittingLine
from dubkit.translate.adaptation.offers import Offer, OnOffers, TightLine
from dubkit.translate.adaptation.room import Room
from dubkit.translate.engine import TRANSLATORS, TranslationEngine, TranslationTask
from dubkit.translate.settings import Translate
from dubkit.voice.syllables import syllables
from tests.support.llm_server import LlmServer

_load = cache(checks._load_identifier)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the identifier of languages once for all tests, and let nothing lead texts back."""
    monkeypatch.setattr(checks, "_load_identifier", _load)
    monkeypatch.setattr(fitting, "back_engine", lambda engine, task: None)


SPEED = 5.0
"""Syllables per second of the voice."""

SOURCES = (
    "Nobody told Maria that the train leaves at 10 in the morning.",
    "We do not have 250 dollars, and you know that, John.",
    "She said that the house in Lisbon is far too big for them.",
    "I have never seen anything like this in my whole life.",
    "Are you sure that the doctor is coming back tonight?",
    "They bought 3 tickets and went to the old theatre.",
    "It is a long story, and I will tell you all about it tomorrow.",
    "The minister answered all the questions of the journalists.",
)
TEXTS = (
    "Ninguém disse a Maria que o trem sai às 10 da manhã.",
    "Nós não temos 250 dólares, e você sabe disso, John.",
    "Ela disse que a casa em Lisboa é grande demais para eles.",
    "Eu nunca vi nada parecido com isso em toda a minha vida.",
    "Você tem certeza de que o médico volta hoje à noite?",
    "Eles compraram 3 ingressos e foram ao velho teatro.",
    "É uma longa história, e amanhã eu conto tudo para você.",
    "O ministro respondeu a todas as perguntas dos jornalistas.",
)


def seconds(_line: str, text: str) -> float:
    return syllables(text, "pt-BR") / SPEED


def budget(_line: str, room: float) -> tuple[int, int]:
    return int(room * SPEED), int(room * SPEED * 2.6)


def task(server: LlmServer) -> TranslationTask:
    return TranslationTask(
        "en", "pt-BR", Translate(provider="openai", base_url=server.base_url, api_key="k", retries=0)
    )


def engine() -> TranslationEngine:
    found = TRANSLATORS.get("openai")
    assert found is not None
    return found


def lines(ratios: Sequence[float], **fields: object) -> list[FittingLine]:
    """Lines that take so many times their room."""
    found = []
    for n, ratio in enumerate(ratios):
        source, text = SOURCES[n % len(SOURCES)], TEXTS[n % len(TEXTS)]
        room = seconds("", text) / ratio
        found.append(FittingLine(f"s{n:04d}", source, text, Room(room, room), **fields))  # type: ignore[arg-type]
    return found


def fit(
    server: LlmServer,
    given: Sequence[FittingLine],
    *,
    shorten: bool = False,
    by: TranslationEngine | None = None,
) -> dict[str, Fitted]:
    found: dict[str, Fitted] = {}
    fitter = Fitter(task(server), by or engine(), seconds, budget, 0.1, shorten)
    fitter.fit(given, lambda fitted: found.update({fitted.line.id: fitted}))
    assert found.keys() == {line.id for line in given}
    return found


def paces(given: Sequence[FittingLine], found: dict[str, Fitted]) -> list[float]:
    result = []
    for line in given:
        adapted = found[line.id].line
        result.append(pace(adapted.candidates[adapted.chosen].seconds, line.room))
    return result


RATIOS = [0.6, 0.7, 0.85, 0.98, 1.05, 1.15, 1.25, 1.35, 1.5, 1.6]


def test_with_a_model_that_offers_lengths_nearly_all_lines_fit() -> None:
    given = lines(RATIOS * 2)
    with LlmServer(["offers"]) as server:
        found = fit(server, given)
    needed = paces(given, found)
    assert sum(0.95 <= one <= 1.10 for one in needed) >= 0.95 * len(needed)
    assert sum(one > 1.2 for one in needed) <= 0.02 * len(needed)
    assert not any(found[line.id].problem for line in given)


def test_a_line_that_fits_is_not_asked_for() -> None:
    given = lines([1.0, 1.05, 0.95])
    with LlmServer(["offers"]) as server:
        found = fit(server, given)
        assert server.requests == []
    assert [found[line.id].line.text for line in given] == [line.text for line in given]


@pytest.mark.parametrize(
    ("at", "lost", "named"),
    [
        (0, "Maria", "name: Maria"),
        (1, "John", "name: John"),
        (2, "Lisboa", "name: Lisboa"),
        (0, "10", "number: 10"),
        (1, "250", "number: 250"),
        (5, "3", "number: 3"),
        (1, "não", "negation"),
        (3, "nunca|nada", "negation"),
        (0, "Ninguém", "negation"),
    ],
)
def test_a_text_that_loses_something_is_never_chosen(at: int, lost: str, named: str) -> None:
    given = lines([1.5] * len(TEXTS))[at : at + 1]
    with LlmServer([f"offers_losing:{lost}"]) as server:
        (fitted,) = fit(server, given).values()
    assert fitted.line.chosen == 0
    assert fitted.line.text == given[0].text
    offered = fitted.line.candidates[1:]
    assert offered
    assert all(named in candidate.losses for candidate in offered)


BAD = (
    "half",
    "one_missing",
    "twice",
    "foreign",
    "no_texts",
    "other_language",
    "echo",
    "essay",
    "only_reasoning",
    "numbers",
    "empty",
    "refuses",
    "drops_ids",
)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_answer_stores_nothing(kind: str) -> None:
    given = lines([1.4] * 2)
    with LlmServer([f"offers_badly:{kind}"]) as server:
        found = fit(server, given)
    for line in given:
        fitted = found[line.id]
        assert fitted.line.text == line.text
        assert len(fitted.line.candidates) == 1, fitted.line.candidates
        assert not fitted.down


@pytest.mark.parametrize("kind", ["swapped", "merges_lines", "shifts_lines", "rambles"])
def test_a_text_of_another_line_is_not_taken(kind: str) -> None:
    given = lines([1.4] * 4)
    with LlmServer([f"offers_badly:{kind}"]) as server:
        found = fit(server, given)
    assert [found[line.id].line.text for line in given] == [line.text for line in given]


@pytest.mark.parametrize("kind", ["refuses", "essay", "half", "no_texts", "other_language", "echo"])
def test_a_bad_answer_is_told(kind: str) -> None:
    given = lines([1.4] * 2)
    with LlmServer([f"offers_badly:{kind}"]) as server:
        assert all(fitted.problem for fitted in fit(server, given).values())


@pytest.mark.parametrize("kind", ["error_500", "bad_key", "no_model", "html_200", "resets"])
def test_a_service_that_fails_leaves_the_first_translations(kind: str) -> None:
    given = lines([1.4] * 3)
    with LlmServer([kind]) as server:
        found = fit(server, given)
        assert len(server.requests) <= 2
    assert all(found[line.id].line.text == line.text for line in given)
    assert all(found[line.id].down and found[line.id].problem for line in given)


def test_a_bad_answer_is_repaired() -> None:
    given = lines([1.4] * 2)
    with LlmServer(["offers_badly:essay", "offers"]) as server:
        found = fit(server, given)
        repair = server.requests[1]["messages"]
    assert [message["role"] for message in repair] == ["user", "assistant", "user"]
    assert all(found[line.id].line.chosen for line in given)


@pytest.mark.parametrize(
    "why", ["A person wrote the text of the line.", "The text is that of your own file."]
)
def test_a_persons_text_is_never_changed(why: str) -> None:
    given = lines([1.6, 0.5], kept=why)
    with LlmServer(["offers"]) as server:
        found = fit(server, given, shorten=True)
        assert server.requests == []
    for line in given:
        adapted = found[line.id].line
        assert (adapted.text, adapted.why, len(adapted.candidates)) == (line.text, why, 1)


def test_tokens_of_a_batch_add_up() -> None:
    given = lines([1.4] * 3)
    with LlmServer(["offers"]) as server:
        found = fit(server, given)
        asked = len(server.requests)
    assert sum(fitted.tokens[0] for fitted in found.values()) == 100 * asked
    assert sum(fitted.tokens[1] for fitted in found.values()) == 10 * asked


def test_without_a_model_a_long_line_is_shortened_as_little_as_it_takes() -> None:
    text = "Bem, eu acho que nós vamos em um minuto, sabe."
    room = 0.8 * seconds("", text)
    line = FittingLine("s0001", "Well, I think we go in one minute, you know.", text, Room(room, room))
    found: list[Fitted] = []
    quiet = TranslationTask("en", "pt-BR")
    Fitter(quiet, None, seconds, budget, 0.1, True).fit([line], found.append)
    adapted = found[0].line
    assert adapted.candidates[adapted.chosen].origin == "shortened"
    assert adapted.candidates[adapted.chosen].changes
    assert adapted.chosen == len(adapted.candidates) - 1, "it stops at the first that fits"
    found.clear()
    Fitter(quiet, None, seconds, budget, 0.1, False).fit([line], found.append)
    assert found[0].line.text == text


class BestList:
    """Offers the list of best answers that a translator keeps, and forgets the lines it has none for."""

    def __init__(self, task: TranslationTask) -> None:
        self.best = {TEXTS[0]: ("Ninguém avisou Maria que o trem sai às 10.", "Às 10.")}

    def offer(self, lines: Sequence[TightLine], on_done: OnOffers) -> None:
        on_done(
            [Offer(line.id, self.best[line.text], origin="list") for line in lines if line.text in self.best]
        )


def test_a_translator_with_a_list_of_answers_offers_them() -> None:
    given = lines([1.3, 1.3])
    listing = replace(engine(), name="list", candidates=BestList)
    found: dict[str, Fitted] = {}
    Fitter(TranslationTask("en", "pt-BR"), listing, seconds, budget, 0.1, False).fit(
        given, lambda fitted: found.update({fitted.line.id: fitted})
    )
    first, second = (found[line.id] for line in given)
    assert [candidate.origin for candidate in first.line.candidates] == ["translation", "list", "list"]
    assert first.line.text == "Ninguém avisou Maria que o trem sai às 10."
    assert (second.line.text, second.problem) == (given[1].text, "no answer came")
