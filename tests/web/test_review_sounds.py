"""Music, singing and measures on the review page, in a real browser; the first two for programs as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from dubkit.cli import cli
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.qc.remarks import episode_remarks
from dubkit.review.opening import of_folder
from dubkit.studio import renew
from dubkit.types import LineQc, SpokenLine
from dubkit.types.music import Music, SoundSpan
from dubkit.types.reports import DeliveredLevels
from tests.qc.test_report_page import MEASURED
from tests.support.browser import PHONE, Pages, holds, until, watched
from tests.support.web_client import Running, running_site
from tests.web.test_review_page import ANSWERS, opened, write_episode

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

HEARD = Music((SoundSpan(0.5, 11.0, "music"), SoundSpan(4.0, 7.5, "singing")), "made-by-hand")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), **ANSWERS) as running:
        yield running


@pytest.fixture
def pages(chromium: Browser, tmp_path: Path) -> Iterator[Pages]:
    with watched(chromium, tmp_path / "screenshots") as found:
        yield found


@pytest.fixture
def store(server: Running, request: pytest.FixtureRequest) -> EpisodeStore:
    return write_episode(server.site, f"ep{abs(hash(request.node.name))}", 12)


@pytest.fixture
def address(server: Running, store: EpisodeStore) -> str:
    return f"{server.url}/episodes/{store.root.name}/fr/review"


def edges(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


def test_music_stands_under_the_sound_at_every_zoom_and_is_said_in_words(
    pages: Pages, address: str, store: EpisodeStore
) -> None:
    store.write_json("music.json", HEARD)
    page = opened(pages, address)
    line = "#waveform [part~='s0001'][part~='region']"
    for _ in range(2):
        page.wait_for_selector(line)
        until(page, "document.querySelectorAll('#sounds .sound').length === 2")
        until(page, f"Math.abs({left('#sounds .is-music')} - {left_of_line()}) < 2")
        page.click("#zoom-in")
    page.click("#zoom-out")
    begins, ends = edges(page, "#sounds .is-music")
    sung = edges(page, "#sounds .is-singing")
    assert sung[0] == pytest.approx(begins + (4.0 - 0.5) / 10.5 * (ends - begins), abs=2)
    pages.shoot(page, "review-music")
    page.focus("#open-sounds")
    assert page.get_attribute("#open-sounds", "aria-label") == "Music and singing: 2 passages"
    page.keyboard.press("Enter")
    said = page.locator("#sound-list button").all_inner_texts()
    assert said == ["Music, 0:00.5 to 0:11.0", "Singing, 0:04.0 to 0:07.5"]
    page.locator("#sound-list button").last.click()
    until(page, "document.querySelector('#time').textContent === '0:04.00'")
    assert page.is_hidden("#sound-list")


def left(selector: str) -> str:
    return f"document.querySelector('{selector}').getBoundingClientRect().left"


def left_of_line() -> str:
    """Where the region of the first line begins; the waveform draws it in a tree of its own."""
    inside = "document.querySelector('#waveform > div').shadowRoot"
    return f"{inside}.querySelector('[part~=s0001]').getBoundingClientRect().left"


def test_music_on_a_phone(pages: Pages, address: str, store: EpisodeStore) -> None:
    store.write_json("music.json", HEARD)
    page = opened(pages, address, size=PHONE, touch=True)
    page.wait_for_selector("#waveform [part~='s0001']")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    assert page.evaluate("document.querySelector('.transport').scrollWidth") <= PHONE[0]
    box = page.locator("#open-sounds").bounding_box()
    assert box is not None
    assert box["height"] >= 39.5
    top = page.locator("#play").bounding_box()
    assert top is not None
    assert edges(page, "#zoom-in")[1] <= PHONE[0]
    assert page.evaluate("document.querySelector('.transport').clientHeight") < top["height"] + 4, "one row"
    pages.shoot(page, "review-music-phone")
    page.tap("#open-sounds")
    page.wait_for_selector("#sound-list >> text=Singing")
    pages.shoot(page, "review-music-phone-list")


def test_where_there_is_no_music_there_is_no_track(pages: Pages, address: str) -> None:
    page = opened(pages, address)
    page.wait_for_selector("#waveform [part~='s0001']")
    assert page.is_hidden("#open-sounds")
    assert page.is_hidden("#sounds")


def test_programs_are_told_where_music_is(server: Running, store: EpisodeStore, tmp_path: Path) -> None:
    spans = [{"start": s.start, "end": s.end, "kind": s.kind} for s in HEARD.spans]
    name, browser = store.root.name, server.browser()
    lines = f"/api/episodes/{name}/fr/lines"
    before = browser.get(lines)
    assert before.json()["sounds"] == []
    store.write_json("music.json", HEARD)
    after = browser.get(lines, headers={"If-None-Match": before.headers["etag"]})
    assert after.json()["sounds"] == spans
    video = server.site.inputs / f"{name}.mp4"
    told = CliRunner().invoke(cli, ["status", str(video), "--output", str(server.site.output), "--json"])
    assert json.loads(told.stdout)["sounds"] == spans, told.output


def test_how_like_a_cloned_voice_is_and_levels_off_their_profile_are_seen(
    pages: Pages, server: Running, address: str, store: EpisodeStore
) -> None:
    lines = tuple(
        LineQc(f"s{n:04d}", "Ce qui fut dit.", 0.0, 0.0, 0.0, flags, measures={"voice-unlike": likeness})
        for n, likeness, flags in ((1, 0.91, ()), (2, 0.41, ("voice-unlike",)))
    )
    take = SpokenLine("s0002", "test", "a", 168_000, 96_000, 1.0, "fits", (), "Ce qui fut dit, ligne 2.")
    store.save_record(Record("s0002", "k", Parts("speak", 1), value=take), "fr")
    levels = DeliveredLevels("web-16", -16.0, -1.0, "programme", -18.4, None, 5.0, -1.2)
    measured = replace(MEASURED, lines=lines, flags=("off-profile",), levels=levels)
    store.write_json("qc.json", measured, "fr")
    record = Record("episode", "k", Parts("qc", 1), remarks=tuple(episode_remarks(measured)))
    store.save_record(record, "fr")
    renew(of_folder(server.site.session, store.root))
    page = opened(pages, address)
    assert "Likeness 0.91" in page.inner_text("#row-s0001 .c-state")
    assert "Voice unlike" not in page.inner_text("#row-s0001 .c-state")
    assert "Likeness 0.41" in page.inner_text("#row-s0002 .c-state")
    assert page.inner_text("#row-s0002 .chip.flag") == "Voice unlike"
    page.click("#open-remarks")
    holds(page, lambda: "web-16 asks for \u221216.0 LUFS (programme)" in page.inner_text("#remarks"))
    assert "the file has \u221218.4 LUFS and \u22121.2 dBTP" in page.inner_text("#remarks")
