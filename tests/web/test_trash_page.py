"""What can be deleted on the pages, and how it comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from dubkit.web.accounts.people import Role
from dubkit.web.jobs.kinds import JobWork
from tests.support.browser import Pages
from tests.support.web_client import PASSWORD, Running, running_site
from tests.support.web_episode import write_episode
from tests.web.test_accessibility import faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor", "vic": "viewer"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def ada(pages: Pages, server: Running) -> Page:
    page = pages.open(f"{server.url}/login", allowed=("404", "Applying inline style"))
    page.fill("[name=name]", "ada")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{server.url}/")
    page.on("dialog", lambda dialog: dialog.accept())
    return page


@pytest.mark.slow
def test_an_episode_is_deleted_restored_and_removed(ada: Page, server: Running) -> None:
    store = write_episode(server.site, "Wrong film")
    ada.goto(f"{server.url}/")
    ada.click("[aria-label='Delete Wrong film']")
    ada.wait_for_selector("text=No episodes yet")
    assert not store.root.exists()
    ada.click("a[href='/trash']")
    ada.wait_for_selector("th:has-text('Wrong film')")
    assert faults(ada) == []
    ada.click("[aria-label='Restore Wrong film']")
    ada.wait_for_selector("text=The trash is empty")
    assert store.has("pt-BR/translation.json")
    ada.goto(f"{server.url}/")
    ada.click("[aria-label='Delete Wrong film']")
    ada.wait_for_selector("text=No episodes yet")
    ada.goto(f"{server.url}/trash")
    ada.click("[aria-label='Remove Wrong film for good']")
    ada.wait_for_selector("text=The trash is empty")
    assert not list(server.site.output.rglob("translation.json"))


@pytest.mark.slow
def test_an_input_is_deleted_where_it_is_listed(ada: Page, server: Running) -> None:
    from tests.support.paths import SAMPLE

    ada.goto(f"{server.url}/new")
    content = SAMPLE.read_bytes()
    ada.set_input_files("#upload", {"name": "mine.mp4", "mimeType": "video/mp4", "buffer": content})
    mine = ada.locator("#inputs li:has-text('mine.mp4')")
    mine.locator("summary").click()
    mine.locator("[aria-label='Delete mine.mp4']").click()
    mine.wait_for(state="detached")
    assert not (server.site.inputs / "mine.mp4").exists()
    ada.goto(f"{server.url}/trash")
    ada.click("[aria-label='Restore mine.mp4']")
    ada.wait_for_selector("text=The trash is empty")
    assert (server.site.inputs / "mine.mp4").read_bytes() == content


def test_jobs_that_have_ended_are_deleted_one_by_one_or_all_of_a_search(server: Running) -> None:
    source = server.site.inputs / "clip.mp4"
    source.touch()
    queue = server.site.queue
    jobs = queue.submit_many([JobWork("dub", str(source), "clip", ("fr",))] * 3, "eve")
    eve = server.browser("eve")
    batch = f"/jobs?batch={jobs[0].batch}"
    assert "Delete those" not in eve.get(batch).text
    for job in jobs[:2]:
        queue.cancel(job.id)
    assert f'data-api="DELETE /api/jobs/{jobs[0].id}"' in eve.get(f"/jobs/{jobs[0].id}").text
    assert f'data-api="DELETE /api/jobs/{jobs[2].id}"' not in eve.get(f"/jobs/{jobs[2].id}").text
    action = re.search(r'action="(/jobs/delete\?[^"]*)"', eve.get(batch).text)
    assert action
    assert eve.post(action[1].replace("&amp;", "&")).status_code == 303
    assert [job.id for job in queue.jobs()] == [jobs[2].id]
    assert "2 jobs" in eve.get("/trash").text
    assert "restored for 30 days" in eve.get("/trash").text
    queue.cancel(jobs[2].id)


def test_who_may_not_delete_is_offered_nothing(server: Running) -> None:
    write_episode(server.site, "kept")
    vic = server.browser("vic")
    assert vic.get("/trash").status_code == 403
    assert "DELETE /api" not in vic.get("/").text
    server.browser("ada").put("/api/episodes/kept/access", json={"people": ["eve"]})
    seen = server.browser("eve").get("/").text
    assert "kept" in seen
    assert "DELETE /api/episodes/kept" not in seen
