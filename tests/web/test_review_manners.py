"""What the review page says of jobs, times and lines, and what it keeps, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dubkit.episode.store import EpisodeStore
from dubkit.qc.report.page import render_report
from dubkit.types import Episode
from tests.qc.test_report_page import line, model
from tests.support.browser import Pages, holds, until
from tests.support.web_client import Running, running_site
from tests.web.test_accessibility import faults
from tests.web.test_review_page import ANSWERS, lines_of, write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.slow

SMALL = (1280, 720)
JOB: dict[str, Any] = {
    "id": "job1", "state": "running", "work": {"kind": "regenerate", "languages": ["fr"], "lines": ["s0002"]},
    "progress": {}, "error": "", "degraded": [], "result": {},
}  # fmt: skip
BY_AXE = "Applying inline style"
FINISHED = "event: finished\ndata: {}\n\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), **ANSWERS) as running:
        yield running


@pytest.fixture(scope="module")
def first(pages: Pages, server: Running) -> Page:
    """The tab beside which the others open: they find styles and scripts in its cache."""
    return pages.open(f"{server.url}/jobs")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Name of the test's episode."""
    return re.sub(r"\W+", "-", request.node.name)[:60].strip("-")


@pytest.fixture
def page(pages: Pages, server: Running, first: Page, name: str) -> Iterator[Page]:
    """A page that is not the review yet, so that a test can listen before it is."""
    page = pages.open(f"{server.url}/jobs", allowed=("ERR_", "422", "500", "502", BY_AXE), beside=first)
    page.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})
    write_episode(server.site, name, 12)
    yield page
    page.close()


@pytest.fixture
def review(page: Page, server: Running, name: str) -> Page:
    return opened(page, server, name)


def opened(page: Page, server: Running, name: str) -> Page:
    page.goto(f"{server.url}/episodes/{name}/fr/review")
    page.wait_for_selector("#row-s0012", state="attached")
    return page


def height(page: Page, selector: str) -> float:
    return float(page.eval_on_selector(selector, "(one) => one.getBoundingClientRect().height"))


# --- jobs -------------------------------------------------------------------------------------


def end_job(page: Page, server: Running, name: str, **job: Any) -> None:
    """Open the review while a job runs that is over at once."""
    page.route("**/api/jobs?episode=*", lambda route: route.fulfill(json=[JOB]))
    page.route("**/api/jobs/job1", lambda route: route.fulfill(json=JOB | job))
    stream = {"content_type": "text/event-stream", "body": FINISHED}
    page.route("**/api/jobs/job1/events", lambda route: route.fulfill(**stream))
    opened(page, server, name)
    page.wait_for_selector(f"#jobs .job.{job['state']}")


def test_many_notes_of_a_job_leave_the_list_its_room(page: Page, server: Running, name: str) -> None:
    notes = [f"s{number:04d} did not fit its slot and was cut" for number in range(4, 904)]
    end_job(page, server, name, state="degraded", degraded=notes)
    assert page.locator("#jobs .job-reasons > ul > li").count() == 3
    assert page.text_content("#jobs summary") == "and 897 more"
    page.click("#jobs summary")
    until(page, "document.querySelectorAll('#jobs details li').length === 897")
    assert height(page, "#jobs") <= 0.2 * SMALL[1]
    assert height(page, "#lines") > 180
    page.click("#jobs .job-reasons li:first-child .link")
    until(page, "document.activeElement.id === 'row-s0004'")
    page.keyboard.press("Escape")
    holds(page, lambda: not page.is_visible("#jobs"))
    assert page.evaluate("document.activeElement.id") == "row-s0004"


def test_a_job_says_which_line_is_new_and_goes_away(page: Page, server: Running, name: str) -> None:
    end_job(page, server, name, state="done")
    assert page.text_content("#jobs .job-state") == "Line 2 has a new take."
    page.wait_for_selector("#jobs", state="hidden", timeout=9000)


# --- a server that is gone --------------------------------------------------------------------


