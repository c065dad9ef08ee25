"""The review page when others change the same, when jobs end meanwhile, when keys and fields are misused."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import Pages, holds, until
from tests.support.web_client import Running, running_site
from tests.web.test_review_page import ANSWERS, lines_of, write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page, Route

pytestmark = pytest.mark.slow

JOB: dict[str, Any] = {
    "id": "job1", "state": "running", "work": {"kind": "regenerate", "languages": ["fr"]}, "progress": {},
    "error": "", "degraded": [], "result": {},
}  # fmt: skip
FINISHED = "event: finished\ndata: {}\n\n"
TAKE: dict[str, Any] = {
    "take": "v001", "engine": "dots", "voice": "", "seed": None, "seconds": 1.0, "speed": 1.0, "fit": "fits",
    "flags": [], "text": "", "in_use": True, "chosen": False, "picture": "", "clip": "", "span": None,
}  # fmt: skip
HEARD = """
window.heard = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { heard.push(this); return play.call(this); };
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), **ANSWERS) as running:
        yield running


@pytest.fixture(scope="module")
def first(pages: Pages, server: Running) -> Page:
    """The tab beside which the others open: they find styles and scripts in its cache."""
    return pages.open(f"{server.url}/jobs")


@pytest.fixture
def page(pages: Pages, server: Running, first: Page, name: str) -> Iterator[Page]:
    """A page of the server that is not the review yet, so that a test can listen before it is."""
    page = pages.open(f"{server.url}/jobs", allowed=("409", "400", "503", "ERR_FAILED"), beside=first)
    write_episode(server.site, name, 6, video=False)
    yield page
    page.close()


@pytest.fixture
def review(page: Page, server: Running, name: str) -> Page:
    return opened(page, server, name)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Name of the test's episode."""
    return re.sub(r"\W+", "-", request.node.name)[:60].strip("-")


def opened(page: Page, server: Running, name: str, query: str = "") -> Page:
    page.goto(f"{server.url}/episodes/{name}/fr/review{query}")
    page.wait_for_selector("#row-s0001", state="attached")
    return page


def another_writes(page: Page, line: str, **fields: Any) -> None:
    """Change a line as somebody else does, who has no page open."""
    api = page.url.split("?")[0].replace("/episodes/", "/api/episodes/").replace("/review", "/lines")
    token = page.get_attribute('meta[name="csrf-token"]', "content") or ""
    answer = page.request.patch(f"{api}/{line}", data=fields, headers={"X-CSRF-Token": token})
    assert answer.ok, answer.text()


def type_text(page: Page, line: str, text: str) -> None:
    """Open the text of a line and write another one, without saving it."""
    page.click(f"#row-{line} .c-source")
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


