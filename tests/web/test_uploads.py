"""Uploads: in pieces, resumed, bound to their owner, never over another file, and only media."""

from __future__ import annotations

import base64
import http.client
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.web.accounts.people import Person
from dubkit.web.files.uploads import KEPT_SECONDS, UploadError, Uploads, clean_name, input_files, told_of
from dubkit.web.site import Site
from tests.support.media_site import a_site, served
from tests.support.paths import SAMPLE


class Tus:
    """A client of the protocol."""

    def __init__(self, base: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
        self.http = httpx.Client(base_url=base, headers=headers, timeout=30)

    def create(self, name: str, size: int | str) -> httpx.Response:
        told = base64.b64encode(name.encode()).decode()
        headers = {"Upload-Length": str(size), "Upload-Metadata": f"filetype dmlkZW8=,filename {told}"}
        return self.http.post("/api/uploads", headers=headers)

    def patch(self, where: str, at: int, body: bytes, **headers: str) -> httpx.Response:
        sent = {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream", **headers}
        return self.http.patch(where, content=body, headers=sent)

    def offset(self, where: str) -> int:
        return int(self.http.head(where).headers["upload-offset"])

    def whole(self, name: str, body: bytes) -> httpx.Response:
        where = self.create(name, len(body)).headers["location"]
        return self.patch(where, 0, body)


Login = Callable[[str], Tus]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Site, dict[str, str]]]:
    with a_site(tmp_path_factory.mktemp("site")) as (site, tokens), served(site) as url:
        yield url, site, tokens


@pytest.fixture
def inputs(base: tuple[str, Site, dict[str, str]]) -> Path:
    shutil.rmtree(base[1].inputs)
    base[1].inputs.mkdir()
    return base[1].inputs


@pytest.fixture
def login(base: tuple[str, Site, dict[str, str]], inputs: Path) -> Iterator[Login]:
    clients: list[Tus] = []

    def made(name: str) -> Tus:
        clients.append(Tus(base[0], base[2][name]))
        return clients[-1]

    yield made
    for client in clients:
        client.http.close()


def wav(seconds: float = 1.0, seed: int = 0) -> bytes:
    import io

    file = io.BytesIO()
    sound = np.random.default_rng(seed).normal(0, 0.1, round(8000 * seconds))
    soundfile.write(file, sound, 8000, subtype="PCM_16", format="WAV")
    return file.getvalue()


# --- the protocol -----------------------------------------------------------------------------


def test_a_file_arrives_in_pieces_and_becomes_an_input(login: Login, inputs: Path) -> None:
    ana, body = login("ana"), wav(20)
    made = ana.create("Mein Interview.WAV", len(body))
    assert made.status_code == 201
    assert made.headers["tus-resumable"] == "1.0.0"
    where = made.headers["location"]
    half = len(body) // 2
    first = ana.patch(where, 0, body[:half])
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(half))
    assert "upload-expires" in first.headers
    state = ana.http.get(where).json()
    assert state == {
        "name": "Mein Interview.wav", "size": len(body), "offset": half, "finished": False, "file": "",
    }  # fmt: skip
    assert not list(inputs.glob("*.wav"))
    last = ana.patch(where, half, body[half:])
    assert last.headers["upload-name"] == "Mein%20Interview.wav"
    assert (inputs / "Mein Interview.wav").read_bytes() == body
    assert ana.http.get(where).json()["file"] == "Mein Interview.wav"
    assert ana.offset(where) == len(body)
    assert [one["name"] for one in ana.http.get("/api/inputs").json()] == ["Mein Interview.wav"]
    assert not list((inputs / ".uploads").glob("*.part"))


def test_the_sample_video_is_taken(login: Login, inputs: Path) -> None:
    body = SAMPLE.read_bytes()
    assert login("ana").whole("sample.mp4", body).status_code == 204
    assert (inputs / "sample.mp4").read_bytes() == body


def test_options_say_what_is_there(login: Login) -> None:
    told = login("ana").http.options("/api/uploads")
    assert told.status_code == 204
    assert told.headers["tus-extension"] == "creation,termination,expiration"
    assert told.headers["tus-max-size"] == "10000000"
    assert told.headers["tus-version"] == "1.0.0"


