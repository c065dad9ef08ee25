"""The texts that a line may have, and its predicted length, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.web_client import Browser, Running, running_site
from tests.support.web_episode import write_episode

LINES = "/api/episodes/clip/pt-BR/lines"
TEXT = f"{LINES}/s0001/text"


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    people = {"ada": "admin", "ed": "editor", "vic": "viewer"}
    with running_site(tmp_path_factory.mktemp("site"), people, speak__provider="espeak") as started:  # type: ignore[arg-type]
        write_episode(started.site, "clip")
        yield started


@pytest.fixture
def ada(running: Running) -> Browser:
    return running.browser("ada")


def test_a_line_says_how_long_it_takes_and_what_it_could_say(ada: Browser) -> None:
    first, second = ada.get(LINES).json()["lines"]
    assert (first["timing"]["predicted"], first["timing"]["basis"], first["timing"]["pace"]) == (
        1.9,
        "candidate",
        1.267,
    )
    assert [(text["seconds"], text["used"]) for text in first["timing"]["texts"]] == [
        (1.9, True),
        (1.4, False),
    ]
    assert second["timing"]["basis"] == "reckoned"  # by syllables: no model is loaded to show a page
    assert second["timing"]["texts"] == []


def test_a_text_is_chosen_by_its_number_and_the_choice_can_be_undone(ada: Browser) -> None:
    chosen = ada.post(TEXT, json={"number": 2}).json()
    assert chosen["line"]["text"].startswith("Oi ")
    assert chosen["line"]["timing"]["predicted"] == 1.4
    assert chosen["line"]["edited"] == ["text"]
    assert ada.post(TEXT, json={"number": 2, "seen": chosen["seen"]}).json()["seen"] == chosen["seen"]
    ada.post("/api/episodes/clip/pt-BR/undo", json={})
    assert ada.get(f"{LINES}/s0001").json()["line"]["text"].startswith("Olá ")


def test_what_cannot_be_chosen_is_refused_and_changes_nothing(running: Running, ada: Browser) -> None:
    before = ada.get(f"{LINES}/s0001").json()["line"]
    assert ada.post(TEXT, json={"number": 3}).status_code == 400
    assert ada.post(f"{LINES}/s0002/text", json={"number": 1}).status_code == 400  # it has no texts
    assert ada.post(f"{LINES}/s0009/text", json={"number": 1}).status_code == 404
    for body in ({"number": 0}, {"number": "two"}, {}, {"number": 1, "text": "x"}):
        assert ada.post(TEXT, json=body).status_code == 422, body
    assert running.browser("vic").post(TEXT, json={"number": 2}).status_code in (403, 404)
    assert ada.get(f"{LINES}/s0001").json()["line"] == before


def test_a_choice_does_not_overwrite_what_somebody_wrote_meanwhile(ada: Browser) -> None:
    seen = ada.get(LINES).json()["seen"]
    ada.patch(f"{LINES}/s0001", json={"text": "Bom dia."})
    answer = ada.post(TEXT, json={"number": 2, "seen": seen})
    assert answer.status_code == 409
    assert ada.get(f"{LINES}/s0001").json()["line"]["text"] == "Bom dia."
