"""The pages held to WCAG 2 A and AA by axe-core in a real browser, in light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from dubkit.web.accounts.people import Role
from dubkit.web.jobs.kinds import JobWork
from tests.support.browser import DESK, PHONE, Pages
from tests.support.web_client import PASSWORD, Running, running_site
from tests.support.web_episode import write_episode
from tests.support.web_html import HOSTILE_NAME

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

PEOPLE: dict[str, Role] = {"ada": "admin", "vic": "viewer"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
QUIET = ("400", "404", "415", "422", "500")
"""The media of these episodes are not media, so their players and previews are refused."""

REACHABLE = """() => {
  const kinds = "a[href], button:enabled, input:enabled:not([type=hidden]), select, textarea, summary";
  window.marked = [...document.querySelectorAll(kinds)].filter(
    (one) => one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0);
  return marked.map((_, at) => at);
}"""
"""Numbers of what a keyboard must reach."""

FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return [null, false];
  const look = getComputedStyle(one);
  const ring = look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2;
  if (!marked.includes(one)) marked.push(one);
  return [marked.indexOf(one), ring || look.boxShadow !== "none"];
}"""
"""Number of what has the focus, and whether that is to be seen."""

MOVING = """() => [...document.querySelectorAll("*")].filter((one) => {
  const look = getComputedStyle(one);
  const times = look.transitionDuration.split(", ");
  return look.animationName !== "none" || times.some((time) => parseFloat(time) > 0);
}).map((one) => one.outerHTML)"""

FAULTS = """(found) => found.violations.flatMap((rule) => rule.nodes.map((node) =>
  `${rule.id}: ${node.target.join(' ')} ${node.failureSummary.replaceAll('\\n', ' ')}`))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE) as running:
        write_episode(running.site, HOSTILE_NAME, folder="Series & co")
        write_episode(running.site, "unfinished", finished=False)
        yield running


@pytest.fixture(scope="module")
def jobs(server: Running) -> dict[str, str]:
    """A waiting job, one that was cancelled, and one that failed."""
    queue = server.site.queue
    source = server.site.inputs / "clip.mp4"
    source.touch()
    waiting, cancelled = (queue.submit(JobWork("dub", str(source), "clip", ("fr",)), "ada") for _ in range(2))
    queue.cancel(cancelled.id)
    return {"waiting": waiting.id, "cancelled": cancelled.id}


EPISODE = quote(HOSTILE_NAME, safe="")
ADDRESSES = {
    "library": "/",
    "jobs": "/jobs",
    "no jobs": "/jobs?state=failed",
    "waiting job": "/jobs/{waiting}",
    "cancelled job": "/jobs/{cancelled}",
    "new job": "/new",
    "new film": "/generate",
    "characters": "/characters",
    "settings": "/settings",
    "users": "/users",
    "review": f"/episodes/{EPISODE}/pt-BR/review",
    "review of nothing": "/episodes/unfinished/fr/review",
    "missing": "/nowhere",
}
READY = {
    "characters": ".person",
    "settings": "#settings summary",
    "review": "#row-s0002",
    "new job": "#inputs label",
}


@pytest.fixture(scope="module")
def desk(pages: Pages, server: Running) -> Page:
    """A page of an admin who has logged in."""
    return logged_in(pages, server, "ada")


def logged_in(pages: Pages, server: Running, who: str, **how: Any) -> Page:
    page = pages.open(f"{server.url}/login", allowed=QUIET, **how)
    page.fill("[name=name]", who)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{server.url}/")
    return page


def look(page: Page, server: Running, name: str, jobs: Mapping[str, str]) -> None:
    """Open a page as wide as a desk and wait for what it fetches; its details are unfolded."""
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    page.goto(server.url + ADDRESSES[name].format(**jobs))
    page.wait_for_selector(READY.get(name, "main"))
    page.evaluate("for (const one of document.querySelectorAll('details:not(.menu)')) one.open = true")


def faults(page: Page) -> list[str]:
    """What axe finds wrong, in light and dark."""
    core = pytest.importorskip("axe_playwright_python", reason="needs the package axe-playwright-python")
    page.evaluate((Path(core.__file__).parent / "axe.min.js").read_text("utf-8"))
    rules = {"runOnly": {"type": "tag", "values": RULES}}
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for fault in page.evaluate(f"(rules) => axe.run(document, rules).then({FAULTS})", rules):
            found.append(f"{scheme}: {fault}")
    return found


def to_phone(page: Page) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], "scrolls sideways"


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_breaks_no_rule(desk: Page, server: Running, jobs: Mapping[str, str], name: str) -> None:
    look(desk, server, name, jobs)
    assert faults(desk) == []
    to_phone(desk)
    assert faults(desk) == []


def test_the_login_page_breaks_no_rule(pages: Pages, server: Running) -> None:
    page = pages.open(f"{server.url}/login", allowed=("401", "403"))
    page.fill("[name=name]", "ada")
    page.fill("[name=password]", "not this one")
    page.press("[name=password]", "Enter")
    page.wait_for_selector("[role=alert]")
    assert faults(page) == []


def test_a_machine_as_it_is_found_breaks_no_rule(desk: Page, server: Running) -> None:
    desk.goto(f"{server.url}/settings")
    desk.click("#machine > summary")
    desk.wait_for_selector("text=Licence", timeout=30_000)
    assert faults(desk) == []
    to_phone(desk)
    assert faults(desk) == []


@pytest.mark.parametrize(("key", "dialog"), [("?", "#help"), ("h", "#history"), ("w", "#assign")])
def test_a_dialog_of_the_review_breaks_no_rule(desk: Page, server: Running, key: str, dialog: str) -> None:
    look(desk, server, "review", {})
    desk.focus("#row-s0001")
    desk.keyboard.press(key)
    desk.wait_for_selector(f"{dialog}[open]")
    assert faults(desk) == []
    desk.keyboard.press("Escape")
    desk.wait_for_selector(f"{dialog}[open]", state="detached")
    assert desk.evaluate("document.activeElement.id") == "row-s0001", "the focus goes back"


@pytest.mark.parametrize(
    "name", ["library", "new job", "characters", "settings", "users", "waiting job", "review"]
)
def test_the_keyboard_reaches_everything_and_the_focus_is_seen(
    desk: Page, server: Running, jobs: Mapping[str, str], name: str
) -> None:
    look(desk, server, name, jobs)
    wanted = set(desk.evaluate(REACHABLE))
    seen: set[int] = set()
    for _ in range(3 * len(wanted) + 40):
        desk.keyboard.press("Tab")
        mark, visible = desk.evaluate(FOCUSED)
        if mark is None:  # past the end it begins anew
            continue
        assert visible, desk.evaluate("document.activeElement.outerHTML").splitlines()[0]
        if mark in seen:
            break
        seen.add(mark)
    missed = wanted - seen
    assert not missed, desk.evaluate("(marks) => marks.map((mark) => marked[mark].outerHTML)", sorted(missed))


def test_nothing_moves_for_those_who_asked_for_that(
    desk: Page, server: Running, jobs: Mapping[str, str]
) -> None:
    for name in ("library", "waiting job", "new job", "review"):
        look(desk, server, name, jobs)
        assert desk.evaluate(MOVING) == []
