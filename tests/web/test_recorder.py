"""Recording on the review page, in a real browser with a microphone that plays a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile as sf

from stages.shared.recording.recordings import read_speech
from tests.support import browser as browsers
from tests.support.browser import PHONE, Pages, launched, until
from tests.support.takes import RATE, noise, tone
from tests.support.web_client import Running, running_site
from tests.web.test_review_page import ANSWERS, lines_of, opened, write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), **ANSWERS) as running:
        yield running


@pytest.fixture
def address(server: Running, request: pytest.FixtureRequest) -> str:
    name = f"ep{abs(hash(request.node.name))}"
    write_episode(server.site, name, 3)
    return f"{server.url}/episodes/{name}/fr/review"


@contextmanager
def browser(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> Iterator[Pages]:
    monkeypatch.setattr(browsers, "ARGUMENTS", (*browsers.ARGUMENTS, *arguments))
    with launched(folder / "screenshots") as pages:
        yield pages


def spoken_for_ever() -> np.ndarray:  # type: ignore[type-arg]
    """Eight seconds in which no two moments sound alike; the microphone repeats them."""
    sweep = np.sin(2 * np.pi * np.cumsum(np.linspace(200, 2000, 8 * RATE)) / RATE)
    return (0.4 * sweep * (0.6 + 0.4 * tone(8.0, 3.0, 1.0))).astype(np.float32)


def correlation(heard: np.ndarray, played: np.ndarray) -> float:  # type: ignore[type-arg]
    """The best normalised correlation of a second of `heard` with the repeated `played`."""
    from scipy.signal import fftconvolve

    piece = heard[len(heard) // 4 :][:RATE].astype(np.float64)
    twice = np.concatenate([played, played]).astype(np.float64)
    energy = np.sqrt(fftconvolve(twice**2, np.ones(len(piece)), "valid").clip(1e-9))
    return float(np.max(fftconvolve(twice, piece[::-1], "valid") / energy) / np.linalg.norm(piece))


def state(page: Page) -> str:
    return page.locator("#recorder-state").inner_text()


def test_a_line_is_recorded_heard_kept_and_undone_by_keyboard(
    server: Running, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    played = spoken_for_ever()
    sf.write(tmp_path / "voice.wav", played, RATE, subtype="PCM_16")
    file = f"--use-file-for-fake-audio-capture={tmp_path / 'voice.wav'}"
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", file)
    with browser(monkeypatch, tmp_path, *flags) as pages:
        page = opened(pages, address, size=PHONE)
        page.keyboard.press("j")
        page.keyboard.press("v")
        page.wait_for_selector("#recorder-title:has-text('Record line 2')")
        assert page.evaluate("document.querySelector('#recorder').scrollWidth <= innerWidth")
        page.keyboard.press("Space")
        page.wait_for_selector("#recorder-discard:not([hidden])")
        until(page, "document.querySelector('#recorder-state').textContent.startsWith('Recording')", 30)
        until(page, "document.querySelector('#recorder-level').value > 0.1")
        page.wait_for_timeout(2200)
        page.keyboard.press("Space")
        page.wait_for_selector("#recorder-keep:not([hidden])")
        assert "s recorded" in state(page)
        pages.shoot(page, "recorder-phone")
        page.keyboard.press("Space")  # hear it
        page.locator("#recorder-keep").focus()
        page.keyboard.press("Enter")
        until(page, "!document.querySelector('#recorder').open")
        folder = server.site.output / address.split("/")[4] / "fr/recordings/microphone"
        (kept,) = folder.iterdir()
        sound = read_speech(kept).samples
        assert 1.5 * RATE < len(sound) < 6 * RATE
        assert correlation(sound, played) > 0.95
        assert sf.info(kept).subtype == "PCM_24"
        page.keyboard.press("u")
        until(page, "document.body.textContent.includes('Undone:')")
        assert lines_of(page)["s0002"]["take"] == ""


def test_a_microphone_that_is_not_allowed_is_said_in_words(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with browser(monkeypatch, tmp_path) as pages:
        page = opened(pages, address)
        page.keyboard.press("v")
        assert page.evaluate(
            "navigator.mediaDevices.enumerateDevices().then((d) => d.every((one) => !one.label))"
        )
        page.locator("#recorder-record").click()
        until(page, "document.querySelector('#recorder-fault').textContent !== ''")
        said = page.locator("#recorder-fault").inner_text()
        assert "Allow it for this page" in said or "There is no microphone" in said
        page.keyboard.press("Escape")
        until(page, "!document.querySelector('#recorder').open")


def test_what_is_discarded_is_not_sent(
    server: Running, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sf.write(tmp_path / "voice.wav", noise(4.0, 0.1), RATE, subtype="PCM_16")
    file = f"--use-file-for-fake-audio-capture={tmp_path / 'voice.wav'}"
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", file)
    with browser(monkeypatch, tmp_path, *flags) as pages:
        page = opened(pages, address)
        page.locator("#line-record").click()
        page.locator("#recorder-record").click()
        page.wait_for_selector("#recorder-discard:not([hidden])")
        page.keyboard.press("Escape")
        until(page, "document.querySelector('#recorder-state').textContent === 'Discarded.'")
        assert page.evaluate("document.querySelector('#recorder').open")
        page.locator("#recorder-close").click()
        until(page, "!document.querySelector('#recorder').open")
        assert not (server.site.output / address.split("/")[4] / "fr/recordings").exists()
