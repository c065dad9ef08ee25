"""A real browser for tests of the pages: Chromium through Playwright, watched for every kind of trouble."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
SHOTS = "TEST_SCREENSHOTS"
"""Environment variable: folder that receives the screenshots, instead of a temporary one."""

PHONE = (360, 740)
DESK = (1440, 900)


@dataclass
class Trouble:
    """What went wrong in a page: errors in the console, uncaught ones, requests to other hosts."""

    host: str
    found: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    """Parts of messages the test brings about itself, such as an answer of 409."""

    def console(self, message: ConsoleMessage) -> None:
        """Note an error or a warning."""
        if message.type in ("error", "warning") and not any(part in message.text for part in self.allowed):
            self.found.append(f"console {message.type}: {message.text} ({message.location['url']})")

    def crashed(self, error: object) -> None:
        """Note an uncaught error."""
        self.found.append(f"page error: {error}")

    def request(self, request: Request) -> None:
        """Note a request that leaves the server."""
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.found.append(f"request to {request.url}")


@dataclass
class Pages:
    """Opens pages of one browser and knows what went wrong in them."""

    browser: Browser
    shots: Path
    troubles: list[Trouble] = field(default_factory=list)

    def open(
        self,
        url: str,
        *,
        size: tuple[int, int] = DESK,
        dark: bool = False,
        touch: bool = False,
        allowed: tuple[str, ...] = (),
        wait: str = "load",
        beside: Page | None = None,
    ) -> Page:
        """Open `url` in a fresh context, or as a tab `beside` another page; `allowed` are parts of messages
        that are no trouble."""
        width, height = size
        context = (
            beside.context
            if beside
            else self.browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                has_touch=touch,
                reduced_motion="reduce",
            )
        )
        page = context.new_page()
        trouble = Trouble(urlsplit(url).netloc, allowed=allowed)
        self.troubles.append(trouble)
        page.on("console", trouble.console)
        page.on("pageerror", trouble.crashed)
        page.on("request", trouble.request)
        page.set_default_timeout(20_000)
        page.goto(url, wait_until=wait)  # type: ignore[arg-type]
        return page

    def shoot(self, page: Page, name: str) -> Path:
        """Keep a screenshot as `<name>.png`."""
        path = self.shots / f"{name}.png"
        page.screenshot(path=path)
        return path

    def check(self) -> None:
        """Fail on any trouble of any page."""
        found = [text for trouble in self.troubles for text in trouble.found]
        assert not found, "\n".join(found)


def until(page: Page, expression: str, seconds: float = 10.0) -> None:
    """Wait until JavaScript is true; the page's policy forbids Playwright's own way."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(30)


def holds(page: Page, look: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until what is looked at in a page is so: what a click does may take a moment."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "it does not come true"
        page.wait_for_timeout(30)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Launch Chromium until the block ends; skips where there is no Chromium or no Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    if not shutil.which(CHROMIUM):
        pytest.skip(f"needs a browser at {CHROMIUM} (on Debian: apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(browser: Browser, shots: Path) -> Iterator[Pages]:
    """Open pages in a browser; what went wrong in them fails the test when the block ends well."""
    folder = Path(os.environ.get(SHOTS) or shots)
    folder.mkdir(parents=True, exist_ok=True)
    pages = Pages(browser, folder)
    try:
        yield pages
        pages.check()
    finally:
        for context in browser.contexts:
            context.close()


@contextmanager
def launched(shots: Path) -> Iterator[Pages]:
    """Launch a browser of one's own, with `ARGUMENTS` as they are now, and watch its pages."""
    with chromium() as browser, watched(browser, shots) as pages:
        yield pages