def test_what_was_typed_survives_a_server_that_is_gone_and_a_reload(review: Page) -> None:
    gone = [True]

    def answer(route: Route) -> None:
        if gone and route.request.method == "PATCH":
            route.fulfill(status=502, body="Bad gateway")
        else:
            route.continue_()

    review.on("dialog", lambda dialog: dialog.accept())
    review.route("**/lines/s0001", answer)
    review.route("**/api/health/live", lambda route: route.fulfill(status=502) if gone else route.continue_())
    review.keyboard.press("e")
    review.keyboard.type(" Non.")
    review.keyboard.press("Control+Enter")
    review.wait_for_selector("#row-s0001 .saving.bad")
    assert review.is_visible("#offline")
    review.reload()
    until(
        review, "document.querySelector('#row-s0001 .text')?.textContent === 'Ce qui fut dit, ligne 1. Non.'"
    )
    gone.clear()
    review.wait_for_selector("#row-s0001 .saving.ok")
    review.wait_for_selector("#offline", state="hidden")
    until(review, "document.querySelectorAll('.toast').length === 0")
    assert lines_of(review)["s0001"]["text"] == "Ce qui fut dit, ligne 1. Non."
    assert review.evaluate("sessionStorage.length") == 0


# --- times ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(50)])
def test_one_frame_is_a_frame_of_this_film(page: Page, server: Running, name: str, rate: Fraction) -> None:
    store = EpisodeStore(server.site.output / name)
    episode = store.read("episode.json", Episode)
    assert episode.video
    store.write_json("episode.json", replace(episode, video=replace(episode.video, rate=rate)))
    opened(page, server, name)
    until(page, "document.getElementById('source-player').readyState > 0")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")
    time = page.evaluate("document.getElementById('source-player').currentTime")
    assert time == pytest.approx(float(1 / rate), abs=1e-4)


@pytest.mark.parametrize(("typed", "seconds"), [("0:03.6", 3.6), ("3,7", 3.7), ("00:00:03:10", 3.4)])
def test_a_start_is_taken_as_people_write_it(review: Page, typed: str, seconds: float) -> None:
    review.click("#row-s0002 .c-source")
    holds(review, lambda: review.input_value("#field-start") == "0:03.500")
    review.fill("#field-start", typed)
    review.press("#field-start", "Enter")
    review.wait_for_selector("#row-s0002 .saving.ok")
    assert lines_of(review)["s0002"]["start"] == pytest.approx(seconds)


# --- what is seen -----------------------------------------------------------------------------


def test_the_keys_are_read_from_the_beginning(review: Page) -> None:
    review.keyboard.press("?")
    review.wait_for_selector("#help[open]")
    assert review.evaluate("document.getElementById('help').scrollTop") == 0


def test_names_beside_the_waveform_cover_no_line(review: Page) -> None:
    review.wait_for_selector("#waveform [part~='s0001']")
    names = review.locator(".wave-names").bounding_box()
    wave = review.locator("#waveform").bounding_box()
    assert names
    assert wave
    assert names["x"] + names["width"] <= wave["x"] + 1


def test_the_waveform_is_scrolled_with_the_keyboard(review: Page) -> None:
    review.wait_for_selector("#waveform [part~='s0001']")
    assert not [fault for fault in faults(review) if "scrollable" in fault]
    scroller = review.locator("#waveform [part~='scroll']")
    scroller.focus()
    review.keyboard.press("ArrowRight")
    holds(review, lambda: scroller.evaluate("(one) => one.scrollLeft") > 0)


def test_takes_of_the_line_before_are_not_counted(review: Page) -> None:
    review.route("**/lines/s0002", lambda route: route.fulfill(status=500, json={"detail": "Broken."}))
    review.evaluate("document.getElementById('takes-count').textContent = '(3)'")
    review.click("#row-s0002 .c-source")
    review.wait_for_selector("#takes .bad")
    assert review.text_content("#takes-count") == ""


