"""The library over HTTP: an episode that is not whole is a verdict, never an error of the list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.review.opening import of_folder
from dubkit.studio import episode_summary
from dubkit.types import remark
from dubkit.web.jobs.kinds import JobWork
from tests.support.web_client import Browser, Running, running_site
from tests.support.web_episode import write_episode


def test_a_picture_is_named_when_it_is_there(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        store = write_episode(server.site, "clip #1")
        browser = server.browser()
        assert [row["thumbnail"] for row in browser.get("/api/episodes").json()] == [""]
        store.write_bytes("thumbnails/shot001.jpg", b"\xff\xd8\xff\xd9")
        (row,) = browser.get("/api/episodes").json()
        assert browser.get(row["thumbnail"]).status_code == 200


def test_a_damaged_episode_leaves_the_others_in_the_list(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        write_episode(server.site, "good")
        for name in ("episode.json", "shots.json"):
            (write_episode(server.site, name[:4]).root / name).write_text("{")
        rows = {row["name"]: row for row in server.browser().get("/api/episodes").json()}
        assert set(rows) == {"epis", "good", "shot"}
        assert "episode.json" in rows["epis"]["degraded"][0]
        assert "shots.json" in rows["shot"]["degraded"][0]
        assert rows["good"]["duration"] == 10.0


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A library of thirty episodes, of which ten are not finished."""
    with running_site(tmp_path_factory.mktemp("many")) as server:
        for number in range(30):
            write_episode(server.site, f"part {number:02}", finished=number % 3 > 0)
        yield server.browser()


def shown(page: str) -> list[str]:
    return re.findall(r'data-episode="([^"]+)"', page)


def test_a_large_library_has_pages(many: Browser) -> None:
    first = many.get("/").text
    assert shown(first) == [f"part {number:02}" for number in range(25)]
    following = re.search(r'href="(/\?page=2)">Next', first)
    assert following
    second = many.get(following[1]).text
    assert shown(second) == [f"part {number}" for number in range(25, 30)]
    assert "Page 2 of 2" in second
    assert shown(many.get("/?page=99").text) == shown(second)
    assert shown(many.get("/?page=x&sort=y&show=z").text) == shown(first)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("text=PART+2", 12),  # 02, 12, and 20 to 29
        ("text=brazilian+29", 1),
        ("text=nothing", 0),
        ("show=unfinished", 10),
        ("show=finished", 20),
        ("show=review&text=part+01", 1),
    ],
)
def test_episodes_are_found_by_words_and_state(many: Browser, query: str, number: int) -> None:
    page = many.get(f"/?{query}").text
    assert f"{number} of 30 episodes" in page
    assert len(shown(page)) == number


def test_the_episode_that_changed_last_comes_first(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        for name in ("a", "b", "c"):
            write_episode(server.site, name)
        assert shown(server.browser().get("/?sort=changed").text)[0] == "c"
        write_episode(server.site, "b").write_json("later.json", {})
        assert shown(server.browser().get("/?sort=changed").text)[0] == "b"


def test_waiting_jobs_leave_the_films_in_sight(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        source = server.site.inputs / "film.mp4"
        source.touch()
        server.site.queue.submit_many([JobWork("dub", str(source), "film", ("fr",))] * 40, "local")
        page = server.browser().get("/").text
        assert page.count('class="going"') == 5
        assert "the list of jobs</a> has the others" in page
        part = server.browser().get("/running").text
        assert part.count('class="going"') == 5
        assert "<html" not in part


def test_an_accepted_line_leaves_the_count_on_every_side_at_once(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        store = write_episode(server.site, "ep")
        browser = server.browser()

        def counts() -> tuple[int, int, int, int]:
            (row,) = browser.get("/api/episodes").json()
            (language,) = row["languages"]
            return language["to_look_at"], language["open"], language["accepted"], language["locked"]

        assert counts() == (1, 2, 0, 0)
        assert "1 line to look at" in browser.get("/").text
        review = "/api/episodes/ep/pt-BR/lines"
        assert [line["id"] for line in browser.get(review, params={"flagged": True}).json()["lines"]] == [
            "s0001"
        ]
        assert browser.post(f"{review}/accept", json={"lines": ["s0001"]}).status_code == 200
        assert counts() == (0, 1, 1, 0)
        assert browser.get(review, params={"flagged": True}).json()["lines"] == []
        page = browser.get("/").text
        assert "to look at</span>" not in page
        assert "1 open, 1 accepted, 0 locked" in page
        assert browser.post(f"{review}/accept", json={"lines": ["s0002"]}).status_code == 200
        assert "Reviewed" in browser.get("/").text
        shown = session_summary(server, store)
        assert shown == "finished, 2 lines, 2 accepted, reviewed"


def test_a_line_that_failed_is_named_first(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        store = write_episode(server.site, "ep")
        failed = Record("s0002", "k", Parts("speak", 1), error="There is no voice 'Maria'.")
        store.save_record(failed, "pt-BR")
        browser = server.browser()
        (row,) = browser.get("/api/episodes").json()
        (language,) = row["languages"]
        assert (language["failed"], language["to_look_at"]) == (1, 2)
        assert language["flags"] == ["Line 2: Failed", "Line 1: Refused"]
        assert row["degraded"][0] == "Line 2: Speaking the lines failed: There is no voice 'Maria'."
        first = row["remarks"][0]
        assert (first["code"], first["place"], first["where"]) == ("failed", "s0002", "line 2")
        page = browser.get("/").text
        assert "1 line failed" in page
        assert "Line 2: Speaking the lines failed" in page
        assert "Line 2: Speaking the lines failed" in browser.get("/episodes/ep/pt-BR/review").text


def test_many_remarks_are_folded_and_a_list_of_all_episodes_has_the_heaviest(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        store = write_episode(server.site, "ep")
        said = tuple(remark("source-damaged", f"Packet {n} is damaged.") for n in range(60))
        store.save_record(Record("episode", "k", Parts("extract", 1), remarks=said))
        browser = server.browser()
        (row,) = browser.get("/api/episodes").json()
        assert len(row["remarks"]) == 20
        whole = browser.get("/api/episodes/ep").json()
        assert len(whole["remarks"]) == 61
        page = browser.get("/").text
        assert "Packet 2 is damaged." in page
        assert "Packet 3 is damaged." not in page
        assert "and 57 more like it; the report tells them all" in page


def session_summary(server: Running, store: EpisodeStore) -> str:
    """The verdict that `dubkit status` prints."""
    (row,) = episode_summary(of_folder(server.site.session, store.root)).languages
    return row.verdict