class Following:
    """A job that the page follows from its beginning and that ends when it is told to."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.job = JOB
        self.streams: list[Route] = []
        page.route("**/api/jobs?episode=*", lambda route: route.fulfill(json=[JOB]))
        page.route("**/api/jobs/job1", lambda route: route.fulfill(json=self.job))
        page.route("**/api/jobs/job1/events", lambda route: self.streams.append(route))

    def end(self) -> None:
        """End, and wait until the page has read the lines again."""
        until(self.page, "document.querySelector('#jobs .job') !== null")
        self.job = {**JOB, "state": "done"}
        with self.page.expect_response("**/fr/lines"):
            self.streams[-1].fulfill(content_type="text/event-stream", body=FINISHED)
        self.page.wait_for_selector(".job.done")


@pytest.fixture
def job(page: Page, server: Running, name: str) -> Following:
    """A job that is followed by the review page."""
    following = Following(page)
    opened(page, server, name)
    return following


# --- what another person writes meanwhile -----------------------------------------------------


def test_a_job_that_ends_hides_no_change_of_another(page: Page, job: Following) -> None:
    type_text(page, "s0002", "Mine.")
    another_writes(page, "s0002", text="Theirs.")
    job.end()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#conflict[open]")
    assert page.text_content("#conflict .mine") == "Mine."
    assert page.text_content("#conflict .theirs") == "Theirs."
    assert lines_of(page)["s0002"]["text"] == "Theirs."
    page.click("#take-mine")
    page.wait_for_selector("#row-s0002 .saving.ok")
    assert lines_of(page)["s0002"]["text"] == "Mine."


def test_a_note_being_written_hides_no_note_of_another(page: Page, job: Following) -> None:
    page.click("#field-note")
    page.keyboard.type("Mine")
    another_writes(page, "s0001", note="Theirs")
    job.end()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#conflict[open]")
    page.click("#take-theirs")
    until(page, "document.getElementById('field-note').value === 'Theirs'")


def test_a_text_that_was_only_opened_gives_way(page: Page, job: Following) -> None:
    sent: list[str] = []
    page.on("request", lambda found: sent.append(found.method))
    page.click("#row-s0001 .text")
    another_writes(page, "s0001", text="Theirs.")
    job.end()
    page.keyboard.press("Control+Enter")
    until(page, "document.querySelector('#row-s0001 .text').textContent === 'Theirs.'")
    assert "PATCH" not in sent


def test_a_choice_put_off_is_asked_again_whatever_else_was_saved(review: Page) -> None:
    type_text(review, "s0002", "Mine.")
    another_writes(review, "s0002", text="Theirs.")
    review.keyboard.press("Control+Enter")
    review.wait_for_selector("#conflict[open]")
    review.click("#conflict button:has-text('Decide later')")
    review.keyboard.press("a")
    review.wait_for_selector("#row-s0002 .chip.good")
    review.click("#row-s0002 [data-act=retry]")
    review.wait_for_selector("#conflict[open]")
    assert lines_of(review)["s0002"]["text"] == "Theirs."


def test_what_is_typed_on_after_saving_is_no_conflict_with_oneself(review: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    review.route("**/lines/s0001", hold_the_first)
    for text in ("One.", "Two."):
        type_text(review, "s0001", text)
        review.keyboard.press("Control+Enter")
    holds(review, lambda: bool(held))
    held[0].continue_()
    until(review, "document.querySelector('#row-s0001 .saving.ok') !== null")
    until(review, "document.querySelector('#row-s0001 .text').textContent === 'Two.'")
    review.wait_for_timeout(200)
    assert not review.is_visible("#conflict")
    assert lines_of(review)["s0001"]["text"] == "Two."


def test_a_refusal_that_nobody_caused_is_sent_once_more(review: Page) -> None:
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if route.request.method == "PATCH" and not refused:
            refused.append(route.request.url)
            route.fulfill(status=409, json={"detail": "Ada changed takes of s0001 meanwhile."})
        else:
            route.continue_()

    review.route("**/lines/s0001", refuse_once)
    type_text(review, "s0001", "Mine.")
    review.keyboard.press("Control+Enter")
    review.wait_for_selector("#row-s0001 .saving.ok")
    assert refused
    assert not review.is_visible("#conflict")
    assert lines_of(review)["s0001"]["text"] == "Mine."


def test_two_conflicts_are_two_questions(review: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "PATCH" and len(held) < 2:
            held.append(route)
        else:
            route.continue_()

    review.route("**/lines/*", hold)
    for line in ("s0001", "s0002"):
        another_writes(review, line, text=f"Theirs {line}.")
        type_text(review, line, f"Mine {line}.")
        review.keyboard.press("Control+Enter")
    holds(review, lambda: len(held) == 2)
    for route in held:
        route.continue_()
    review.wait_for_selector("#conflict[open]")
    review.wait_for_timeout(300)
    first = "s0001" if "Line 1" in (review.text_content("#conflict-title") or "") else "s0002"
    second = {"s0001": "s0002", "s0002": "s0001"}[first]
    review.click("#take-theirs")
    review.wait_for_selector(f"#conflict .mine:has-text('Mine {second}.')")
    review.click("#take-mine")
    review.wait_for_selector(f"#row-{second} .saving.ok")
    found = lines_of(review)
    assert (found[first]["text"], found[second]["text"]) == (f"Theirs {first}.", f"Mine {second}.")


def test_other_lines_wait_until_the_text_is_closed(page: Page, job: Following) -> None:

    def without_the_last(route: Route) -> None:
        answer = route.fetch()
        found = answer.json()
        route.fulfill(response=answer, json={**found, "lines": found["lines"][:-1]})

    page.route("**/fr/lines", without_the_last)
    type_text(page, "s0002", "Half a sen")
    job.end()
    page.wait_for_timeout(500)
    assert page.evaluate("document.activeElement.value") == "Half a sen"
    assert lines_of(page)["s0002"]["text"] != "Half a sen"
    page.keyboard.type("tence.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#row-s0006", state="detached")
    until(page, "document.activeElement.id === 'row-s0002'")
    assert lines_of(page)["s0002"]["text"] == "Half a sentence."


# --- fields of the panel ----------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", "-e"])
def test_a_time_that_is_no_number_is_put_back(review: Page, typed: str) -> None:
    review.click("#row-s0002 .c-source")
    review.click("#field-start")
    review.keyboard.press("Control+a")
    review.keyboard.press("Delete")
    review.keyboard.type(typed)
    review.keyboard.press("Tab")
    until(review, "document.getElementById('field-start').value === '0:03.500'")
    review.wait_for_timeout(200)
    assert lines_of(review)["s0002"]["start"] == 3.5


def questions(page: Page) -> list[str]:
    """Accept what the page asks from now on; return the kinds of its questions."""
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    return asked


def test_a_note_that_is_not_saved_yet_is_not_left_without_a_question(review: Page) -> None:
    asked = questions(review)
    review.click("#field-note")
    review.keyboard.type("Ask the client")
    review.reload()
    assert asked == ["beforeunload"]


def test_a_note_that_is_saved_is_left_at_once(review: Page) -> None:
    asked = questions(review)
    review.click("#field-note")
    review.keyboard.type("Ask the client")
    review.keyboard.press("Control+Enter")
    review.wait_for_selector("#row-s0001 .saving.ok")
    for field in ("start", "note"):
        review.click(f"#field-{field}")
    review.reload()
    assert asked == []


# --- keys and dialogs -------------------------------------------------------------------------


def test_a_held_key_undoes_once(review: Page) -> None:
    sent: list[str] = []
    for line in ("s0001", "s0002", "s0003"):
        another_writes(review, line, accepted=True)
    review.on("request", lambda found: sent.append(found.url))
    review.focus("#row-s0001")
    with review.expect_response("**/undo"):
        for _ in range(3):
            review.keyboard.down("u")
    review.wait_for_timeout(300)
    assert len([url for url in sent if url.endswith("/undo")]) == 1


def test_a_held_key_moves_an_edge_on(review: Page) -> None:
    review.focus("#row-s0001")
    for _ in range(3):
        review.keyboard.down("]")
    review.keyboard.up("]")
    review.wait_for_selector("#row-s0001 .saving.ok")
    assert lines_of(review)["s0001"]["start"] == 0.65


@pytest.mark.parametrize("held", ["altKey: true", "altKey: true, ctrlKey: true"])
def test_a_sign_behind_alt_moves_an_edge(review: Page, held: str) -> None:
    event = f"new KeyboardEvent('keydown', {{key: ']', {held}, bubbles: true, cancelable: true}})"
    review.evaluate(f"document.getElementById('row-s0001').dispatchEvent({event})")
    review.wait_for_selector("#row-s0001 .saving.ok")
    assert lines_of(review)["s0001"]["start"] == 0.55


def test_a_refused_undo_is_said_in_the_history(review: Page) -> None:
    for text in ("One.", "Two."):
        another_writes(review, "s0001", text=text)
    review.keyboard.press("h")
    review.click("#changes [aria-label='Undo change 1']")
    review.wait_for_selector("#history-fault:has-text('cannot be undone')")
    assert review.locator(".toast").count() == 0
    assert review.evaluate("document.activeElement.id") == "history-close"
    review.click("#changes [aria-label='Undo change 2']")
    review.wait_for_selector("#changes .undone")
    assert review.text_content("#history-fault") == ""


# --- the list ---------------------------------------------------------------------------------


def test_the_speaker_of_the_address_is_shown_alone_at_first(page: Page, server: Running, name: str) -> None:
    opened(page, server, name, "?speaker=spk2")
    assert page.text_content("#count") == "2 of 6 lines"
    assert page.input_value("#filter-speaker") == "spk2"
    assert page.evaluate("document.activeElement.id") == "row-s0002"
    page.click("#clear-filters")
    holds(page, lambda: page.text_content("#count") == "6 lines")


def test_a_speaker_that_nobody_is_hides_nothing(page: Page, server: Running, name: str) -> None:
    opened(page, server, name, "?speaker=nobody")
    assert page.text_content("#count") == "6 lines"
    assert page.input_value("#filter-speaker") == ""


def test_parts_of_an_element_that_are_not_there_leave_no_text(review: Page) -> None:
    made = 'h("p", {}, "a", undefined, null, false, "b")'
    found = review.evaluate(f'import("/static/js/dom.js").then(({{ h }}) => {made}.outerHTML)')
    assert found == "<p>ab</p>"


def test_texts_have_their_language_and_direction(review: Page) -> None:
    another_writes(review, "s0001", text="مرحبا")
    review.reload()
    review.wait_for_selector("#row-s0001")
    look = "(one) => [one.dir, one.lang, getComputedStyle(one).direction]"
    assert review.eval_on_selector("#row-s0001 .text", look) == ["auto", "fr", "rtl"]
    assert review.eval_on_selector("#row-s0001 .c-source", look) == ["auto", "", "ltr"]
    assert review.eval_on_selector("#candidates span", look)[:2] == ["auto", "fr"]
    assert review.eval_on_selector("#field-note", look)[:2] == ["auto", ""]
    assert review.eval_on_selector("#line-heard", look)[:2] == ["auto", "fr"]
    review.keyboard.press("e")
    holds(review, lambda: review.eval_on_selector("#row-s0001 textarea", look) == ["auto", "fr", "rtl"])
    review.keyboard.press("Escape")
    holds(review, lambda: review.eval_on_selector("#row-s0001 .text", look) == ["auto", "fr", "rtl"])


# --- takes and what is due --------------------------------------------------------------------


def test_a_take_plays_on_when_its_line_is_changed(page: Page, server: Running, name: str) -> None:
    sound = f"/media/{name}/source"
    page.add_init_script(HEARD)

    def with_a_take(route: Route) -> None:
        if route.request.method != "GET":
            route.continue_()
            return
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "takes": [{**TAKE, "sound": sound}]})

    page.route("**/lines/s0001", with_a_take)
    page.route(f"**{sound}", lambda route: route.fulfill(content_type="audio/wav", body=silence(20)))
    opened(page, server, name)
    page.click("[data-key='play-v001']")
    until(page, "heard.length > 0 && heard[0].currentTime > 0")
    page.focus("#row-s0001")
    with page.expect_response("**/lines/s0001"):
        page.keyboard.press("a")
    with page.expect_response("**/lines/s0001"):  # the panel reads its takes again
        pass
    page.wait_for_timeout(200)
    assert page.evaluate("heard[0].paused") is False


def silence(seconds: int) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000 * seconds))
    return stream.getvalue()


def test_what_is_due_is_counted_again_after_a_failure(page: Page, server: Running, name: str) -> None:
    away = [True]
    due = {"items": {}, "reasons": {}, "seconds": [0, 0], "nothing": False, "text": "1 line spoken."}
    page.route(
        "**/pending**",
        lambda route: route.fulfill(status=503, json={}) if away else route.fulfill(json=due),
    )
    with page.expect_response("**/pending**"):
        opened(page, server, name)
    away.clear()
    page.keyboard.press("a")
    until(page, "document.getElementById('render-state').textContent === '1 line spoken.'")