def test_a_dropped_connection_is_gone_on_with(base: Any, login: Login, inputs: Path) -> None:
    ana, body = login("ana"), wav(60)
    where = ana.create("a.wav", len(body)).headers["location"]
    raw = http.client.HTTPConnection(base[0].removeprefix("http://"), timeout=10)
    raw.putrequest("PATCH", where)
    for name, value in {
        "Authorization": f"Bearer {base[2]['ana']}", "Tus-Resumable": "1.0.0", "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream", "Content-Length": str(len(body)),
    }.items():  # fmt: skip
        raw.putheader(name, value)
    raw.endheaders()
    raw.send(body[:400_000])
    time.sleep(0.3)
    raw.close()
    deadline = time.monotonic() + 10
    while ana.offset(where) < 400_000 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ana.offset(where) == 400_000
    answer = ana.patch(where, 400_000, body[400_000:])
    assert answer.status_code == 204, answer.text
    assert (inputs / "a.wav").read_bytes() == body


def test_an_upload_outlives_the_server(tmp_path: Path) -> None:
    body = wav(3)
    with a_site(tmp_path) as (site, tokens):
        with served(site) as url:
            first = Tus(url, tokens["ana"])
            where = first.create("b.wav", len(body)).headers["location"]
            first.patch(where, 0, body[:1000])
            first.http.close()
        with served(site) as url:
            second = Tus(url, tokens["ana"])
            assert second.offset(where) == 1000
            assert second.patch(where, 1000, body[1000:]).status_code == 204
            second.http.close()
        assert (site.inputs / "b.wav").read_bytes() == body


def test_two_at_once_on_one_upload_do_not_mix(base: Any, login: Login) -> None:
    ana, body = login("ana"), wav(30)
    where = ana.create("c.wav", len(body)).headers["location"]
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield body[:1000]
        begun.set()
        go_on.wait(10)
        yield body[1000:]

    answers: list[httpx.Response] = []
    headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    slow = threading.Thread(
        target=lambda: answers.append(ana.http.patch(where, content=slowly(), headers=headers))
    )
    slow.start()
    assert begun.wait(10)
    other = login("ana")
    assert other.patch(where, 0, body).status_code == 423
    assert other.http.delete(where).status_code == 423
    go_on.set()
    slow.join(10)
    assert answers[0].status_code == 204
    assert answers[0].headers["upload-name"] == "c.wav"


@pytest.mark.parametrize(
    ("at", "kind", "version", "status"),
    [
        ("5", "application/offset+octet-stream", "1.0.0", 409),
        ("x", "application/offset+octet-stream", "1.0.0", 400),
        ("-1", "application/offset+octet-stream", "1.0.0", 400),
        ("0", "application/octet-stream", "1.0.0", 415),
        ("0", "application/offset+octet-stream", "0.2.2", 412),
    ],
)
def test_wrong_pieces_are_refused(login: Login, at: str, kind: str, version: str, status: int) -> None:
    ana = login("ana")
    where = ana.create("d.wav", 100).headers["location"]
    headers = {"Upload-Offset": at, "Content-Type": kind, "Tus-Resumable": version}
    answer = ana.http.patch(where, content=b"x" * 10, headers=headers)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert ana.offset(where) == 0


def test_more_than_was_said_is_refused(login: Login) -> None:
    ana = login("ana")
    where = ana.create("e.wav", 100).headers["location"]
    assert ana.patch(where, 0, b"x" * 101).status_code == 413

    def unsaid() -> Iterator[bytes]:
        yield b"x" * 200

    headers = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert ana.http.patch(where, content=unsaid(), headers=headers).status_code == 413
    assert ana.offset(where) == 0


def test_termination_forgets_the_pieces(login: Login, inputs: Path) -> None:
    ana = login("ana")
    where = ana.create("f.wav", 100).headers["location"]
    assert ana.http.delete(where).status_code == 204
    assert ana.http.head(where).status_code == 404
    assert not [path for path in (inputs / ".uploads").iterdir() if path.suffix != ".lock"]


# --- who --------------------------------------------------------------------------------------


def test_an_upload_is_its_owners_and_the_admins(login: Login) -> None:
    where = login("ana").create("g.wav", 100).headers["location"]
    ben = login("ben")
    assert ben.http.head(where).status_code == 404
    assert ben.patch(where, 0, b"x").status_code == 404
    assert ben.http.delete(where).status_code == 404
    assert login("ada").http.head(where).status_code == 200


def test_viewers_and_strangers_upload_nothing(base: Any, login: Login) -> None:
    vic = login("vic")
    assert vic.create("h.wav", 100).status_code == 403
    assert vic.http.get("/api/inputs").status_code == 403
    assert httpx.post(f"{base[0]}/api/uploads").status_code == 401
    assert httpx.get(f"{base[0]}/api/inputs").status_code == 401


