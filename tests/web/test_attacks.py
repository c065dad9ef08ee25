"""Attacks by people who have an account, or none, over HTTP: each test is one that once worked, or might."""

from __future__ import annotations

import base64
import csv
import http.client
import io
import logging
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from dubkit.errors import DubkitError
from dubkit.formats.csv import quoted, unquoted
from dubkit.media.files.probe import probe
from dubkit.review.files import read_changes
from dubkit.review.opening import of_folder
from dubkit.web.accounts import audit
from dubkit.web.files import episode_media
from dubkit.web.http import event_watcher, headers
from dubkit.web.jobs.kinds import JobWork
from dubkit.web.jobs.leases import Ending, Leases, WorkerIdentity
from tests.support.browser import holds, launched
from tests.support.web_client import PASSWORD, Browser, Running, make_episode, running_site
from tests.support.web_episode import write_episode
from tests.support.web_html import HOSTILE, HOSTILE_NAME

FORM = "application/x-www-form-urlencoded"
PEOPLE: Any = {"root": "admin", "ed": "editor", "eve": "editor", "vic": "viewer"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running_site(tmp_path, PEOPLE) as running:
        yield running


def audited(server: Running, action: str) -> list[tuple[str, str]]:
    """Who did an action to what, oldest first."""
    found = server.browser("root").get("/api/audit", params={"limit": 500}).json()
    return [(entry["person"], entry["subject"]) for entry in reversed(found) if entry["action"] == action]


def upload(browser: Browser, name: str, body: bytes) -> httpx.Response:
    told = base64.b64encode(name.encode()).decode()
    sent = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(body)), "Upload-Metadata": f"filename {told}"}
    where = browser.post("/api/uploads", headers=sent).headers["location"]
    piece = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    return browser.patch(where, content=body, headers=piece)


# --- bodies -----------------------------------------------------------------------------------


def test_an_upload_sent_as_a_form_is_refused_before_it_comes(server: Running) -> None:
    browser = server.browser("vic")
    where = urlsplit(server.url)
    for path in ("/api/uploads", "/api/uploads/" + "0" * 24):
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=10)
        connection.putrequest("POST", path)
        for name, value in (
            ("Cookie", f"dubkit={browser.cookies['dubkit']}"),
            ("Content-Type", FORM),
            ("Content-Length", str(10**12)),
        ):
            connection.putheader(name, value)
        connection.endheaders(b"csrf_token=")
        assert connection.getresponse().status == 403, "it waits for a body that fills the memory"
        connection.close()


@pytest.mark.parametrize("body", ["&".join(f"a{n}=1" for n in range(2000)), "&" * 5000])
def test_a_form_with_too_many_fields_is_no_error_of_the_server(server: Running, body: str) -> None:
    for browser, path in ((server.browser(), "/login"), (server.browser("ed"), "/new/plan")):
        answer = browser.post(path, content=body, headers={"Content-Type": FORM, "X-CSRF-Token": ""})
        assert answer.status_code == 403


def test_a_body_that_does_not_come_is_not_waited_for(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "BODY_SECONDS", 1.5)
    where = urlsplit(server.url)
    begun = time.monotonic()
    with socket.create_connection((str(where.hostname), where.port or 0), 10) as connection:
        head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\nContent-Length: 99"
        connection.sendall(f"{head}\r\n\r\n".encode())
        for _ in range(3):  # it comes, but by a letter at a time
            time.sleep(0.1)
            connection.sendall(b"a")
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begun < 5
    # A stream that was answered is no body that is waited for.
    assert server.browser("ed").get("/api/me").status_code == 200


# --- uploads ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"ffconcat version 1.0\nfile other.mp4\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
    ids=["concat", "concat out", "hls", "sdp"],
)
def test_a_list_of_files_is_no_upload(server: Running, body: bytes) -> None:
    _write_sound(server.site.inputs / ".uploads" / "other.mp4")
    answer = upload(server.browser("ed"), "film.mp4", body)
    assert answer.status_code == 422
    assert str(server.site.inputs) not in answer.text
    assert server.browser("ed").get("/api/inputs").json() == []


def test_a_list_of_files_that_lies_there_is_no_source(tmp_path: Path) -> None:
    _write_sound(tmp_path / "other.mp4")
    (tmp_path / "film.mp4").write_bytes(b"ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(DubkitError, match="list of other files"):
        probe(tmp_path / "film.mp4")


def _write_sound(path: Path) -> None:
    import numpy as np
    import soundfile  # type: ignore[import-untyped]

    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, np.zeros(4800), 48000, format="WAV")


