"""Whole ways through the pages of `dubkit serve`: from login to download, and what goes wrong between."""

from __future__ import annotations

import os
import shutil
import signal
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import pytest

from dubkit.web.accounts.people import Role
from tests.support.browser import PHONE, Pages, holds, watched
from tests.support.desks import Shared
from tests.support.paths import MEDIA, SAMPLE
from tests.support.web_client import PASSWORD
from tests.support.web_process import Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.slow

CLIP = MEDIA / "a_talk" / "en_ecb_7s.mp4"
NAME = "interview"
PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor", "bob": "editor", "vic": "viewer"}
REVIEW = f"/episodes/{NAME}/pt-BR/review"
JOB_SECONDS = 180

HEARD = """
window.heard = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { heard.push(this); return play.call(this); };
"""
"""Remembers every sound that the page plays, also those that stand in no document."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, shared: Shared) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("journey")
    settings = {
        "DUBKIT_MODELS_CACHE": str(shared.cache),
        "DUBKIT_QC_ROUND_TRIP": "false",
        "DUBKIT_SERVE_LEASE_SECONDS": "4",
        "DUBKIT_SERVE_MAX_UPLOAD_GB": "0.05",
    }
    with served(folder, PEOPLE, **settings) as found:
        yield found


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of somebody speaking English."""
    path = tmp_path_factory.mktemp("camera") / f"{NAME}.mp4"
    shutil.copy(CLIP if CLIP.is_file() else SAMPLE, path)
    return path


@pytest.fixture
def pages(chromium: Browser, tmp_path: Path) -> Iterator[Pages]:
    with watched(chromium, tmp_path / "screenshots") as found:
        yield found


@pytest.fixture(scope="module")
def dubbed(server: Served, clip: Path) -> None:
    """The clip dubbed; what another test has dubbed already is used again."""
    shutil.copy(clip, server.inputs / clip.name)
    with server.ask("eve") as ask:
        job = ask.post("/api/jobs", json={"source": clip.name, "languages": ["pt-BR"]}).json()
        wait(lambda: ask.get(f"/api/jobs/{job['id']}").json()["state"] in ("done", "degraded"))


def wait(true: Callable[[], bool], seconds: float = JOB_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.2)


def log_in(pages: Pages, server: Served, name: str, **how: Any) -> Page:
    """Log in with the keyboard, as the page asks for it."""
    page = pages.open(f"{server.url}/login", **how)
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/")
    return page


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is on what `selector` names."""
    page.wait_for_selector(selector)
    passed = []
    for _ in range(150):
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
        passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached with the keyboard, but:\n" + "\n".join(passed))


def press(page: Page, selector: str, key: str = "Enter") -> None:
    tab_to(page, selector)
    page.keyboard.press(key)


def rewrite(page: Page, text: str) -> None:
    """Write another text into the current line and save it."""
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".line.current .saving.ok")


def until(page: Page, expression: str, seconds: float = 30.0) -> None:
    """Wait until JavaScript is true; the page's policy forbids Playwright's own way."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


def moves(page: Page, media: str) -> None:
    """Wait until what `media` evaluates to plays on by itself."""
    until(page, media)
    began = page.evaluate(f"{media}.currentTime")
    until(page, f"!{media}.error && {media}.currentTime > {began} + 0.1")


def ended(page: Page, name: str) -> dict[str, Any]:
    """Wait for the job of this name that the review page follows; return it as the server tells it."""
    item = f"#jobs .job:has(> a:has-text('{name}'))"
    page.wait_for_selector(f"{item} [aria-label='Close job']", timeout=1000 * JOB_SECONDS)
    job = page.get_attribute(f"{item} a", "href")
    found: dict[str, Any] = page.request.get(f"{page.url.split('/episodes')[0]}/api{job}").json()
    return found


# --- from login to download -------------------------------------------------------------------


