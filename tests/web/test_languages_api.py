"""Languages and voices over HTTP: proposals, what nothing here serves, and voices that are not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dubkit.translate.language import normalise
from dubkit.translate.proposals import proposals
from dubkit.web.http.errors import prefers_json
from tests.support.web_client import Browser, Running, running_site
from tests.support.web_episode import write_episode


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), {"ada": "admin"}, speak__provider="espeak") as started:
        write_episode(started.site, "clip")
        yield started


@pytest.fixture(scope="module")
def ada(running: Running) -> Browser:
    return running.browser("ada")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Brazilian", "pt-BR"),
        ("brazil", "pt-BR"),
        ("Latam", "es-419"),
        ("Mexican", "es-MX"),
        ("jp", "ja"),
        ("cn", "zh-CN"),
        ("ua", "uk"),
        ("Spansh", "es"),
        ("Simplified", "zh-Hans"),
        ("castellano", "es-ES"),
        ("Portug", "pt"),
    ],
)
def test_a_word_that_names_no_language_is_answered_with_what_it_may_mean(text: str, meant: str) -> None:
    assert proposals(text)[0] == meant


@pytest.mark.parametrize("text", ["xx", "zzzz", "asdfgh", "", "  ", "QZ", "123", "日本酒です"])
def test_nothing_is_proposed_for_what_is_like_no_language(text: str) -> None:
    assert proposals(text) == []


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Portuguese (Brazil)", "pt-BR"),
        ("Spanish (Latin America)", "es-419"),
        ("Chinese (Simplified)", "zh-Hans"),
        ("French (Canada)", "fr-CA"),
    ],
)
def test_a_country_in_brackets_is_not_lost(text: str, tag: str) -> None:
    assert normalise(text) == tag


def test_whoever_accepts_json_gets_errors_as_json_with_the_proposal(ada: Browser) -> None:
    answer = ada.get("/new/language?text=Brazilian", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert "did you mean Brazilian Portuguese, pt-BR?" in answer.json()["detail"]
    assert ada.get("/new/language?text=Brazilian", headers={"Accept": "text/html"}).text.startswith("<!")
    assert ada.get("/nowhere", headers={"Accept": "application/json"}).json() == {"detail": "Not Found"}


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("text/html;q=0.5, application/json", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("*/*", False),
        ("", False),
        ("application/json;q=nonsense", False),
        ("application/json;q=0", False),
    ],
)
def test_the_accept_header_chooses_the_form_of_errors(accept: str, json: bool) -> None:
    assert prefers_json(accept) is json


def test_languages_are_proposed_with_what_hinders_them(ada: Browser) -> None:
    found = ada.get("/api/languages", params={"text": "Brazilian"}).json()
    assert [(one["tag"], one["exact"]) for one in found] == [("pt-BR", False)]
    assert ada.get("/api/languages", params={"text": "pt_br"}).json()[0] | {"hindrance": ""} == {
        "tag": "pt-BR", "name": "Brazilian Portuguese", "exact": True, "hindrance": "",
    }  # fmt: skip
    klingon = ada.get("/api/languages", params={"text": "Klingon", "source": "en"}).json()[0]
    assert klingon["hindrance"]
    assert len(ada.get("/api/languages").json()) > 20


def test_voices_are_listed_and_others_refused_with_the_names(running: Running, ada: Browser) -> None:
    listed = ada.get("/api/voices?language=pt-BR").json()
    assert {"m3", "f2"} <= {one["name"] for one in listed["voices"]}
    assert {one["gender"] for one in listed["voices"]} == {"male", "female"}
    episode = "/api/episodes/clip/pt-BR"
    assert ada.get(f"{episode}/voices").json() == listed
    for voice in ("nosuchvoice", "/etc/passwd", "../../../../etc/passwd", "Maria"):
        for place in (f"{episode}/lines/s0001", f"{episode}/speakers/spk1"):
            refused = ada.patch(place, json={"voice": voice})
            assert refused.status_code == 422, refused.text
            assert "Names: m3, m1" in refused.json()["detail"]
    assert ada.patch(f"{episode}/lines/s0001", json={"voice": "f2"}).json()["line"]["voice"] == "f2"
    assert ada.patch(f"{episode}/speakers/spk1", json={"voice": "m7"}).status_code == 200


def test_null_takes_an_edit_back_as_an_empty_text_does(running: Running, ada: Browser) -> None:
    place = "/api/episodes/clip/pt-BR/lines/s0002"
    before = ada.get(place).json()["line"]
    change = {"voice": "f3", "note": "loud", "accepted": True, "start": 3.1, "text": "Até logo"}
    assert ada.patch(place, json=change).json()["line"]["edited"]
    taken_back = ada.patch(place, json=dict.fromkeys(change)).json()["line"]
    assert taken_back | {"flags": []} == before | {"flags": []}


def test_a_token_without_a_role_has_that_of_its_maker(ada: Browser) -> None:
    assert ada.post("/api/tokens", json={"label": "night"}).json()["role"] == "admin"


def test_a_job_that_cannot_succeed_is_refused_with_the_reason(running: Running, ada: Browser) -> None:
    film = {"source": "clip.mp4", "settings": {"translate.provider": "nmt"}}
    sources = {"source language unknown": {}, "known": {"transcribe.language": "en"}}
    for named in sources.values():
        request = film | {"languages": ["tlh"], "settings": film["settings"] | named}  # type: ignore[operator]
        refused = ada.post("/api/jobs", json=request)
        assert refused.status_code == 422, refused.text
        problem = refused.json()["detail"][0]
        assert problem["loc"] == ["body", "languages"]
        assert problem["msg"].startswith("Klingon (tlh): ")
    batch = ada.post("/api/jobs/batch", json={"jobs": [film | {"languages": ["pt-BR"]}, request]})
    assert batch.status_code == 422
    assert batch.json()["detail"][0]["loc"] == ["body", "jobs", 1, "languages"]
    assert ada.get("/api/jobs").json() == [], "a batch goes in whole or not at all"