def test_flags_that_no_check_names_are_written_as_the_others(page: Page, server: Running, name: str) -> None:

    def flagged(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        found["lines"][0]["flags"] = ["rushed", "odd-noise"]
        route.fulfill(response=answer, json=found)

    page.route("**/fr/lines", flagged)
    opened(page, server, name)
    assert page.locator("#row-s0001 .chip").all_text_contents() == ["Rushed", "Odd noise"]


def test_the_history_names_lines_by_their_number(review: Page) -> None:
    review.keyboard.press("j")
    review.keyboard.press("a")
    review.wait_for_selector("#row-s0002 .chip.good")
    review.keyboard.press("h")
    review.wait_for_selector("#changes li")
    text = review.text_content("#changes") or ""
    assert "line 2" in text
    assert "s0002" not in text


# --- voices -----------------------------------------------------------------------------------

VOICES: dict[str, Any] = {
    "language": "fr", "engine": "Some voices", "note": "", "others": False,
    "voices": [{"name": "ff_siwis", "title": "clear", "gender": "female", "pitch_hz": 210.0}],
}  # fmt: skip


def with_voices(page: Page, server: Running, name: str, **voices: Any) -> list[str]:
    """Open the review with these voices; return the changes that it sends from then on."""
    sent: list[str] = []
    page.route("**/fr/voices", lambda route: route.fulfill(json=VOICES | voices))
    opened(page, server, name)
    page.on("request", lambda found: sent.append(found.method) if found.method == "PATCH" else None)
    page.click("#field-voice")
    until(page, "document.querySelectorAll('#voices option').length === 1")
    return sent


def test_the_voice_is_chosen_from_a_list(page: Page, server: Running, name: str) -> None:
    sent = with_voices(page, server, name)
    assert page.get_attribute("#voices option", "label") == "ff_siwis: female, clear, 210 Hz"
    assert page.text_content("#voice-about") == "Some voices. 1 voice to choose from"
    page.keyboard.type("ff_siwis")
    with page.expect_request(lambda found: found.method == "PATCH") as asked:
        page.keyboard.press("Enter")
    assert (asked.value.post_data_json or {})["voice"] == "ff_siwis"
    assert sent == ["PATCH"]


def test_a_voice_that_is_none_is_refused_where_it_is_typed(page: Page, server: Running, name: str) -> None:
    sent = with_voices(page, server, name)
    page.keyboard.type("Maria")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast.bad:has-text('ff_siwis')")
    assert page.input_value("#field-voice") == ""
    assert sent == []


def test_a_voice_that_the_server_refuses_is_not_kept(page: Page, server: Running, name: str) -> None:
    with_voices(page, server, name, others=True)
    said = {"detail": "Some voices has no voice 'Maria'. Names: ff_siwis."}
    page.route("**/lines/s0001", lambda route: route.fulfill(status=422, json=said))
    page.keyboard.type("Maria")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast.bad:has-text('Names: ff_siwis')")
    until(page, "document.getElementById('field-voice').value === ''")
    assert page.locator(".saving.bad").count() == 0
    page.once("dialog", lambda dialog: dialog.dismiss())  # a reload that is asked about fails the test
    page.reload()
    page.wait_for_selector("#row-s0001")


# --- from the report --------------------------------------------------------------------------


def test_the_report_leads_back_and_to_the_review_of_each_line(
    page: Page, server: Running, name: str, tmp_path: Path
) -> None:
    store = EpisodeStore(server.site.output / name)
    html = render_report(model(line(1), line(2), video="", shots=())).encode()
    store.write_bytes("report.html", html, "fr")
    page.goto(f"{server.url}/media/{name}/fr/report")
    holds(page, lambda: page.get_attribute("#to-library", "href") == "/")
    assert faults(page) == []
    page.click("[aria-label='Review line 2']")
    page.wait_for_selector("#row-s0002.current")
    assert page.evaluate("document.activeElement.id") == "row-s0002"
    (tmp_path / "report.html").write_bytes(html)
    page.goto((tmp_path / "report.html").as_uri())
    holds(page, lambda: not page.is_visible("#back"))
    assert page.locator(".to-review").count() == 0


def test_many_failures_leave_the_page_in_sight(review: Page) -> None:
    review.route(
        "**/lines/s00*", lambda route: route.fulfill(status=500, json={"detail": "The disk is full."})
    )
    for number in range(6):
        review.keyboard.press("a")
        review.wait_for_selector(f"#row-s000{number + 1} .saving.bad")
        review.keyboard.press("j")
    holds(review, lambda: review.locator(".toast").count() == 4)


def test_what_was_typed_for_a_line_that_is_gone_is_said(review: Page) -> None:
    kept = '[{"id": "s9999", "fields": {"text": "Adieu."}, "bases": {}}]'
    place = "document.body.dataset.person + ' /api' + location.pathname.replace('/review', '')"
    shelf = "dubkit-drafts " + review.evaluate(place)
    review.evaluate("([shelf, kept]) => sessionStorage.setItem(shelf, kept)", [shelf, kept])
    review.reload()
    review.wait_for_selector(".toast:has-text('“Adieu.”')")
