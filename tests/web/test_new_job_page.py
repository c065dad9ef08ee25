"""The page of a new job in a real browser: languages, what is chosen, and whose files are offered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dubkit.web.accounts.people import Role
from dubkit.web.jobs.kinds import JobWork
from tests.support.browser import Pages, holds, until
from tests.support.paths import SAMPLE
from tests.support.web_client import PASSWORD, Running, running_site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE) as running:
        (running.site.inputs / "clip.mp4").write_bytes(SAMPLE.read_bytes())
        yield running


@pytest.fixture(scope="module")
def eve(pages: Pages, server: Running) -> Page:
    page = pages.open(f"{server.url}/login", allowed=("422", "400"))
    page.fill("[name=name]", "eve")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{server.url}/")
    return page


@pytest.fixture
def page(eve: Page, server: Running) -> Page:
    eve.goto(f"{server.url}/")
    eve.evaluate("localStorage.clear()")
    eve.goto(f"{server.url}/new")
    eve.wait_for_selector("#inputs label")
    return eve


def type_language(page: Page, text: str) -> None:
    page.fill("#language", text)
    page.press("#language", "Enter")


def test_a_word_is_answered_with_the_language_that_it_may_mean(page: Page) -> None:
    type_language(page, "Brazilian")
    page.wait_for_selector("#language-fault:has-text('names no single language')")
    page.click("#language-fault button:has-text('Brazilian Portuguese (pt-BR)')")
    page.wait_for_selector("#languages:has-text('Brazilian Portuguese (pt-BR)')")
    assert page.text_content("#language-fault") == ""
    assert page.input_value("#language") == ""


def test_a_word_that_is_like_none_is_refused_in_words(page: Page) -> None:
    type_language(page, "Qwxz")
    page.wait_for_selector("#language-fault:has-text('is not a known language')")
    assert page.locator("#languages li").count() == 0


def test_a_language_that_nothing_here_serves_is_marked(page: Page) -> None:
    choice: dict[str, Any] = {
        "tag": "fr",
        "name": "French",
        "exact": True,
        "hindrance": "Nothing translates it.",
    }
    page.route("**/api/languages?*", lambda route: route.fulfill(json=[choice]))
    type_language(page, "French")
    page.wait_for_selector("#languages .hindered")
    assert page.text_content("#language-hindrances") == "French: Nothing translates it."
    page.focus("#language")
    until(page, "document.querySelector('#known-languages option').label.includes('not possible here')")
    page.click("#languages button")
    holds(page, lambda: page.text_content("#language-hindrances") == "")
    page.unroute("**/api/languages?*")


def test_what_is_missing_is_said_until_it_is_there(page: Page) -> None:
    assert page.text_content("#chosen") == "Nothing is chosen yet."
    page.click("#start")
    holds(page, lambda: page.text_content("#fault") == "Choose a file.")
    page.check("#inputs input[value='clip.mp4']")
    assert page.text_content("#fault") == ""
    assert page.text_content("#chosen") == "1 file. Choose a language to dub into."
    type_language(page, "pt-BR")
    page.wait_for_selector("#chosen:has-text('1 file into 1 language: 1 job.')")
    page.uncheck("#inputs input[value='clip.mp4']")
    holds(page, lambda: page.text_content("#chosen") == "1 language. Choose a file.")


def test_an_upload_is_shared_where_it_is_listed(page: Page) -> None:
    content = SAMPLE.read_bytes()
    page.set_input_files("#upload", {"name": "mine.mp4", "mimeType": "video/mp4", "buffer": content})
    mine = page.locator("#inputs li:has-text('mine.mp4')")
    mine.locator("input[value='mine.mp4']:checked").wait_for()
    assert "yours" in (mine.locator(".size").text_content() or "")
    assert page.locator("#inputs li:has-text('clip.mp4') .sharing").count() == 0
    mine.locator("summary").click()
    mine.locator("input[type=text]").fill("nobody")
    mine.locator("button:has-text('Save')").click()
    mine.locator(".fault:has-text('no user')").wait_for()
    mine.locator("input[type=text]").fill("ada")
    mine.locator("button:has-text('Save')").click()
    mine.locator(".size:has-text('shared with ada')").wait_for()
    assert page.is_checked("#inputs input[value='mine.mp4']")


def test_a_refusal_names_files_not_fields_of_the_interface(page: Page, server: Running) -> None:
    (server.site.inputs / "other.mp4").write_bytes(SAMPLE.read_bytes())
    page.reload()
    page.wait_for_selector("#inputs input[value='other.mp4']")
    problems = [{"loc": ["body", "jobs", 1, "languages", 0], "msg": "Nothing translates it.", "type": "x"}]
    page.route("**/api/jobs/batch", lambda route: route.fulfill(status=422, json={"detail": problems}))
    type_language(page, "pt-BR")
    page.check("#inputs input[value='clip.mp4']")
    page.check("#inputs input[value='other.mp4']")
    page.click("#start")
    page.wait_for_selector("#fault:not(:empty)")
    assert page.text_content("#fault") == "other.mp4: Nothing translates it."
    page.unroute("**/api/jobs/batch")


def test_the_place_of_a_waiting_job_is_set_on_its_page(page: Page, server: Running) -> None:
    source = server.site.inputs / "clip.mp4"
    job = server.site.queue.submit(JobWork("dub", str(source), "clip", ("pt-BR",)), "eve")
    page.goto(f"{server.url}/jobs/{job.id}")
    holds(page, lambda: page.input_value("#priority") == "normal")
    page.select_option("#priority", "high")
    page.click("button:has-text('Set')")
    page.wait_for_selector("#priority option[value=high][selected]", state="attached")
    now = server.site.queue.get(job.id)
    assert now is not None
    assert now.priority == "high"
    server.site.queue.cancel(job.id)