# --- what -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["", "x", "-5", "1" * 30, "٣"])
def test_a_size_that_is_none_is_refused(login: Login, size: str) -> None:
    told = base64.b64encode(b"a.wav").decode()
    headers = {b"Upload-Length": size.encode(), b"Upload-Metadata": f"filename {told}".encode()}
    assert login("ana").http.post("/api/uploads", headers=headers).status_code == 400


@pytest.mark.parametrize("metadata", ["", "filename", "filename %%%", "filename /w==", "name YQ=="])
def test_a_name_that_is_none_is_refused(login: Login, metadata: str) -> None:
    headers = {"Upload-Length": "5", "Upload-Metadata": metadata}
    assert login("ana").http.post("/api/uploads", headers=headers).status_code in (400, 415)


def test_too_large_a_file_is_refused_before_it_comes(login: Login) -> None:
    answer = login("ana").create("big.mp4", 10_000_001)
    assert answer.status_code == 413
    assert "0.01 GB" in answer.json()["detail"]


def test_a_full_disk_is_told_before_it_is_full(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(
        "dubkit.web.files.uploads.shutil.disk_usage", lambda path: usage._replace(free=2**28 + 99)
    )
    answer = login("ana").create("big.mp4", 100)
    assert answer.status_code == 507
    assert "no space for big.mp4" in answer.json()["detail"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_meanwhile_is_told_and_the_upload_goes_on(login: Login, inputs: Path) -> None:
    ana, body = login("ana"), wav(5)
    where = ana.create("long.wav", len(body)).headers["location"]
    (part,) = (inputs / ".uploads").glob("*.part")
    part.unlink()
    part.symlink_to("/dev/full")
    answer = ana.patch(where, 0, body)
    assert answer.status_code == 507
    assert "disk of the server is full" in answer.json()["detail"]
    part.unlink()
    part.touch()
    assert ana.patch(where, ana.offset(where), body).status_code == 204
    assert (inputs / "long.wav").read_bytes() == body


@pytest.mark.parametrize("name", ["run.exe", "page.html", "noending", ".mp4x", "a.mp4/../b.py"])
def test_other_kinds_of_files_are_refused(login: Login, name: str) -> None:
    assert login("ana").create(name, 100).status_code == 415


def test_what_only_looks_like_media_is_refused_with_the_cause(login: Login, inputs: Path) -> None:
    answer = login("ana").whole("text.mp4", b"hello, this is text" * 100)
    assert answer.status_code == 422
    assert "text.mp4: this is not a media file" in answer.json()["detail"]
    assert ".part" not in answer.text
    assert not list(inputs.glob("*.mp4"))
    assert not list((inputs / ".uploads").glob("*.part"))


def test_an_empty_file_is_refused(login: Login) -> None:
    answer = login("ana").create("empty.wav", 0)
    assert answer.status_code == 422
    assert "empty" in answer.json()["detail"]


def test_a_file_is_never_written_over(login: Login, inputs: Path) -> None:
    ana, one, two = login("ana"), wav(1, 1), wav(1, 2)
    assert ana.whole("x.wav", one).headers["upload-name"] == "x.wav"
    assert ana.whole("x.wav", two).headers["upload-name"] == "x-2.wav"
    assert ana.whole("x.wav", one).headers["upload-name"] == "x.wav"
    assert ana.whole("x.wav", two).headers["upload-name"] == "x-2.wav"
    assert (inputs / "x.wav").read_bytes() == one
    assert sorted(path.name for path in inputs.glob("*.wav")) == ["x-2.wav", "x.wav"]


def test_a_link_among_the_inputs_is_not_written_through(login: Login, inputs: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.wav"
    (inputs / "y.wav").symlink_to(outside)
    assert login("ana").whole("y.wav", wav()).headers["upload-name"] == "y-2.wav"
    assert not outside.exists()


def test_a_disk_without_links_gets_the_file_too(
    login: Login, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("dubkit.web.files.uploads.os.link", refuse)
    ana = login("ana")
    assert ana.whole("z.wav", wav(1, 1)).headers["upload-name"] == "z.wav"
    assert ana.whole("z.wav", wav(1, 2)).headers["upload-name"] == "z-2.wav"
    assert (inputs / "z.wav").read_bytes() == wav(1, 1)


def test_a_lost_last_answer_is_made_good_by_asking(login: Login, inputs: Path) -> None:
    ana, body = login("ana"), wav()
    where = ana.create("late.wav", len(body)).headers["location"]
    part = inputs / ".uploads" / f"{where.rsplit('/', 1)[-1]}.part"
    part.write_bytes(body)  # as when the server died after the last byte
    assert ana.http.get(where).json()["file"] == "late.wav"


@pytest.mark.parametrize("upload", ["..%2F..%2Fetc", "a" * 24, "0" * 23, "%00", "A" * 24, "x.json"])
def test_names_of_uploads_are_no_paths(login: Login, upload: str) -> None:
    assert login("ana").http.get(f"/api/uploads/{upload}").status_code == 404


# --- without a server -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/Passwd.MP4", "Passwd.mp4"),
        ("C:\\Users\\me\\film.mkv", "film.mkv"),
        ("интервью №1 día.mp4", "интервью №1 día.mp4"),
        ("a\x00b\n.wav", "ab.wav"),
        ("-i evil.mp4", "i evil.mp4"),
        ("..hidden.mp4", "hidden.mp4"),
        (".mp4", "upload.mp4"),
        ("  .  .mp4", "upload.mp4"),
        ("con.wav", "_con.wav"),
        ('a<b>:"|?*.mov', "ab.mov"),
        ("\u202egpj.mp4", "gpj.mp4"),
        ("x" * 400 + ".mp4", "x" * 150 + ".mp4"),
        ("é" * 200 + ".mp4", "é" * 75 + ".mp4"),
    ],
)
def test_names_are_cleaned_and_stay_readable(sent: str, kept: str) -> None:
    assert clean_name(sent) == kept


def test_old_uploads_are_removed(tmp_path: Path, base: tuple[str, Site, dict[str, str]]) -> None:
    uploads, ana = Uploads(tmp_path, 1000, base[1].database), Person("ana", "editor")
    old, young = uploads.create("old.wav", 10, ana), uploads.create("young.wav", 10, ana)
    then = time.time() - KEPT_SECONDS - 60
    for path in uploads.folder.glob(f"{old.id}.*"):
        os.utime(path, (then, then))
    uploads.create("new.wav", 10, ana)
    assert not list(uploads.folder.glob(f"{old.id}.*"))
    assert uploads.get(young.id, ana) == young
    with pytest.raises(UploadError, match="expired"):
        uploads.get(old.id, ana)


def test_nobody_begins_uploads_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: tuple[str, Site, dict[str, str]]
) -> None:
    monkeypatch.setattr("dubkit.web.files.uploads.MOST_UNFINISHED", 2)
    uploads, ana = Uploads(tmp_path, 1000, base[1].database), Person("ana", "editor")
    uploads.create("a.wav", 10, ana)
    uploads.create("b.wav", 10, ana)
    with pytest.raises(UploadError, match="unfinished") as refused:
        uploads.create("c.wav", 10, ana)
    assert refused.value.status == 429
    uploads.create("c.wav", 10, Person("ben", "editor"))


def test_inputs_are_media_files_that_lie_there(tmp_path: Path) -> None:
    inputs, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inputs / "series", inputs / ".uploads", outside):
        folder.mkdir(parents=True)
    for path in ("a.mp4", "series/b.MKV", "notes.txt", ".uploads/c.mp4", ".d.mp4"):
        (inputs / path).write_bytes(b"x")
    (outside / "e.mp4").write_bytes(b"x")
    (inputs / "linked.mp4").symlink_to(outside / "e.mp4")
    (inputs / "folder").symlink_to(outside)
    assert [file.name for file in input_files(inputs)] == ["a.mp4", "series/b.MKV"]
    assert input_files(tmp_path / "nothing") == []


def test_an_upload_that_must_be_mended_is_called_by_its_own_name(tmp_path: Path) -> None:
    part = tmp_path / "ab12.part"
    error = (
        f"{part}: its clock starts anew.\nCut it there:\n  tail -c +9 {part} > part2.part\n"
        "  ffmpeg -f concat -i parts.txt -c copy ab12.mended.part"
    )
    assert told_of(error, part, "My show.ts").splitlines() == [
        "My show.ts: its clock starts anew.",
        "Cut it there:",
        "  tail -c +9 'My show.ts' > part2.ts",
        "  ffmpeg -f concat -i parts.txt -c copy 'My show.mended'.ts",
    ]
