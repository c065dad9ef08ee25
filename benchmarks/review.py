"""What a reviewer waits for on the review page: `python -m benchmarks.review`.

A real server (`dubkit serve`) shows an episode of many lines, dubbed by the real chain, to Debian's Chromium.
Times are taken in the browser, each round with a new page; a figure is the median of its rounds, with the
smallest and the largest in brackets. Needs the extras web and dev, and Chromium.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.long_episode import make_long_episode
from benchmarks.pipeline.command import machine
from benchmarks.programs import served

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"

# From the key that saves to the moment the row says so, in milliseconds.
SAVED = """(id) => new Promise((done) => {
  const row = document.querySelector(`[data-id="${id}"]`);
  const field = row.querySelector("textarea");
  const began = performance.now();
  const watch = new MutationObserver(() => {
    if (row.querySelector(".saving.ok")) { watch.disconnect(); done(performance.now() - began); }
  });
  watch.observe(row, { childList: true, subtree: true });
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
})"""


def measure(lines: int, rounds: int, folder: Path) -> dict[str, list[float]]:
    """Return every time in milliseconds, by what was waited for."""
    from playwright.sync_api import sync_playwright

    sys.stderr.write(f"dubbing an episode of {lines} lines\n")
    _, outcome = make_long_episode(folder, lines)
    times: dict[str, list[float]] = {"first paint": [], "first line shown": [], "edit to saved": []}
    with served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        place = f"{address}/episodes/{outcome.store.root.name}/pt-BR/review"
        for number in range(-1, rounds):  # one round that does not count fills the caches of the server
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            found = _look(page, place, lines // 2 + number)
            for name, value in found.items() if number >= 0 else ():
                times[name].append(value)
            page.context.close()
        browser.close()
    return times


def _look(page: Page, place: str, number: int) -> dict[str, float]:
    began = time.perf_counter()
    page.goto(place, wait_until="commit")
    page.wait_for_selector('[data-id="s0001"]')
    shown = (time.perf_counter() - began) * 1000
    page.wait_for_load_state("load")
    line = f"s{number + 1:04d}"
    row = page.locator(f'[data-id="{line}"]')
    row.wait_for(state="attached")
    row.scroll_into_view_if_needed()
    row.click()
    page.keyboard.press("e")
    row.locator("textarea").fill(f"Uma outra frase {time.time_ns()}")
    return {
        "first paint": float(page.evaluate(PAINTED)),
        "first line shown": shown,
        "edit to saved": float(page.evaluate(SAVED, line)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.review", description=__doc__)
    parser.add_argument("--lines", type=int, default=1000, metavar="N", help="Lines of the episode (1000).")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="Rounds (9).")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="review-") as folder:
        times = measure(chosen.lines, chosen.rounds, Path(folder))
    sys.stdout.write(f"{machine()}\n\n| {chosen.lines} lines | ms |\n| --- | --- |\n")
    for name, found in times.items():
        low, middle, high = min(found), statistics.median(found), max(found)
        sys.stdout.write(f"| {name} | {middle:.0f} ({low:.0f} to {high:.0f}) |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
