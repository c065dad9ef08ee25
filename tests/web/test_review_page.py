"""The review page in a real browser, on the real application."""

from __future__ import annotations

import math
import re
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dubkit.episode.folders import SOURCE, SourceMemo
from dubkit.episode.store import EpisodeStore, canonical
from dubkit.types import (
    Adaptation,
    AdaptedLine,
    AudioStream,
    Candidate,
    Cast,
    Diarization,
    Episode,
    Line,
    Segment,
    Shot,
    Shots,
    Speaker,
    Transcript,
    Translation,
    VideoStream,
)
from dubkit.web.site import Site
from tests.support.browser import PHONE, Pages, holds, until, watched
from tests.support.paths import SAMPLE
from tests.support.web_client import Running, running_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.slow

ANSWERS: dict[str, Any] = {"translate__provider": "none"}
"""With these settings a plan needs no model."""
PEOPLE = ("Ana", "Inspector Delacroix", "Marc")


def write_episode(site: Site, name: str, count: int, *, video: bool = True) -> EpisodeStore:
    """Write an episode of `count` lines, one every three seconds, translated but not spoken."""
    store = EpisodeStore(site.output / name)
    source = site.inputs / f"{name}.mp4"
    source.write_bytes(SAMPLE.read_bytes() if video else b"")
    stat = source.stat()
    memo = SourceMemo(str(source.resolve()), "0" * 64, stat.st_size, stat.st_mtime_ns)
    store.write_bytes(SOURCE, canonical(memo))
    length = count * 3 + 2
    picture = VideoStream(0, "h264", 320, 180, Fraction(25), length * 25, Fraction(0), Fraction(length))
    sound = AudioStream(1, 1, "aac", 48000, 2, "stereo")
    episode = Episode(name, "0" * 64, "mp4", Fraction(length), picture if video else None, (sound,), track=1)
    store.write_json("episode.json", episode)
    if video:
        store.write_json("shots.json", Shots((Shot("shot1", 0, 25, 0.0, 1.0),)))
    ids = [f"s{number:04d}" for number in range(1, count + 1)]
    segments = tuple(
        Segment(item, at * 3 + 0.5, at * 3 + 2.5, f"spk{at % 3 + 1}", f"What was said in line {at + 1}.")
        for at, item in enumerate(ids)
    )
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "given"))
    _write_sound(store, length)
    store.write_json("diarization.json", Diarization((), "given", {}))
    lines = tuple(_translated(at, item) for at, item in enumerate(ids))
    store.write_json("translation.json", Translation("fr", lines), "fr")
    people = tuple(
        Speaker(f"spk{at}", name, "The person", False, 120.0, -23.0) for at, name in enumerate(PEOPLE, 1)
    )
    store.write_json("cast.json", Cast("fr", people), "fr")
    return store


def _write_sound(store: EpisodeStore, length: int) -> None:
    with store.writing("audio.wav") as path, wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        tone = b"".join(int(9000 * math.sin(at / 5)).to_bytes(2, "little", signed=True) for at in range(8000))
        sound.writeframes(tone * length)


def _translated(at: int, item: str) -> Line:
    flags = ("bad-reply",) if at % 5 == 3 else ()
    text = f"Ce qui fut dit, ligne {at + 1}."
    return Line(item, text, flags=flags, candidates=(text, f"Une autre phrase {at + 1}."))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), **ANSWERS) as running:
        yield running


@pytest.fixture
def pages(chromium: Browser, tmp_path: Path) -> Iterator[Pages]:
    with watched(chromium, tmp_path / "screenshots") as found:
        yield found


@pytest.fixture
def address(server: Running, request: pytest.FixtureRequest) -> str:
    """A fresh episode of twelve lines, and the address of its review page."""
    name = re.sub(r"\W+", "-", request.node.name)[:60].strip("-")
    write_episode(server.site, name, 12)
    return f"{server.url}/episodes/{name}/fr/review"


def opened(pages: Pages, address: str, **how: Any) -> Page:
    page = pages.open(address, **how)
    page.wait_for_selector("#row-s0001")
    return page


