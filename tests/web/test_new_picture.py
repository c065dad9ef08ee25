"""A new picture for lines whose lips follow their speech, made from the review page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dubkit.episode.store import EpisodeStore
from dubkit.types import Clip, Clips, Fit, LineRoute
from tests.support.browser import Pages, until, watched
from tests.support.takes import RATE, tone, write
from tests.support.web_client import Running, running_site
from tests.web.test_review_page import ANSWERS, opened, write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), **ANSWERS) as running:
        yield running


@pytest.fixture
def pages(chromium: Browser, tmp_path: Path) -> Iterator[Pages]:
    with watched(chromium, tmp_path / "screenshots") as found:
        yield found


@pytest.fixture
def store(server: Running, request: pytest.FixtureRequest) -> EpisodeStore:
    """Three lines; the lips of the first and the last follow their speech, each in a clip of its own."""
    store = write_episode(server.site, f"ep{abs(hash(request.node.name))}", 3)
    clips = tuple(
        Clip(f"c000{n}", "shot1", 0, 33, 33, 0, 33, (line,), "", Fit(32, 32, 0, 0, 32, 32))
        for n, line in ((1, "s0001"), (2, "s0003"))
    )
    routes = tuple(LineRoute(f"s000{n}", "voice" if n == 2 else "drive", "asked for") for n in (1, 2, 3))
    store.write_json("clips.json", Clips("justdubit", clips, routes), "fr")
    return store


@pytest.fixture
def address(server: Running, store: EpisodeStore) -> str:
    return f"{server.url}/episodes/{store.root.name}/fr/review"


def seeds(store: EpisodeStore) -> dict[str, list[str]]:
    lines = json.loads(store.path("edits.json", "fr").read_text())["lines"]
    return {line: sorted(edit) for line, edit in lines.items()}


def test_a_driven_line_gets_a_new_picture_by_its_button_and_keeps_its_speech(
    pages: Pages, address: str, store: EpisodeStore
) -> None:
    page = opened(pages, address)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.click("#line-picture")
    page.wait_for_selector("#produce[open]")
    assert page.inner_text("#produce-title") == "New picture of line 1?"
    page.wait_for_selector("#produce-what:has-text('The speech stays')")
    assert any("pending?lines=s0001&picture=true" in url for url in asked)
    pages.shoot(page, "review-new-picture")
    page.click("#produce-yes")
    page.wait_for_selector("#jobs .job")
    assert seeds(store) == {"s0001": ["picture_seed"]}


def test_the_key_is_for_all_selected_lines_that_are_driven(
    pages: Pages, address: str, store: EpisodeStore
) -> None:
    page = opened(pages, address)
    page.keyboard.press("Control+a")
    page.keyboard.press("d")
    page.wait_for_selector("#produce[open]")
    assert page.inner_text("#produce-title") == "New picture of 2 lines?"
    page.wait_for_selector("#produce-what:has-text('1 other line left as it is')")
    page.click("#produce-yes")
    page.wait_for_selector("#jobs .job")
    assert seeds(store) == {"s0001": ["picture_seed"], "s0003": ["picture_seed"]}
    page.keyboard.press("?")
    page.wait_for_selector("#keys:has-text('New picture, where the lips follow the speech')")


def test_other_lines_have_no_picture_of_their_own(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.keyboard.press("j")
    until(page, "document.querySelector('#line-title').textContent === 'Line 2'")
    assert page.is_hidden("#line-picture")
    page.keyboard.press("d")
    until(page, "document.querySelector('#said').textContent.includes('whose lips follow its speech')")
    assert page.is_hidden("#produce")


def test_a_line_that_an_actor_recorded_gets_another_picture_but_no_other_reading(
    server: Running, store: EpisodeStore
) -> None:
    write(store.path("recordings/s0001.wav", "fr"), tone(1.5), RATE)
    browser, lines = server.browser(), f"/api/episodes/{store.root.name}/fr/lines/regenerate"
    refused = browser.post(lines, json={"lines": ["s0001"]})
    assert refused.status_code == 400
    assert "there is no other reading of it" in refused.json()["detail"]
    answer = browser.post(lines, json={"lines": ["s0001"], "picture": True})
    assert answer.status_code == 202, answer.text
    assert seeds(store) == {"s0001": ["picture_seed"]}
