"""What a caller wrote is not ignored: unknown parameters, conditions, methods; and answers that say where."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.web_client import Browser, Running, running_site
from tests.support.web_episode import write_episode

LINES = "/api/episodes/clip/pt-BR/lines"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), {"ada": "admin"}, speak__provider="espeak") as started:
        write_episode(started.site, "clip")
        yield started


@pytest.fixture(scope="module")
def ada(running: Running) -> Browser:
    return running.browser("ada")


@pytest.mark.parametrize(
    "path", ["/api/inputs?limit=1", "/api/jobs?owner_of=x&limit=5", f"{LINES}?flaged=true"]
)
def test_an_unknown_query_parameter_is_refused_by_name(ada: Browser, path: str) -> None:
    answer = ada.get(path)
    assert answer.status_code == 422
    assert "no such parameter" in answer.json()["detail"][0]["msg"]


def test_pages_take_any_parameter(ada: Browser) -> None:
    assert ada.get("/jobs?utm_source=mail").status_code == 200


def test_another_method_is_answered_with_those_that_there_are(ada: Browser) -> None:
    answer = ada.put("/api/jobs", json={})
    assert answer.status_code == 405
    assert {"GET", "POST"} <= {one.strip() for one in answer.headers["allow"].split(",")}


def test_lines_have_an_etag_until_something_changes(ada: Browser) -> None:
    first = ada.get(LINES)
    tag = {"If-None-Match": first.headers["etag"]}
    assert first.headers["cache-control"] == "private, no-cache"
    assert ada.get(LINES, headers=tag).status_code == 304
    assert ada.get(f"{LINES}?flagged=true", headers=tag).status_code == 200, (
        "another question, another answer"
    )
    assert ada.patch(f"{LINES}/s0002", json={"note": "once"}).status_code == 200
    changed = ada.get(LINES, headers=tag)
    assert changed.status_code == 200
    assert changed.json()["lines"][1]["note"] == "once"
    assert changed.json()["seen"] == first.json()["seen"] + 1


def test_a_condition_is_checked_or_refused(ada: Browser) -> None:
    tag = ada.get(LINES).headers["etag"]
    for nonsense in ('"nonsense"', "nonsense", "", f"W/{tag}", '"999-0123456789abcdef"'):
        refused = ada.patch(f"{LINES}/s0002", json={"note": "no"}, headers={"If-Match": nonsense})
        assert refused.status_code == 412, nonsense
    assert ada.patch(f"{LINES}/s0002", json={"note": "yes"}, headers={"If-Match": tag}).status_code == 200
    assert ada.patch(f"{LINES}/s0002", json={"note": "late"}, headers={"If-Match": tag}).status_code == 412
    assert ada.patch(f"{LINES}/s0002", json={"note": "any"}, headers={"If-Match": "*"}).status_code == 200
    token = ada.post("/api/tokens", json={"label": "x"}, headers={"If-Match": tag})
    assert token.status_code == 412
    assert "no ETag" in token.json()["detail"]


def test_what_is_pending_is_right_after_every_change(running: Running, ada: Browser) -> None:
    place = "/api/episodes/clip/pt-BR/pending"

    def due() -> list[str]:
        return ada.get(place).json()["reasons"].get("speak/s0002", "").split(":")[:1]

    before = due()
    for text in ("Um.", "Dois.", "Três."):
        ada.patch(f"{LINES}/s0002", json={"text": text})
        shown = ada.get(LINES).json()["lines"][1]
        assert shown["text"] == text
        assert ada.get(place).json() == ada.get(place).json()
    ada.patch(f"{LINES}/s0002", json={"text": None})
    assert due() == before
