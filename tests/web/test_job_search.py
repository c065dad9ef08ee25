"""Jobs found by film, owner, day and state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dubkit.web.accounts.people import Role
from dubkit.web.jobs.kinds import JobWork
from tests.support.web_client import Browser, Running, running_site

PEOPLE: dict[str, Role] = {"ada": "admin", "eve": "editor", "bob": "editor"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_site(tmp_path_factory.mktemp("site"), PEOPLE) as started:
        for owner, name in (("eve", "Night 100%"), ("eve", "Night 2"), ("bob", "Day")):
            source = started.site.inputs / f"{name}.mp4"
            source.touch()
            job = started.site.queue.submit(JobWork("dub", str(source), name, ("fr",)), owner)
            if name == "Day":
                started.site.queue.cancel(job.id)
        yield started


def found(browser: Browser, **query: str) -> list[str]:
    """Films of the jobs that are listed."""
    text = browser.get("/jobs", params=query).text
    return re.findall(r'<th scope="row"><a class="wrap" href="/jobs/\w+">([^<]+)</a>', text)


@pytest.mark.parametrize(
    ("query", "films"),
    [
        ({"film": "night"}, ["Night 2", "Night 100%"]),
        ({"film": "%"}, ["Night 100%"]),
        ({"film": "_"}, []),
        ({"owner": "BO"}, ["Day"]),
        ({"film": "night", "owner": "bob"}, []),
        ({"film": "day", "state": "cancelled"}, ["Day"]),
        ({"film": "day", "state": "queued"}, []),
    ],
)
def test_jobs_are_found_by_film_owner_and_state(
    running: Running, query: dict[str, str], films: list[str]
) -> None:
    assert found(running.browser("ada"), **query) == films


def test_a_day_is_one_of_the_readers_own_zone(running: Running) -> None:
    ada = running.browser("ada")
    now = datetime.now(UTC)
    east = now + timedelta(hours=12)  # there UTC is 720 minutes behind
    for moment, offset in ((now, "0"), (east, "-720")):
        assert len(found(ada, day=moment.date().isoformat(), offset=offset)) == 3
        before = (moment.date() - timedelta(days=1)).isoformat()
        assert found(ada, day=before, offset=offset) == []


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0001-01-01", "2026-01-01T00:00", ""])
def test_a_day_that_is_none_hides_nothing(running: Running, day: str) -> None:
    assert len(found(running.browser("ada"), day=day, offset="x")) == 3


def test_others_find_their_own_jobs_alone(running: Running) -> None:
    assert found(running.browser("eve"), owner="bob") == []
    assert found(running.browser("bob"), film="") == ["Day"]


def test_the_way_to_older_jobs_keeps_what_was_asked(running: Running) -> None:
    source = running.site.inputs / "Long & wide.mp4"
    source.touch()
    running.site.queue.submit_many([JobWork("dub", str(source), "Long & wide", ("fr",))] * 51, "bob")
    bob = running.browser("bob")
    first = bob.get("/jobs", params={"film": "& wide"}).text
    older = re.search(r'href="([^"]*before=[^"]*)">Older', first)
    assert older
    assert "film=%26+wide" in older[1]
    assert found(bob) != []
    assert bob.get(older[1].replace("&amp;", "&")).text.count('<th scope="row"><a') == 1


def test_all_jobs_of_a_search_are_cancelled_and_no_others(tmp_path: Path) -> None:
    with running_site(tmp_path, PEOPLE) as started:
        queue = started.site.queue
        jobs = {}
        films = (("eve", "Wrong film", 3), ("eve", "Right film", 2), ("bob", "Wrong film 2", 2))
        for owner, name, count in films:
            source = started.site.inputs / f"{name}.mp4"
            source.touch()
            work = JobWork("dub", str(source), name, ("fr",))
            jobs[name] = [job.id for job in queue.submit_many([work] * count, owner)]
        eve = started.browser("eve")
        page = eve.get("/jobs", params={"film": "wrong"}).text
        assert "Cancel all 3 that wait or run" in page
        action = re.search(r'action="(/jobs/cancel\?[^"]*)"', page)
        assert action
        answer = eve.post(action[1].replace("&amp;", "&"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?film=wrong")
        now = {job.id: job.state for job in queue.jobs()}
        states = {name: {now[job] for job in ids} for name, ids in jobs.items()}
        assert states == {"Wrong film": {"cancelled"}, "Right film": {"queued"}, "Wrong film 2": {"queued"}}
        assert "Cancel all" not in eve.get("/jobs", params={"film": "wrong"}).text
        assert eve.post("/jobs/cancel", headers={"X-CSRF-Token": ""}).status_code == 403