def test_pictures_that_fill_the_memory_are_refused(server: Running) -> None:
    def part(kind: bytes, content: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + sum_

    # A kilobyte that says that it is a picture of 20,000 by 20,000 pixels: 1.2 GB once decoded.
    size = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 60_001)
    body = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", size) + part(b"IDAT", rows) + part(b"IEND", b"")
    before = _memory()
    answer = upload(server.browser("ed"), "film.mp4", body)
    assert answer.status_code == 422
    assert "pixels" in answer.json()["detail"]
    assert _memory() - before < 300


def _memory() -> float:
    """The most memory this process has had, in megabytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "'=1", "''@", " =1", "\uff1d1", "=", "-"])
def test_no_text_becomes_a_formula_in_a_table(text: str) -> None:
    assert quoted(text) == f"'{text}"
    assert unquoted(quoted(text)) == text


@pytest.mark.parametrize("text", ["", "Olá", "'tis", "1-1", "''", "'", "a=b"])
def test_other_texts_stay_as_they_are_in_a_table(text: str) -> None:
    assert quoted(text) == unquoted(text) == text


def test_a_table_with_formulas_comes_back_without_a_change(server: Running, tmp_path: Path) -> None:
    store = write_episode(server.site, "clip")
    browser = server.browser("ed")
    job = server.site.queue.submit(JobWork("dub", "/in/clip.mp4", "clip", ("pt-BR",), {}), "ed")
    line = f"/api/episodes/{store.root.name}/pt-BR/lines/s0002"
    patch = {"text": "=HYPERLINK(1)", "note": "@mine"}
    assert browser.patch(line, json=patch).status_code == 200
    table = browser.get(f"/api/jobs/{job.id}/transcript", params={"format": "csv"}).text
    row = list(csv.DictReader(io.StringIO(table)))[1]
    assert (row["text"], row["note"]) == ("'=HYPERLINK(1)", "'@mine")
    file = tmp_path / "lines.csv"
    file.write_text(table, "utf-8")
    assert read_changes(of_folder(server.site.session, store.root).fresh("pt-BR"), file) == {}


# --- whose it is ------------------------------------------------------------------------------


def test_a_job_that_never_began_gives_no_access(server: Running) -> None:
    """Its episode was only a name, under which another source was dubbed meanwhile."""
    queue = server.site.queue
    squat = queue.submit(JobWork("dub", "/in/mine/clip.mp4", "clip", ("fr",), {}), "eve")
    queue.cancel(squat.id)
    waiting = queue.submit(JobWork("dub", "/in/mine/two.mp4", "two", ("fr",), {}), "eve")
    for name in ("clip", "two"):
        job = queue.submit(JobWork("dub", f"/in/{name}.mp4", name, ("fr",), {}), "ed")
        leases = Leases(server.site.database, max_attempts=9)
        while (claimed := leases.claim(WorkerIdentity("w", "h"), 60)) and claimed.job.id != job.id:
            leases.opened(claimed, f"{name}-abc123")  # the worker finds that the source is another one
        make_episode(server.site, name)
    assert queue.get(waiting.id) is not None
    for name in ("clip", "two"):
        assert server.browser("eve").get(f"/api/episodes/{name}/access").status_code == 404
        assert server.browser("ed").get(f"/api/episodes/{name}/access").status_code == 200


def test_work_on_a_shared_episode_does_not_take_it_from_others(server: Running) -> None:
    write_episode(server.site, "clip")
    assert server.browser("vic").get("/api/episodes/clip").status_code == 200
    ed = server.browser("ed")
    assert ed.post("/api/episodes/clip/pt-BR/render").status_code == 202
    Leases(server.site.database, max_attempts=9).claim(WorkerIdentity("w", "h"), 60)
    for name in ("vic", "eve"):
        assert server.browser(name).get("/api/episodes/clip").status_code == 200
    assert ed.get("/api/episodes/clip/access").json() == {"people": ["*"]}
    assert ed.put("/api/episodes/clip/access", json={"people": []}).status_code == 403


def test_a_stream_ends_when_its_reader_is_removed(server: Running) -> None:
    job = server.site.queue.submit(JobWork("dub", "/in/clip.mp4", "clip", ("fr",), {}), "eve")
    claimed = Leases(server.site.database, max_attempts=9).claim(WorkerIdentity("w", "h"), 600)
    assert claimed is not None
    leases = Leases(server.site.database, max_attempts=9)
    root = server.browser("root")
    told = ""
    with server.browser("eve").stream("GET", f"/api/jobs/{job.id}/events") as stream:
        for text in stream.iter_text():
            told += text
            if "leased" in told and "secret" not in told and root is not None:
                assert root.delete("/api/users/eve").status_code == 204
                leases.record(claimed, "note", {"text": "secret"})
    assert "secret" not in told


def test_nobody_opens_streams_without_end(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_watcher, "MOST", 2)
    job = server.site.queue.submit(JobWork("dub", "/in/clip.mp4", "clip", ("fr",), {}), "ed")
    where = f"/api/jobs/{job.id}/events"
    browser = server.browser("ed")
    with browser.stream("GET", where) as one, browser.stream("GET", where) as two:
        open_ones = [one.iter_text(), two.iter_text()]
        assert all(next(stream) for stream in open_ones)
        refused = browser.get(where)
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
        with server.browser("root").stream("GET", where) as other:
            assert other.status_code == 200
    until = time.monotonic() + 10
    while (answer := _status(browser, where)) == 429 and time.monotonic() < until:
        time.sleep(0.1)
    assert answer == 200


def _status(browser: Browser, where: str) -> int:
    with browser.stream("GET", where) as stream:
        return stream.status_code


# --- tokens, logs, errors ---------------------------------------------------------------------


def test_a_token_makes_no_tokens(server: Running) -> None:
    wanted = {"label": "x", "role": "viewer"}
    made = server.browser("ed").post("/api/tokens", json={**wanted, "days": 1}).json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert httpx.get(f"{server.url}/api/me", headers=bearer).status_code == 200
    assert httpx.post(f"{server.url}/api/tokens", json=wanted, headers=bearer).status_code == 403


def test_a_password_typed_as_a_name_is_not_kept(server: Running) -> None:
    server.browser().log_in("My Very Own Passphrase", "ed")
    server.browser().log_in("ed", "wrong password")
    assert audited(server, "login failed") == [("-", "unknown name"), ("ed", "ed")]


def test_downloads_are_noted_once(server: Running) -> None:
    store = write_episode(server.site, "clip")
    store.write_bytes("dub.mp4", b"x" * 1000, "pt-BR")
    store.write_bytes("report.html", b"<p>", "pt-BR")
    job = server.site.queue.submit(JobWork("dub", "/in/clip.mp4", "clip", ("pt-BR",), {}), "ed")
    browser = server.browser("ed")
    assert browser.get("/media/clip/pt-BR/dub?download=true").status_code == 200
    piece = {"Range": "bytes=500-600"}
    assert browser.get("/media/clip/pt-BR/dub?download=true", headers=piece).status_code == 206
    assert browser.head("/media/clip/pt-BR/dub?download=true").status_code == 200
    assert browser.get("/media/clip/pt-BR/report?download=true").status_code == 200
    assert browser.get("/media/clip/pt-BR/report").status_code == 200
    assert browser.get("/media/clip/source?download=true").status_code == 200
    assert browser.get(f"/api/jobs/{job.id}/transcript").status_code == 200
    subjects = ["clip/pt-BR/dub", "clip/pt-BR/report", "clip/source", "clip/pt-BR/transcript"]
    assert audited(server, "download") == [("ed", subject) for subject in subjects]


def test_a_film_is_not_fetched_unnoted(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    store = write_episode(server.site, "clip")
    store.write_bytes("dub.mp4", b"x" * 1000, "pt-BR")
    store.write_bytes("dub.mp4", b"x" * 1000, "fr")
    monkeypatch.setattr(episode_media, "plays", lambda file: True)
    monkeypatch.setattr(episode_media, "plays_source", lambda episode: True)
    ed = server.browser("ed")

    def fetch(path: str, *ranges: str) -> None:
        for wanted in ranges:
            answer = ed.get(f"/media/clip/{path}", headers={"Range": wanted} if wanted else {})
            assert answer.status_code == (206 if wanted else 200)

    fetch("pt-BR/dub?download=true", "bytes=1-", "bytes=2-", "bytes=-999")  # all but a byte of it
    fetch("fr/dub", "")  # by a program: players ask for ranges
    assert audited(server, "download") == [("ed", "clip/pt-BR/dub"), ("ed", "clip/fr/dub")]
    fetch("pt-BR/dub", "bytes=0-", "bytes=500-", "bytes=1-")  # the player of a page, and a seek in it
    fetch("source", "bytes=1-")
    assert audited(server, "play") == [("ed", "clip/pt-BR/dub"), ("ed", "clip/source")]
    monkeypatch.setattr(audit, "ONCE", 0.0)
    fetch("source", "bytes=0-")
    assert len(audited(server, "play")) == 3
    assert len(audited(server, "download")) == 2


def test_damage_is_told_without_the_folders_of_the_server(server: Running) -> None:
    store = write_episode(server.site, "clip")
    browser = server.browser("ed")
    (store.root / "edits.json").write_text('{"version": 1, "lines": {"s0001": {"text": 7}}}')
    answer = browser.get("/api/episodes/clip/pt-BR/lines")
    assert answer.status_code == 400
    assert "edits.json" in answer.json()["detail"]
    assert str(server.site.output) not in answer.text
    assert str(server.site.output) in server.browser("root").get("/api/episodes/clip/pt-BR/lines").text
    (store.root / "edits.json").unlink()
    assert browser.get("/api/episodes/clip/pt-BR/lines").status_code == 200


def test_a_database_that_does_not_answer_is_said_and_tells_nothing(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    browser = server.browser("root")
    with server.site.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE user_account RENAME TO gone")
    with caplog.at_level(logging.INFO):
        for path in ("/api/me", "/jobs"):
            answer = browser.get(path)
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert "user_account" not in answer.text
    with server.site.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE gone RENAME TO user_account")
        connection.exec_driver_sql("ALTER TABLE user_account RENAME COLUMN password TO secret_word")
    with caplog.at_level(logging.INFO):
        body = {"name": "new", "role": "viewer", "password": PASSWORD}
        assert browser.post("/api/users", json=body).status_code in (500, 503)
    with server.site.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE user_account RENAME COLUMN secret_word TO password")
    assert "argon2id" not in caplog.text
    assert PASSWORD not in caplog.text
    assert browser.get("/api/me").status_code == 200


# --- texts that would run ---------------------------------------------------------------------


@pytest.mark.slow
def test_no_text_runs_in_any_page(server: Running, tmp_path: Path) -> None:
    """Names, lines, notes, settings and errors, on every page and in a real browser."""
    name = HOSTILE_NAME
    write_episode(server.site, name, folder="<b onmouseover=alert(1)>")
    place = quote(name, safe="")
    ed = server.browser("ed")
    line = f"/api/episodes/{place}/pt-BR/lines/s0001"
    for field in ("text", "note", "delivery", "source"):
        closing = f"</script></textarea>\"'>{HOSTILE}<img src=x onerror=alert(2)>"
        assert ed.patch(line, json={field: closing}).status_code == 200
    people = f"/api/episodes/{place}/pt-BR/speakers/spk1"
    assert ed.patch(people, json={"name": f"{HOSTILE}{{{{7*7}}}}"}).status_code == 200
    work = JobWork("dub", f"/in/{name}.mp4", name, ("pt-BR",), {"transcribe.hints": HOSTILE_NAME})
    job = server.site.queue.submit(work, "ed")
    leases = Leases(server.site.database, max_attempts=9)
    claimed = leases.claim(WorkerIdentity("w", "h"), 60)
    assert claimed is not None
    leases.record(claimed, "note", {"text": HOSTILE_NAME})
    leases.finish(claimed, Ending("failed", f"broken {HOSTILE_NAME}", (HOSTILE, HOSTILE_NAME)))
    paths = [
        "/", "/jobs", f"/jobs?episode={place}", f"/jobs/{job.id}", "/new", f"/characters?episode={place}",
        "/settings", "/users", f"/episodes/{place}/pt-BR/review", f"/episodes/{place}/fr/review",
        f"/{quote(HOSTILE_NAME)}",
    ]  # fmt: skip
    ran: list[str] = []

    def noted(dialog: Any) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    with launched(tmp_path / "shots") as pages:
        allowed = ("404", "Failed to load resource")
        page = pages.open(f"{server.url}/login", allowed=allowed)
        page.on("dialog", noted)
        page.fill("input[name=name]", "root")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{server.url}/")
        for path in paths:
            page.goto(f"{server.url}{path}", wait_until="load")
            page.wait_for_timeout(400)
            assert page.locator("img[onerror], b[onmouseover]").count() == 0, path
            assert page.locator("script:has-text('alert')").count() == 0, path
            assert "49" not in page.title()
            if path.endswith("pt-BR/review"):
                page.get_by_text("Adeus").first.click()
                holds(page, lambda: page.get_by_text("<img src=x onerror=alert(2)>").count() > 0)
    assert ran == []
