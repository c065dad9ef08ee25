"""The chunks of a job: over HTTP, and played in a browser while later ones are being made."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest

from dubkit.web.accounts.people import Role
from dubkit.web.jobs.leases import Leases, WorkerIdentity
from tests.support.browser import Pages, until
from tests.support.playout import STREAM, dub, start, write_film
from tests.support.web_client import PASSWORD, Browser, Running, running_site

pytestmark = pytest.mark.slow

PEOPLE: dict[str, Role] = {"root": "admin", "ana": "editor", "bob": "editor"}
PACE = 6.0
"""Seconds that each line takes, so that the browser plays long before the last one."""


@dataclass(frozen=True, slots=True)
class PacedJob:
    """A server with a job whose dub is being made."""

    server: Running
    ana: Browser
    id: str
    folder: Path

    @property
    def api(self) -> str:
        return f"/api/jobs/{self.id}/stream"

    def manifest(self) -> dict[str, Any]:
        answer = self.ana.get(f"{self.api}/manifest")
        return dict(answer.json()) if answer.status_code == 200 else {"chunks": [], "playlist": ""}


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PacedJob]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "Input").mkdir()
    film = write_film(folder / "Input")
    with running_site(folder, PEOPLE) as server:
        dub(film, server.site.output, "--until", "schedule")
        ana = server.browser("ana")
        asked = {"source": "film.mp4", "languages": ["fr"], "settings": {"stream.mode": "on"}}
        answer = ana.post("/api/jobs", json=asked)
        assert answer.status_code == 201, answer.text
        job = answer.json()["id"]
        assert ana.get(f"/api/jobs/{job}/stream/manifest").status_code == 404
        assert Leases(server.site.database, max_attempts=3).claim(WorkerIdentity("test:1", "test"), 900)
        process = start(film, server.site.output, *STREAM, pace=PACE)
        try:
            paced = PacedJob(server, ana, job, server.site.output / "film" / "fr")
            end = time.monotonic() + 300
            while not paced.manifest()["playlist"]:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < end
                time.sleep(0.2)
            yield paced
        finally:
            process.kill()
            process.communicate()


def test_a_browser_plays_chunk_1_while_later_ones_are_made(paced: PacedJob, pages: Pages) -> None:
    page = pages.open(f"{paced.server.url}/login")
    page.fill("[name=name]", "ana")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{paced.server.url}/")
    page.goto(f"{paced.server.url}/jobs/{paced.id}")
    page.wait_for_selector("#playout-video:not([hidden])", timeout=20_000)
    page.evaluate(
        "() => { const video = document.querySelector('#playout-video'); video.muted = true; video.play(); }"
    )
    until(page, "document.querySelector('#playout-video').currentTime > 1.0", 30)
    video = page.evaluate(
        "() => { const v = document.querySelector('#playout-video');"
        " return [v.currentTime, v.videoWidth, v.error && v.error.code]; }"
    )
    chunks = paced.manifest()["chunks"]
    assert "waiting" in [chunk["state"] for chunk in chunks], "the last chunks are still to be made"
    assert video[0] < chunks[0]["end"]
    assert video[1:] == [128, None]
    assert "can be played" in page.inner_text("#playout-words")
    assert "not real time" in page.inner_text("#playout-delay")
    assert page.locator("#playout-chunks li[data-state=waiting]").count() >= 1
    pages.shoot(page, "playing")


def test_the_manifest_is_never_kept_and_says_the_delay(paced: PacedJob) -> None:
    answer = paced.ana.get(f"{paced.api}/manifest?language=fr")
    assert answer.headers["cache-control"] == "no-store"
    first = answer.json()["chunks"][0]
    assert first["state"] == "ready"
    assert first["ready_after_seconds"] > 0
    assert (first["start"], first["lines"][0]) == (0.0, "s0001")
    assert answer.json()["complete"] is False


def test_chunks_are_sent_whole_and_in_ranges(paced: PacedJob) -> None:
    first = paced.manifest()["chunks"][0]
    head, whole = (paced.ana.get(url).content for url in (f"{paced.api}/chunks/0", first["url"]))
    assert whole == (paced.folder / "stream" / "chunk_001.m4s").read_bytes()
    part = paced.ana.get(first["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(head + whole)) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}
    assert paced.ana.get(f"{paced.api}/chunks/99").status_code == 404


def test_a_playlist_names_what_lies_beside_it(paced: PacedJob) -> None:
    playlist = paced.ana.get(paced.manifest()["playlist"])
    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert playlist.headers["cache-control"] == "no-store"
    beside = paced.manifest()["playlist"].rpartition("/")[0]
    for name in ("init.mp4", "chunk_001.m4s"):
        assert name in playlist.text
        assert paced.ana.get(f"{beside}/{name}").status_code == 200


@pytest.mark.parametrize("name", ["manifest.json", "plan.json", "..%2f..%2fschedule.json", "chunk_1.m4s"])
def test_nothing_else_is_sent(paced: PacedJob, name: str) -> None:
    assert paced.ana.get(f"{paced.api}/files/fr/{name}").status_code in (404, 422)


def test_chunks_are_for_those_who_may_see_the_job(paced: PacedJob) -> None:
    bob = paced.server.browser("bob")
    first = paced.manifest()["chunks"][0]["url"]
    for url in (f"{paced.api}/manifest", first, paced.manifest()["playlist"]):
        assert bob.get(url).status_code == 404
        assert paced.server.browser().get(url).status_code == 401


def test_a_language_that_the_job_has_not_is_no_language_of_its_chunks(paced: PacedJob) -> None:
    assert paced.ana.get(f"{paced.api}/manifest?language=de").status_code == 404
