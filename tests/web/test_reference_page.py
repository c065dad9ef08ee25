"""References on the characters page in a browser: heard, chosen, uploaded, by keyboard and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import soundfile

from tests.review.test_references import references
from tests.support.browser import PHONE, Pages, holds, watched
from tests.support.persons import RATE, man
from tests.support.web_client import Running, running_site
from tests.web.test_references import SPEECH
from tests.web.test_review_page import ANSWERS, write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running_site(tmp_path, **ANSWERS) as running:  # type: ignore[arg-type]
        store = write_episode(running.site, "play", 3, video=False)
        store.write_json("references.json", references())
        for name in ("references/spk1.wav", "references/pieces/spk1-1.wav", "references/pieces/spk1-2.wav"):
            with store.writing(name) as path:
                path.write_bytes(SPEECH)
        yield running


@pytest.fixture
def pages(chromium: Browser, tmp_path: Path) -> Iterator[Pages]:
    with watched(chromium, tmp_path / "screenshots") as found:
        yield found


def test_a_reference_is_heard_chosen_and_uploaded_by_keyboard(
    pages: Pages, server: Running, tmp_path: Path
) -> None:
    page = pages.open(f"{server.url}/characters?episode=play&language=fr")
    own = page.locator("[data-speaker=spk1] .reference")
    sound = own.locator("audio").first
    heard = "audio => new Promise(done => { audio.ontimeupdate = () => done(audio.duration); audio.play(); })"
    assert sound.evaluate(heard) == pytest.approx(4.0)
    own.locator("summary").focus()
    page.keyboard.press("Enter")
    own.locator("[name=piece]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    pages.shoot(page, "reference")
    own.locator("[data-choose] button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".reference:has-text('The next render takes another one')")
    page.keyboard.press("Enter")  # the focus is on the summary again
    holds(page, lambda: own.locator("[name=piece][value='2']").is_checked())
    file = tmp_path / "ana.wav"
    soundfile.write(file, man(4), RATE)
    own.locator("[name=recording]").set_input_files(file)
    own.locator("[name=said]").fill("What she says")
    own.locator("[data-give] button").click()
    page.wait_for_selector(".reference [name=piece]:checked", state="detached")
    own.locator("summary").click()
    own.locator("[data-reset] button").click()
    page.wait_for_selector(".reference:has-text('The next render')", state="detached")
    assert (server.site.output / "play/references/given").is_dir()


def test_a_recording_that_cannot_be_used_is_said(pages: Pages, server: Running, tmp_path: Path) -> None:
    page = pages.open(
        f"{server.url}/characters?episode=play&language=fr", size=PHONE, touch=True, allowed=("400",)
    )
    own = page.locator("[data-speaker=spk1] .reference")
    own.locator("summary").click()
    own.locator("[data-give] button").click()
    page.wait_for_selector(".toast:has-text('Choose a recording first')")
    file = tmp_path / "words.wav"
    file.write_text("no sound")
    own.locator("[name=recording]").set_input_files(file)
    own.locator("[data-give] button").click()
    page.wait_for_selector(".toast.bad")
    pages.shoot(page, "reference-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "nothing sticks out on a phone"
    )