def lines_of(page: Page) -> dict[str, dict[str, Any]]:
    """What the server has now."""
    api = page.url.replace("/episodes/", "/api/episodes/").replace("/review", "/lines")
    return {line["id"]: line for line in page.request.get(api).json()["lines"]}


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_the_keyboard_alone_does_the_job(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    keys = page.keyboard
    keys.press("j")
    holds(page, lambda: focused(page) == "row-s0002")
    keys.press("e")
    keys.press("Control+a")
    keys.type("Une phrase neuve.")
    keys.press("Control+Enter")
    page.wait_for_selector("#row-s0002 .saving.ok")
    assert focused(page) == "row-s0002"
    assert lines_of(page)["s0002"]["text"] == "Une phrase neuve."
    keys.press("a")
    page.wait_for_selector("#row-s0002 .chip.good")
    keys.press("m")
    keys.type("Ask the client")
    keys.press("Control+Enter")
    page.wait_for_selector("#row-s0002 .chip.note")
    assert focused(page) == "row-s0002"
    keys.press("]")
    page.wait_for_selector("#line-times:has-text('0:03.55')")
    keys.press("n")
    holds(page, lambda: focused(page) == "row-s0004")
    keys.press("?")
    page.wait_for_selector("#help[open]")
    pages.shoot(page, "review-keys")
    keys.press("Escape")
    holds(page, lambda: focused(page) == "row-s0004")
    now = lines_of(page)["s0002"]
    assert (now["accepted"], now["note"], now["start"]) == (True, "Ask the client", 3.55)


def test_undo_takes_back_and_do_again_repeats(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.keyboard.press("a")
    page.wait_for_selector("#row-s0001 .chip.good")
    page.keyboard.press("u")
    page.wait_for_selector("#row-s0001 .chip.good", state="detached")
    assert focused(page) == "row-s0001"
    page.keyboard.press("Shift+U")
    page.wait_for_selector("#row-s0001 .chip.good")
    page.keyboard.press("h")
    page.wait_for_selector("#changes li")
    pages.shoot(page, "review-history")


def test_escape_restores_the_text(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.keyboard.press("Enter")
    page.keyboard.type(" never mind")
    page.keyboard.press("Escape")
    holds(page, lambda: page.text_content("#row-s0001 .text") == "Ce qui fut dit, ligne 1.")
    assert focused(page) == "row-s0001"
    assert lines_of(page)["s0001"]["edited"] == []


def test_leaving_the_text_saves_it(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.click("#row-s0001 .text")
    page.keyboard.type(" Oui.")
    page.click("#row-s0003 .c-source")
    page.wait_for_selector("#row-s0001 .saving.ok")
    assert lines_of(page)["s0001"]["text"] == "Ce qui fut dit, ligne 1. Oui."


def test_what_could_not_be_saved_is_kept_and_sent_again_by_hand(pages: Pages, address: str) -> None:
    page = opened(pages, address, allowed=("500",))
    broken = [True]

    def answer(route: Route) -> None:
        if route.request.method == "PATCH" and broken:
            route.fulfill(status=500, json={"detail": "The disk is full."})
        else:
            route.continue_()

    page.route("**/lines/s0001", answer)
    page.keyboard.press("e")
    page.keyboard.type(" Non.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#row-s0001 .saving.bad")
    assert page.text_content("#row-s0001 .text") == "Ce qui fut dit, ligne 1. Non."
    assert "The disk is full." in page.text_content("#toasts")  # type: ignore[operator]
    pages.shoot(page, "review-not-saved")
    broken.clear()
    page.click("#row-s0001 [data-act=retry]")
    page.wait_for_selector("#row-s0001 .saving.ok")
    assert lines_of(page)["s0001"]["text"] == "Ce qui fut dit, ligne 1. Non."


def test_a_server_that_is_gone_is_said_and_nothing_is_lost(pages: Pages, address: str) -> None:
    page = opened(pages, address, allowed=("ERR_INTERNET_DISCONNECTED",))
    page.context.set_offline(True)
    page.keyboard.press("e")
    page.keyboard.type(" Non.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#row-s0001 .saving.bad")
    page.wait_for_selector("#offline")
    page.context.set_offline(False)
    page.wait_for_selector("#row-s0001 .saving.ok")
    page.wait_for_selector("#offline", state="hidden")
    page.wait_for_selector(".toast", state="detached")


@pytest.mark.parametrize(("choice", "kept"), [("#take-mine", "Mine."), ("#take-theirs", "Theirs.")])
def test_two_changes_of_a_line_are_both_shown(pages: Pages, address: str, choice: str, kept: str) -> None:
    page = opened(pages, address, allowed=("409",))
    other = opened(pages, address)
    for each, text in ((other, "Theirs."), (page, "Mine.")):
        each.keyboard.press("e")
        each.keyboard.press("Control+a")
        each.keyboard.type(text)
        each.keyboard.press("Control+Enter")
        if each is other:
            each.wait_for_selector("#row-s0001 .saving.ok")
    page.wait_for_selector("#conflict[open]")
    assert page.text_content("#conflict .mine") == "Mine."
    assert page.text_content("#conflict .theirs") == "Theirs."
    pages.shoot(page, "review-conflict")
    page.click(choice)
    page.wait_for_selector("#row-s0001 .saving.ok")
    assert page.text_content("#row-s0001 .text") == lines_of(page)["s0001"]["text"] == kept


def test_many_lines_at_once(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.check("#row-s0002 .pick")
    page.click("#row-s0004 .pick", modifiers=["Shift"])
    holds(page, lambda: page.text_content("#selected-count") == "3 lines selected")
    page.click("#many-assign")
    page.select_option("#assign-speaker", "")
    page.fill("#assign-name", "Rosa")
    pages.shoot(page, "review-assign")
    page.click("#assign .primary")
    page.wait_for_selector("#row-s0003 .name:has-text('Rosa')")
    assert {lines_of(page)[item]["speaker_name"] for item in ("s0002", "s0003", "s0004")} == {"Rosa"}
    page.click("#many-accept")
    page.wait_for_selector("#row-s0004 .chip.good")


def test_filters_and_the_way_to_problems(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.keyboard.press("/")
    page.keyboard.type("ligne 7")
    page.wait_for_selector("#count:has-text('1 of 12 lines')")
    assert page.locator(".line:not([hidden])").count() == 1
    page.click("#clear-filters")
    page.check("[name=flagged]")
    assert page.locator(".line:not([hidden])").count() == 2
    page.click("#problems-open")
    page.wait_for_selector("#problem-list li:nth-child(2)")
    assert page.locator("#problem-list li").count() == 2
    page.click("#problem-list li:nth-child(2) button")
    holds(page, lambda: focused(page) == "row-s0009")


def test_another_translation_is_taken_with_one_press(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.click("#candidates button")
    page.wait_for_selector("#row-s0001 .saving.ok")
    assert page.text_content("#row-s0001 .text") == "Une autre phrase 1."
    assert focused(page) == "row-s0001"


def write_texts(server: Running, address: str) -> None:
    """Give line 1 of an episode three texts, the second chosen for its time."""
    candidates = (
        Candidate("Ce qui fut dit, ligne 1.", 2.6, "translation"),
        Candidate("Ce fut dit, ligne 1.", 2.0, "shortened", ("fewer words",)),
        Candidate("Ce fut dit.", 1.2, "model", losses=("number: 1",)),
    )
    line = AdaptedLine("s0001", 2.0, candidates, 1, "It needs a pace of 1.00.")
    store = EpisodeStore(server.site.output / address.split("/")[-3])
    store.write_json("adaptation.json", Adaptation("fr", (line,)), "fr")


def test_one_key_gives_a_line_another_of_its_texts(pages: Pages, server: Running, address: str) -> None:
    write_texts(server, address)
    page = opened(pages, address)
    assert page.text_content("#row-s0001 .text") == "Ce fut dit, ligne 1."
    assert page.text_content("#row-s0001 .length") == "2.0 of 2.0 s"
    assert "It needs a pace of 1.00." in page.inner_text("#texts-block")
    page.keyboard.press("t")
    until(page, "document.querySelector('#row-s0001 .text').textContent === 'Ce fut dit.'")
    assert "loses number: 1" in (page.text_content("#said") or "")
    assert lines_of(page)["s0001"]["text"] == "Ce fut dit."
    assert page.text_content("#texts .chosen .own-text") == "Ce fut dit."
    page.keyboard.press("T")
    until(page, "document.querySelector('#row-s0001 .text').textContent === 'Ce fut dit, ligne 1.'")
    assert lines_of(page)["s0001"]["edited"] == []  # the text that was chosen for it is no edit
    page.click("#texts button >> nth=0")
    until(page, "document.querySelector('#row-s0001 .text').textContent === 'Ce qui fut dit, ligne 1.'")
    assert page.text_content("#row-s0001 .length") == "2.6 of 2.0 s"
    assert focused(page) == "row-s0001"
    page.keyboard.press("?")
    holds(page, lambda: "Next of the texts that the line may have" in page.inner_text("#keys"))


def test_a_line_without_other_texts_says_so(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.keyboard.press("t")
    until(page, "document.querySelector('#said').textContent.includes('has no other text')")
    assert page.is_hidden("#texts-block")


def test_the_edge_of_a_line_is_dragged_but_not_over_its_neighbour(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    handle = page.locator("#waveform [part~='s0001'] [part~='region-handle-right']")
    box = handle.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 4, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 30, steps=4)
    page.mouse.move(box["x"] + 400, box["y"] + 30, steps=8)
    page.mouse.up()
    page.wait_for_selector("#row-s0001 .saving.ok")
    assert lines_of(page)["s0001"]["end"] == pytest.approx(3.5, abs=0.01)
    pages.shoot(page, "review-waveform")


def test_a_job_that_fails_says_so_and_a_lost_connection_too(pages: Pages, address: str) -> None:
    page = opened(pages, address, allowed=("ERR_FAILED", "EventSource", "503"))
    job: dict[str, Any] = {"id": "job1", "state": "running", "work": {"kind": "render", "languages": ["fr"]}}
    job |= {"progress": {"stage": "speak", "share": 0.4}, "error": "", "degraded": [], "result": {}}
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.url.endswith("/events"):
            route.abort()
        elif len(asked) < 4:
            route.fulfill(status=503, json={"detail": "busy"})
        else:
            route.fulfill(json={**job, "state": "failed", "error": "No voice model."})

    page.route("**/api/jobs/job1**", answer)
    page.route("**/render", lambda route: route.fulfill(status=202, json={"id": "job1", "state": "queued"}))
    said = "1 line spoken; about 8.0 s to 14 s."
    due = {"items": {"speak": ["s0001"]}, "reasons": {}, "seconds": [8, 14], "nothing": False, "text": said}
    page.route("**/pending**", lambda route: route.fulfill(json=due))
    page.click("#render")
    page.wait_for_selector("#produce[open]")
    what = page.text_content("#produce-what") or ""
    assert what == said
    pages.shoot(page, "review-render")
    page.click("#produce-yes")
    page.wait_for_selector(".job.lost")
    page.wait_for_selector(".job.failed", timeout=15000)
    assert "No voice model." in (page.text_content(".job") or "")
    assert page.locator(".job progress").count() == 0


def test_a_phone_shows_everything_without_scrolling_sideways(pages: Pages, address: str) -> None:
    page = opened(pages, address, size=PHONE, touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main select, main summary')]
          .filter((one) => one.checkVisibility())
          .filter((one) => one.getBoundingClientRect().height < 39.5)
          .map((one) => one.id || one.className)"""
    )
    assert small == []
    pages.shoot(page, "review-phone")
    page.tap("#row-s0002 .c-source")
    page.tap("#open-inspector")
    assert page.is_visible("#field-note")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    pages.shoot(page, "review-phone-line")
    page.tap("#close-inspector")
    page.tap("#row-s0002 .text")
    assert page.is_visible("#row-s0002 textarea")


def test_a_thousand_lines(pages: Pages, server: Running) -> None:
    write_episode(server.site, "thousand", 1000)
    page = opened(pages, f"{server.url}/episodes/thousand/fr/review")
    page.wait_for_selector("#row-s1000", state="attached")
    page.keyboard.press("End")
    holds(page, lambda: focused(page) == "row-s1000")
    assert page.is_visible("#row-s1000")
    assert page.locator("#waveform [part~='region']").count() < 100
    pages.shoot(page, "review-thousand")


def test_dark(pages: Pages, address: str) -> None:
    page = opened(pages, address, dark=True)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(20, 23, 27)"
    pages.shoot(page, "review-dark")


def test_a_sound_only_episode_has_no_screens(pages: Pages, server: Running) -> None:
    write_episode(server.site, "radio", 3, video=False)
    page = opened(pages, f"{server.url}/episodes/radio/fr/review", allowed=("400", "500", "415"))
    assert page.locator("video").count() == 0
    assert page.locator("#shots").count() == 0
    pages.shoot(page, "review-radio")


def test_a_language_without_lines_says_what_to_do(pages: Pages, server: Running, address: str) -> None:
    page = pages.open(address.replace("/fr/", "/de/"), allowed=("404",))
    assert "Start a job into German" in (page.text_content("main") or "")
    pages.shoot(page, "review-unfinished")


def test_names_that_are_no_language_are_refused(server: Running, address: str) -> None:
    for language in ("xx-nonsense", "..%2f..", "%2e%2e"):
        found = server.browser().get(address.replace("/fr/", f"/{language}/").removeprefix(server.url))
        assert found.status_code == 404


def test_a_viewer_reads_only(pages: Pages, tmp_path: Path) -> None:
    with running_site(tmp_path, {"ada": "admin", "vic": "viewer"}, **ANSWERS) as server:
        write_episode(server.site, "clip", 4)
        page = pages.open(f"{server.url}/login")
        page.fill("[name=name]", "vic")
        page.fill("[name=password]", server_password())
        page.click("main form button")
        page.goto(f"{server.url}/episodes/clip/fr/review")
        page.wait_for_selector("#row-s0001")
        page.keyboard.press("e")
        assert page.locator("textarea.edit").count() == 0
        assert page.locator(".pick").count() == 0
        assert page.is_disabled("#field-note")
        assert not page.is_visible("#render")
        assert not page.is_visible("#line-accept")
        pages.shoot(page, "review-viewer")


def server_password() -> str:
    from tests.support.web_client import PASSWORD

    return PASSWORD
