"""Whole ways through the pages, on `dubkit serve` with a worker: from login to download, and what goes wrong."""

from __future__ import annotations

import shutil
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import pytest

from dubkit.web.accounts.people import Role
from tests.browser import PHONE, Pages, launched
from tests.web_client import PASSWORD
from tests.web_process import Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT.parent / "shared" / "media" / "a_talk" / "en_ecb_7s.mp4"
SAMPLE = ROOT / "Input" / "sample.mp4"
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
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("journey")
    with served(folder, PEOPLE, DUBKIT_SERVE_LEASE_SECONDS="4", DUBKIT_SERVE_MAX_UPLOAD_GB="0.05") as found:
        yield found


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of somebody speaking English."""
    path = tmp_path_factory.mktemp("camera") / f"{NAME}.mp4"
    shutil.copy(CLIP if CLIP.is_file() else SAMPLE, path)
    return path


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    with launched(tmp_path / "screenshots") as found:
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
    until(page, f"{media} && !{media}.error && {media}.currentTime > 0.15")


def ended(page: Page, number: int) -> dict[str, Any]:
    """Wait for the `number`th job that the review page follows; return it as the server tells it."""
    item = f"#jobs .job:nth-child({number})"
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
    page.wait_for_selector("#job .state.good, #job .state.warn")
    assert "done" in page.title().lower()
    pages.shoot(page, "journey-4-job-done")


def review_by_keyboard(page: Page, pages: Pages) -> None:
    page.wait_for_selector("#row-s0001")
    keys = page.keyboard
    keys.press("j")
    line = page.evaluate("document.activeElement.id").removeprefix("row-")
    for player in ("dub", "source"):
        until(page, f"document.getElementById('{player}-player').readyState >= 2")
    keys.press("Space")
    moves(page, "document.getElementById('dub-player')")
    moves(page, "document.getElementById('source-player')")
    keys.press("Space")
    rewrite(page, "O banco central europeu, em poucas palavras.")
    keys.press("r")
    page.wait_for_selector("#produce[open]")
    pages.shoot(page, "journey-5-regenerate")
    keys.press("Enter")
    assert ended(page, 1)["result"]["ran"] == {"speak": 1}
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
    ran = ended(page, 2)["result"]["ran"]
    assert set(ran) == {"mix", "stitch", "qc"}, "a new take touches the mix and the file, no other line"
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
