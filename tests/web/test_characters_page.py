"""The page of the characters in a real browser: naming, splitting, merging, hearing."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Pages, watched
from tests.support.web_client import Running, running_site
from tests.support.web_episode import write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site")) as running:
        store = write_episode(running.site, "play")
        write_episode(running.site, "another")
        with store.writing("audio.wav") as path, wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8000)
            sound.writeframes(bytes(160_000))
        yield running


@pytest.fixture
def pages(chromium: Browser, tmp_path: Path) -> Iterator[Pages]:
    with watched(chromium, tmp_path / "screenshots") as found:
        yield found


def test_people_are_named_split_and_merged(pages: Pages, server: Running) -> None:
    page = pages.open(f"{server.url}/characters?episode=play&language=pt-BR")
    ana = page.locator(".person:has(h3:has-text('Ana'))")
    ana.locator("[data-describe] [name=name]").fill("Anita")
    ana.locator("button:has-text('Save')").click()
    page.wait_for_selector("h3:has-text('Anita')")
    anita = page.locator(".person:has(h3:has-text('Anita'))")
    anita.locator("summary").click()
    anita.locator("[data-split] button").click()
    page.wait_for_selector(".toast:has-text('Tick the lines')")
    anita.locator("[data-split] input[type=checkbox]").first.check()
    anita.locator("[data-split] [name=name]").fill("Berta")
    pages.shoot(page, "characters-split")
    anita.locator("[data-split] button").click()
    page.wait_for_selector("h3:has-text('Berta')")
    berta = page.locator(".person:has(h3:has-text('Berta'))")
    berta.locator("summary").click()
    berta.locator("[data-merge] button").click()
    page.wait_for_selector("h3:has-text('Berta')", state="detached")


def test_a_source_that_cannot_be_heard_is_said(pages: Pages, server: Running) -> None:
    page = pages.open(f"{server.url}/characters?episode=another", allowed=("404", "400", "415", "422", "500"))
    page.locator("[data-play]").first.click()
    page.wait_for_selector(".toast.bad", timeout=30_000)