def test_from_login_to_download_with_the_keyboard_alone(
    pages: Pages, server: Served, clip: Path, tmp_path: Path
) -> None:
    page = log_in(pages, server, "eve")
    page.add_init_script(HEARD)
    pages.shoot(page, "journey-1-empty-library")
    press(page, "a[href='/new']")
    page.wait_for_url("**/new")
    upload(page, clip)
    page.wait_for_selector("#uploads li:has-text('ticked')")
    tab_to(page, "#language")
    page.keyboard.type("Brazilian Portuguese")
    page.keyboard.press("Enter")
    page.wait_for_selector("#languages li:has-text('pt-BR')")
    pages.shoot(page, "journey-2-new-job")
    press(page, "#start")
    watch_the_job(page, pages)
    press(page, "#job a[href$='/review']")
    review_by_keyboard(page, pages)
    download_and_read(page, tmp_path / "dub.mp4", clip)


def upload(page: Page, path: Path) -> None:
    """Choose a file as the keyboard does: the field's own chooser opens."""
    # Choosers are caught from now on; begun with the press alone, that comes too late at times.
    page.on("filechooser", lambda chooser: None)
    tab_to(page, "#upload")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(path)


def watch_the_job(page: Page, pages: Pages) -> None:
    page.wait_for_url("**/jobs/*")
    page.wait_for_selector("#share", timeout=20_000)
    shares = [0.0]
    while page.get_attribute("#job", "data-ended") == "no":
        if bar := page.query_selector("#share"):
            shares.append(float(bar.evaluate("(bar) => bar.value")))
        if len(shares) == 20:
            pages.shoot(page, "journey-3-job")
        page.wait_for_timeout(100)
    assert shares == sorted(shares)
    assert len(set(shares)) > 3, "progress is seen"
    page.wait_for_selector("#job .state.good, #job .state.warn, #job .state.bad")
    assert page.locator("#job .notice.bad").all_inner_texts() == []
    assert "done" in page.title().lower()
    pages.shoot(page, "journey-4-job-done")


NOTE_WHAT_PLAYS = """() => {
  const note = () => {
    const row = document.querySelector("[id^='row-'][aria-current='true']");
    if (row && window.played.at(-1) !== row.id) window.played.push(row.id);
  };
  window.played = [];
  note();
  const options = { subtree: true, attributes: true, attributeFilter: ["aria-current"] };
  new MutationObserver(note).observe(document.body, options);
}"""
"""Notes the rows whose line plays, in order."""


def review_by_keyboard(page: Page, pages: Pages) -> None:
    page.wait_for_selector("#row-s0001")
    keys = page.keyboard
    keys.press("j")
    line = page.evaluate("document.activeElement.id").removeprefix("row-")
    for player in ("dub", "source"):
        until(page, f"document.getElementById('{player}-player').readyState >= 2")
    page.evaluate(NOTE_WHAT_PLAYS)
    keys.press("Space")
    moves(page, "document.getElementById('dub-player')")
    moves(page, "document.getElementById('source-player')")
    keys.press("Space")
    # On a busy machine it may have played on into the next line by now.
    assert page.evaluate("window.played[0]") == f"row-{line}", "it plays the line that was gone to"
    rewrite(page, "O banco central europeu, em poucas palavras.")
    keys.press("r")
    page.wait_for_selector("#produce[open]")
    pages.shoot(page, "journey-5-regenerate")
    keys.press("Enter")
    assert ended(page, "New takes")["result"]["ran"]["speak"] == 1
    page.wait_for_selector("[data-key='play-v002']")
    compare_takes(page, pages)
    keys.press("Escape")
    tab_to(page, f"#row-{line}")
    keys.press("l")
    page.wait_for_selector(f"#row-{line}.locked")
    pages.shoot(page, "journey-7-locked")
    keys.press("Shift+R")
    page.wait_for_selector("#produce[open]")
    keys.press("Enter")
    ran = ended(page, "Render")["result"]["ran"]
    # Its words are others than before, so that the lines around it may be spoken at other times.
    assert set(ran) - {"schedule", "speak"} == {"mix", "stitch", "qc"}
    assert (ran["mix"], ran["stitch"]) == (1, 1)
    pages.shoot(page, "journey-8-rendered")


