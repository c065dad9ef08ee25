"""The library over HTTP: an episode that is not whole is a verdict, never an error of the list."""

from __future__ import annotations

from pathlib import Path

from tests.support.web_client import running_site
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
