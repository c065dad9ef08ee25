"""Pages whose session, server or subject goes away while they are open; nothing typed goes with it."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from dubkit.web.accounts.people import Role
from dubkit.web.jobs.kinds import Job, JobWork
from tests.support import web_episode
from tests.support.browser import PHONE, Pages, holds, until
from tests.support.web_client import PASSWORD, Running, running_site
from tests.web.test_review_page import ANSWERS, lines_of, write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.slow

PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor", "pat": "editor", "adi": "admin"}
REVIEW = "/episodes/play/fr/review"
OTHER = "another horse battery"
QUIET = ("401", "403", "404", "500", "ERR_INTERNET_DISCONNECTED", "Failed to fetch", "EventSource")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE, **ANSWERS) as running:
        write_episode(running.site, "play", 4, video=False)
        web_episode.write_episode(running.site, "cast")
        web_episode.write_episode(running.site, "n" * 140)
        yield running


@pytest.fixture(scope="module")
def first(pages: Pages, server: Running) -> Page:
    """The tab beside which the others open: they find styles and scripts in its cache."""
    return pages.open(f"{server.url}/login")


@pytest.fixture(scope="module")
def session(server: Running) -> dict[str, str]:
    """The cookies of Eve, who has logged in."""
    return dict(server.browser("eve").cookies)


@pytest.fixture
def page(pages: Pages, server: Running, first: Page, session: dict[str, str]) -> Iterator[Page]:
    """A page of Eve."""
    for name, value in session.items():
        first.context.add_cookies([{"name": name, "value": value, "url": server.url}])
    found = pages.open(f"{server.url}/jobs", allowed=QUIET, beside=first)
    yield found
    for tab in first.context.pages[1:]:
        tab.close()


def enter(page: Page, name: str, password: str = PASSWORD) -> None:
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_selector("nav.links", state="attached")


def another_tab(page: Page, server: Running) -> Page:
    """The same browser at the login page, logged out."""
    page.context.clear_cookies()
    tab = page.context.new_page()
    tab.goto(f"{server.url}/login")
    return tab


def rewrite(page: Page, line: str, text: str) -> None:
    page.click(f"#row-{line} .c-source")
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Control+Enter")


def submit(server: Running, name: str) -> Job:
    path = server.site.inputs / f"{name}.mp4"
    path.touch()
    return server.site.queue.submit(JobWork("dub", str(path), name, ("pt-BR",)), "eve")


def poll(page: Page, what: str) -> None:
    """Let a part of the page ask again, now and not in some seconds."""
    page.evaluate(f"htmx.trigger(document.querySelector('{what}'), 'every')")


# --- logged in anew ---------------------------------------------------------------------------


def test_a_text_is_saved_after_a_new_login_in_another_tab(page: Page, server: Running) -> None:
    page.goto(server.url + REVIEW)
    page.wait_for_selector("#row-s0001")
    enter(another_tab(page, server), "eve")
    rewrite(page, "s0001", "Written before.")
    page.wait_for_selector("#row-s0001 .saving.ok")
    assert lines_of(page)["s0001"]["text"] == "Written before."
    assert page.locator(".toast").count() == 0


def test_a_text_waits_for_the_login_in_another_tab(page: Page, server: Running) -> None:
    page.goto(server.url + REVIEW)
    page.wait_for_selector("#row-s0002")
    tab = another_tab(page, server)
    rewrite(page, "s0002", "Kept all night.")
    page.wait_for_selector(".toast:has-text('Log in in another tab, then press Try again.')")
    assert page.url.endswith(REVIEW)
    enter(tab, "eve")
    page.click("#row-s0002 [data-act=retry]")
    page.wait_for_selector("#row-s0002 .saving.ok")
    assert lines_of(page)["s0002"]["text"] == "Kept all night."


def test_a_text_is_not_saved_in_the_name_of_somebody_else(page: Page, server: Running) -> None:
    page.goto(server.url + REVIEW)
    page.wait_for_selector("#row-s0003")
    before = lines_of(page)["s0003"]["text"]
    tab = another_tab(page, server)
    enter(tab, "pat")
    rewrite(page, "s0003", "Typed by Eve.")
    page.wait_for_selector(".toast:has-text('pat has logged in in another tab. Log in there as eve')")
    assert lines_of(page)["s0003"]["text"] == before
    enter(another_tab(page, server), "eve")
    page.click("#row-s0003 [data-act=retry]")
    page.wait_for_selector("#row-s0003 .saving.ok")
    assert lines_of(page)["s0003"]["text"] == "Typed by Eve."


def test_logging_out_works_after_a_new_login_in_another_tab(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/jobs")
    enter(another_tab(page, server), "eve")
    page.click("text=Log out")
    page.wait_for_url("**/login")


def test_a_plan_is_shown_after_a_new_login_in_another_tab(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/new")
    page.wait_for_selector("#inputs label")
    enter(another_tab(page, server), "eve")
    page.click("#show-plan")
    page.wait_for_selector("#plan:has-text('Choose a file and a language first')")


def test_an_upload_begins_after_a_new_login_in_another_tab(
    page: Page, server: Running, tmp_path: Path
) -> None:
    page.goto(f"{server.url}/new")
    page.wait_for_selector("#inputs label")
    enter(another_tab(page, server), "eve")
    with wave.open(str(tmp_path / "talk.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))
    page.set_input_files("#upload", tmp_path / "talk.wav")
    page.wait_for_selector("#uploads:has-text('ticked')")


def test_the_page_goes_on_after_a_new_password(pages: Pages, server: Running) -> None:
    page = pages.open(f"{server.url}/login?next=/settings", allowed=())
    enter(page, "pat")
    page.click("text=Change the password")
    page.fill("#old", PASSWORD)
    page.fill("#new", OTHER)
    page.fill("#again", OTHER)
    page.click("button:has-text('Change it')")
    page.wait_for_selector(".toast:has-text('The password has been changed.')")
    page.fill("#label", "night run")
    page.click("button:has-text('Make a token')")
    page.wait_for_selector("#fresh-token:visible")
    page.click("text=Log out")
    page.wait_for_url("**/login")
    page.context.close()


def test_the_page_goes_on_after_an_admin_has_set_the_own_password(pages: Pages, server: Running) -> None:
    page = pages.open(f"{server.url}/login?next=/users", allowed=())
    enter(page, "adi")
    row = page.locator("tr:has(.tag:has-text('you'))")
    row.locator("summary").click()
    row.locator("[name=password]").fill(OTHER)
    row.locator("[aria-label='Set the password of adi']").click()
    page.wait_for_selector(".toast:has-text('The password has been changed.')")
    page.click("text=Log out")
    page.wait_for_url("**/login")
    page.context.close()


# --- no good answer ---------------------------------------------------------------------------


def test_a_server_that_is_away_is_said_once_until_it_is_back(page: Page, server: Running) -> None:
    job = submit(server, "away")
    page.goto(f"{server.url}/jobs")
    page.wait_for_selector("#jobs table")
    page.context.set_offline(True)
    for _ in range(3):
        with page.expect_event("requestfailed"):
            poll(page, "#jobs")
    page.wait_for_selector(".toast:has-text('cannot be reached')")
    assert page.locator(".toast").count() == 1
    page.context.set_offline(False)
    poll(page, "#jobs")
    page.wait_for_selector(".toast", state="detached")
    server.site.queue.cancel(job.id)


def refuse(page: Page, status: int) -> None:
    """Answer what htmx asks for with something else."""
    text = "<main><h1>No</h1><div class=notice><div>There is nothing.</div></div></main>"

    def answer(route: Route) -> None:
        if "hx-request" in route.request.headers:
            route.fulfill(status=status, content_type="text/html", body=text)
        else:
            route.continue_()

    page.route("**/*", answer)


def test_a_list_leads_to_the_login_when_the_session_has_ended(page: Page, server: Running) -> None:
    job = submit(server, "ended")
    page.goto(f"{server.url}/jobs?state=queued")
    page.wait_for_selector("#jobs table")
    page.context.clear_cookies()
    refuse(page, 401)
    poll(page, "#jobs")
    page.wait_for_url("**/login?next=%2Fjobs%3Fstate%3Dqueued")
    server.site.queue.cancel(job.id)


def test_what_is_typed_is_not_left_for_the_login(page: Page, server: Running) -> None:
    job = submit(server, "cast")
    page.goto(f"{server.url}/")
    page.click(".episode:has-text('cast') summary:has-text('Who may see it')")
    page.fill("[data-share=cast] [name=people]", "bob")
    refuse(page, 401)
    for _ in range(2):
        with page.expect_response(f"{server.url}/running"):
            poll(page, "#running")
    page.wait_for_selector(".toast:has-text('Log in in another tab')")
    assert page.locator(".toast").count() == 1
    assert page.input_value("[data-share=cast] [name=people]") == "bob"
    server.site.queue.cancel(job.id)


@pytest.mark.parametrize("status", [404, 500, 200])
def test_a_job_stays_in_view_whatever_is_answered(page: Page, server: Running, status: int) -> None:
    job = submit(server, "view")
    page.goto(f"{server.url}/jobs/{job.id}")
    page.wait_for_selector("#job")
    refuse(page, status)
    with page.expect_response(lambda found: "hx-request" in found.request.headers):
        server.site.queue.cancel(job.id)
    page.wait_for_timeout(200)
    assert page.is_visible("#job h2")
    assert page.locator("main").count() == 1
    said = ["There is nothing."] if status != 200 else []
    assert page.locator(".toast.bad").all_inner_texts() == said


def test_people_that_cannot_be_read_are_said_and_asked_for_again(page: Page, server: Running) -> None:
    refuse(page, 500)
    page.goto(f"{server.url}/characters?episode=cast")
    people = page.locator("details:has(summary:has-text('cast')) .people")
    page.wait_for_selector("text=They could not be read")
    page.unroute("**/*")
    for _ in range(2):
        page.click("summary:has-text('cast')")
    people.locator(".person").first.wait_for()
    assert page.locator(".toast").count() == 0


def test_the_theme_of_the_page_of_a_job_goes_on_by_one(page: Page, server: Running) -> None:
    job = submit(server, "theme")
    server.site.queue.cancel(job.id)
    page.goto(f"{server.url}/jobs/{job.id}")
    page.click(".bar > [data-theme-toggle]")
    holds(page, lambda: page.inner_text("[data-theme-name]") == "Light")


# --- typed elsewhere on the page --------------------------------------------------------------


def test_saving_one_person_leaves_what_is_typed_for_another(page: Page, server: Running) -> None:
    page.goto(f"{server.url}/characters?episode=cast")
    ana = page.locator(".person[data-speaker=spk2]")
    other = page.locator(".person[data-speaker=spk1]")
    other.locator("summary").click()
    other.locator("[data-split] [name=name]").fill("Berta")
    other.locator("[data-describe] [name=description]").fill("The tall man")
    ana.locator("[data-describe] [name=name]").fill("Anita")
    ana.locator("[data-describe] button").press("Enter")
    page.wait_for_selector(".person h3:has-text('Anita')")
    assert other.locator("[data-describe] [name=description]").input_value() == "The tall man"
    assert other.locator("[data-split] [name=name]").input_value() == "Berta"
    until(page, "document.activeElement.getAttribute('aria-label') === 'Save Anita'")
    with page.expect_response("**/speakers/spk1"):
        other.locator("[data-describe] button").click()
    other.locator("[data-describe] button:enabled").wait_for()
    (spk1,) = [row for row in cast_of(page) if row["id"] == "spk1"]
    assert spk1["description"] == "The tall man"


def cast_of(page: Page) -> list[dict[str, str]]:
    address = f"{page.url.split('/characters')[0]}/api/episodes/cast/pt-BR/speakers"
    found: list[dict[str, str]] = page.request.get(address).json()["speakers"]
    return found


def test_the_library_takes_in_a_new_episode_around_what_is_typed(page: Page, server: Running) -> None:
    job, other = submit(server, "cast"), submit(server, "other")
    page.goto(f"{server.url}/")
    page.click(".episode:has-text('cast') summary:has-text('Who may see it')")
    field = page.locator("[data-share=cast] [name=people]")
    field.fill("bo")
    web_episode.write_episode(server.site, "a new one")
    server.site.queue.cancel(other.id)
    poll(page, "#running")
    page.wait_for_selector("h3:has-text('a new one')")
    page.keyboard.type("b")
    assert field.input_value() == "bob"
    assert page.locator(".episode:has([data-share=cast]) h3").inner_text() == "cast"
    assert "4 episodes" in page.inner_text("main")
    server.site.queue.cancel(job.id)


def test_a_search_goes_on_over_episodes_that_come(page: Page, server: Running) -> None:
    for number in range(6):
        web_episode.write_episode(server.site, f"part {number}")
    job = submit(server, "cast")
    page.goto(f"{server.url}/")
    page.fill("#find", "part 3")
    page.wait_for_url("**/?text=part+3")
    web_episode.write_episode(server.site, "part 30")
    web_episode.write_episode(server.site, "part 4 anew")
    server.site.queue.cancel(job.id)
    poll(page, "#running")
    page.wait_for_selector("h3:has-text('part 30')")
    assert page.locator(".episode:visible").count() == 2
    assert page.input_value("#find") == "part 3"


def test_a_long_name_fits_on_a_phone(page: Page, server: Running) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    long = quote("n" * 140)
    for path in ("/characters", f"/characters?episode={long}", "/", f"/episodes/{long}/pt-BR/review"):
        page.goto(server.url + path)
        page.wait_for_selector(".person, .episode, #row-s0001")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