def compare_takes(page: Page, pages: Pages) -> None:
    page.keyboard.press("i")
    for take in ("v001", "v002"):
        press(page, f"[data-key='play-{take}']")
        moves(page, f"heard.findLast((one) => one.src.includes('/{take}/'))")
    press(page, "[data-key='compare-v001']")
    moves(page, "heard.at(-1)")
    moves(page, "heard.at(-2)")
    assert page.evaluate("heard.slice(-2).map((one) => one.muted).sort()") == [False, True]
    pages.shoot(page, "journey-6-compare")
    press(page, "[data-key='choose-v001']")
    page.wait_for_selector("#takes .take:first-child:has-text('Chosen')")
    press(page, "[data-key='choose-v002']")
    page.wait_for_selector("#takes .take:nth-child(2):has-text('Chosen')")


def download_and_read(page: Page, path: Path, clip: Path) -> None:
    tab_to(page, "#download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(path)
    with av.open(str(path)) as dub, av.open(str(clip)) as source:
        assert dub.duration == pytest.approx(source.duration, abs=100_000)
        assert dub.streams.video[0].frames == source.streams.video[0].frames
        assert dub.streams.audio[0].metadata["language"] == "por"


# --- uploads that go wrong --------------------------------------------------------------------


def speech(path: Path, seconds: float) -> Path:
    """A large file that is media: 96 000 bytes for each second."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(bytes(range(240)) * int(400 * seconds))
    return path


def test_an_upload_goes_on_after_a_pause_and_after_the_page_was_left(
    pages: Pages, server: Served, tmp_path: Path
) -> None:
    page = log_in(pages, server, "bob", allowed=("ERR_FAILED",))
    large = speech(tmp_path / "long talk.wav", 250)
    sent: list[int] = []
    blocked = [True]

    def pass_on(route: Route) -> None:
        if route.request.method == "PATCH":
            sent.append(int(route.request.headers["upload-offset"]))
            if sent[-1] and blocked:
                return  # the second piece never arrives
        route.continue_()

    page.route("**/api/uploads/**", pass_on)
    page.goto(f"{server.url}/new")
    page.set_input_files("#upload", large)
    until(page, "document.querySelector('#uploads progress').value > 0.3")
    holds(page, lambda: len(sent) == 2)  # the piece that never arrives is on its way
    page.click("#uploads button:has-text('Pause')")
    page.wait_for_selector("#uploads:has-text('Paused')")
    pages.shoot(page, "upload-paused")
    page.click("#uploads button:has-text('Go on')")
    holds(page, lambda: len(sent) == 3)
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_selector("#interrupted:has-text('long talk.wav')")
    pages.shoot(page, "upload-interrupted")
    blocked.clear()
    began = len(sent)
    page.set_input_files("#upload", large)
    page.wait_for_selector("#uploads:has-text('ticked')", timeout=30_000)
    assert sent[began] == 8 * 1024**2, "what has arrived is not sent again"
    assert not page.is_visible("#interrupted")
    assert (server.inputs / large.name).read_bytes() == large.read_bytes()


def test_what_is_no_media_is_refused_in_words(pages: Pages, server: Served, tmp_path: Path) -> None:
    page = log_in(pages, server, "bob", allowed=("422", "413", "415", "400"))
    page.goto(f"{server.url}/new")
    files = {
        "letter.mp4": b"Dear Sir or Madam, this is no film.",
        "nothing.mp4": b"",
        "list.txt": b"one, two",
        "huge.mp4": bytes(60_000_000),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        page.set_input_files("#upload", tmp_path / name)
        row = page.locator(f"#uploads li:has-text('{name}')")
        row.locator(".fault").wait_for()
        assert name in row.locator(".fault").inner_text()
        assert not row.locator("button:has-text('Go on')").is_visible(), "the same would be refused again"
    pages.shoot(page, "upload-refused")
    assert "not finished" not in page.inner_text("#chosen")
    assert not page.is_visible("#interrupted")
    assert not [path for path in server.inputs.iterdir() if path.name in files]


def test_a_film_without_sound_is_said_to_have_none(
    pages: Pages, server: Served, clip: Path, tmp_path: Path
) -> None:
    silent = tmp_path / "silent film.mp4"
    mute(clip, silent)
    page = log_in(pages, server, "bob", allowed=("422",))
    page.goto(f"{server.url}/new")
    page.set_input_files("#upload", silent)
    page.wait_for_selector("#uploads:has-text('ticked')")
    page.fill("#language", "pt-BR")
    page.click("#start")
    page.wait_for_selector("#job .notice:has-text('no sound track')", timeout=30_000)
    pages.shoot(page, "job-silent")


def mute(source: Path, target: Path) -> None:
    """Copy the picture alone."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                made.mux(packet)


# --- jobs that are stopped --------------------------------------------------------------------


def test_a_job_is_cancelled_and_tried_again(pages: Pages, server: Served, clip: Path) -> None:
    page = log_in(pages, server, "bob")
    submit(page, server, clip, "cancelled.mp4")
    page.wait_for_selector("#bar")
    page.click("#cancel")
    page.wait_for_selector("#job .state:has-text('Cancelled')", timeout=30_000)
    assert page.get_attribute("#job", "data-ended") == "yes"
    pages.shoot(page, "job-cancelled")
    page.click("#retry")
    page.wait_for_selector("#bar")
    page.click("#cancel")
    page.wait_for_selector("#job .state:has-text('Cancelled')", timeout=30_000)


def submit(page: Page, server: Served, clip: Path, name: str) -> str:
    """Start a job on a copy of the clip by the form, and come to its page; return its number."""
    shutil.copy(clip, server.inputs / name)
    page.goto(f"{server.url}/new?source={name}")
    page.wait_for_selector("#inputs input:checked")
    page.fill("#language", "pt-BR")
    page.click("#start")
    page.wait_for_url("**/jobs/*")
    return page.url.rsplit("/", 1)[1]


def test_a_job_outlives_its_worker_and_the_server(pages: Pages, server: Served, clip: Path) -> None:
    page = log_in(pages, server, "bob", allowed=("ERR_", "EventSource", "MIME type", "Failed to fetch"))
    shutil.copy(clip, server.inputs / "killed.mp4")
    with server.ask("bob") as ask:
        asked = {"source": "killed.mp4", "languages": ["pt-BR"], "until": "translate"}
        job = ask.post("/api/jobs", json=asked).json()["id"]
    page.goto(f"{server.url}/jobs/{job}")
    page.wait_for_selector("#bar")
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    page.wait_for_selector("text=The worker stopped responding", timeout=30_000)
    page.wait_for_selector("#bar", timeout=30_000)
    server.stop(signal.SIGKILL)
    page.wait_for_selector("#lost", timeout=15_000)
    pages.shoot(page, "job-server-killed")
    server.start()
    page.wait_for_selector("#job[data-ended=yes]", timeout=1000 * JOB_SECONDS)
    assert not page.is_visible("#lost")
    assert page.is_visible("#job .state:has-text('Done')")
    with server.ask("bob") as ask:
        found = ask.get(f"/api/jobs/{job}").json()
    assert (found["state"], found["attempt"] > 1) == ("done", True)
    pages.shoot(page, "job-outlived")


# --- more than one person ---------------------------------------------------------------------


def test_two_people_change_the_same_line(pages: Pages, server: Served, dubbed: None) -> None:
    """Both versions are shown to whoever comes second; nothing is lost whichever is kept."""
    first = log_in(pages, server, "eve")
    second = log_in(pages, server, "ada", allowed=("409",))
    for page in (first, second):
        page.goto(server.url + REVIEW)
        page.wait_for_selector("#row-s0001")
    rewrite(first, "Um elemento.")
    second.keyboard.press("e")
    second.keyboard.press("Control+a")
    second.keyboard.type("O elemento.")
    second.keyboard.press("Control+Enter")
    second.wait_for_selector("#conflict[open]")
    assert second.text_content("#conflict .mine") == "O elemento."
    assert second.text_content("#conflict .theirs") == "Um elemento."
    pages.shoot(second, "two-people")
    press(second, "#take-theirs")
    second.wait_for_selector("#conflict[open]", state="detached")
    assert second.text_content("#row-s0001 .text") == "Um elemento."
    with server.ask("eve") as ask:
        events = ask.get(f"/api/episodes/{NAME}/pt-BR/edits").json()["events"]
    assert any("Um elemento." in event["text"] for event in events)


def test_a_viewer_looks_and_changes_nothing(pages: Pages, server: Served, dubbed: None) -> None:
    with server.ask("eve") as ask:
        assert ask.put(f"/api/episodes/{NAME}/access", json={"people": ["vic"]}).status_code < 300
    page = log_in(pages, server, "vic", allowed=("403",))
    assert page.is_visible("text=interview.mp4")
    assert page.locator("a[href='/new'], [data-share]").count() == 0
    pages.shoot(page, "viewer-library")
    page.goto(server.url + REVIEW)
    page.wait_for_selector("#row-s0001")
    shown = page.locator("#render, #undo, #line-accept, #line-lock, #line-regenerate, .pick")
    assert not any(one.is_visible() for one in shown.all())
    page.keyboard.press("e")
    assert page.locator("textarea.edit").count() == 0
    assert page.goto(f"{server.url}/new").status == 403  # type: ignore[union-attr]
    lines = f"/api/episodes/{NAME}/pt-BR/lines"
    with server.ask("vic") as ask:
        asked = [
            ask.patch(f"{lines}/s0001", json={"text": "Mine."}),
            ask.post(f"{lines}/regenerate", json={"lines": ["s0001"]}),
            ask.post(f"{lines}/lock", json={"lines": ["s0001"]}),
            ask.post(f"/api/episodes/{NAME}/pt-BR/render"),
            ask.post("/api/jobs", json={"source": f"{NAME}.mp4", "languages": ["fr"]}),
            ask.put(f"/api/episodes/{NAME}/access", json={"people": []}),
        ]
    assert [answer.status_code for answer in asked] == [403] * len(asked)


# --- on a phone -------------------------------------------------------------------------------


def test_the_way_on_a_phone(pages: Pages, server: Served, dubbed: None) -> None:
    page = log_in(pages, server, "eve", size=PHONE, touch=True)
    page.tap(".menu summary")
    pages.shoot(page, "phone-menu")
    page.tap(".menu a[href='/new']")
    page.wait_for_selector("#inputs label")
    fits(page)
    page.tap(f"#inputs label:has-text('{NAME}')")
    page.fill("#language", "pt-BR")
    page.tap("#add-language")
    page.wait_for_selector("#languages li")
    page.tap("#show-plan")
    page.wait_for_selector("#plan .plan", timeout=20_000)
    pages.shoot(page, "phone-new-job")
    fits(page)
    page.tap("#start")
    page.wait_for_url("**/jobs/*")
    page.wait_for_selector("#job[data-ended=yes]", timeout=1000 * JOB_SECONDS)
    pages.shoot(page, "phone-job")
    fits(page)
    page.tap("#job a:has-text('Review')")
    page.wait_for_selector("#row-s0001")
    page.tap("#row-s0001 .c-source")
    page.tap("#row-s0001 .text")
    page.fill("#row-s0001 textarea", "Com um dedo.")
    page.tap("#row-s0002 .c-source")
    page.wait_for_selector("#row-s0001 .saving.ok")
    page.tap("#open-inspector")
    page.tap("#line-accept")
    page.wait_for_selector("#line-accept[aria-pressed=true]")
    pages.shoot(page, "phone-line")
    fits(page)


def fits(page: Page) -> None:
    """Nothing sticks out to the side."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
