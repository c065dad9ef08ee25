"""Media over the web: only an episode's own files, in ranges, as browsers can play them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.episode.folders import SOURCE, SourceMemo
from dubkit.episode.store import EpisodeStore, Parts, Record, canonical, file_digest
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from dubkit.media.picture.lossless import write_frames
from dubkit.media.sound.audio import write_wav
from dubkit.qc.report.page import render_report
from dubkit.types import Clip, Clips, DubbedClip, Fit, Shot, Shots
from dubkit.web.files import episode_media
from dubkit.web.files.previews import FOLDER
from tests.qc.test_report_page import model
from tests.support.media_site import a_site, served
from tests.support.paths import MEDIA, SAMPLE, needs_media


def ffmpeg(*arguments: str) -> Path:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments]
    run_command(command, place=Path(arguments[-1]), timeout=60)
    return Path(arguments[-1])


def remember(store: EpisodeStore, source: Path) -> None:
    stat = source.stat()
    memo = SourceMemo(str(source.resolve()), file_digest(source), stat.st_size, stat.st_mtime_ns)
    store.write_bytes(SOURCE, canonical(memo))


def episode_of(output: Path, name: str, source: Path) -> EpisodeStore:
    """An episode folder with what the first stages write."""
    store = EpisodeStore(output / name)
    store.root.mkdir(parents=True)
    episode = probe(source)
    if episode.track:
        decode_audio(source, episode, store.path("audio.wav"), store.path("speech16k.wav"))
    store.write_json("episode.json", replace(episode, sha256=file_digest(source)))
    remember(store, source)
    return store


def finish(store: EpisodeStore, source: Path) -> None:
    """What the later stages write: a dub, a take of a line and one of a clip, shots, subtitles, a report."""
    store.write_json(
        "shots.json", Shots((Shot("0001", 0, 299, 0.0, 9.967), Shot("0002", 299, 300, 9.967, 10.0)))
    )
    store.write_bytes("thumbnails/0001.jpg", b"\xff\xd8jpeg")
    store.write_bytes("dub.mp4", source.read_bytes(), "pt-BR")
    tone = 0.5 * np.sin(np.arange(48_000) * 2 * np.pi * 440 / 48_000)
    for name in ("mix/dub.wav", "takes/s0001/v001/speech.wav"):
        with store.writing(name, "pt-BR") as temporary:
            write_wav(temporary, tone, 48_000)
    frames = np.random.default_rng(0).integers(0, 256, (20, 64, 96, 3), dtype=np.uint8)
    with store.writing("takes/c0001/v002/picture.mkv", "pt-BR") as temporary:
        write_frames([frames], temporary)
    with store.writing("takes/c0001/v002/sound.wav", "pt-BR") as temporary:
        # One second: silence before the fifth frame, where what is kept begins.
        sound = np.where(np.arange(24_000) < 5 / 30 * 24_000, 0.0, 0.5)
        write_wav(temporary, np.stack([sound, sound], axis=1), 24_000)
    made = DubbedClip("c0001", "justdubit", "preview", 1, 20, 24_000, 24_000)
    record = Record("c0001", "k", Parts("decode", 1), value=made)
    store.write_bytes("takes/c0001/v002/take.json", canonical(record), "pt-BR")
    fit = Fit(96, 64, 0, 0, 96, 64)
    clip = Clip("c0001", "0001", 10, 25, 25, 15, 35, ("s0001",), "", fit)
    store.write_json("clips.json", Clips("justdubit", (clip,), ()), "pt-BR")
    store.write_bytes("sample.pt-BR.vtt", b"WEBVTT\n\n00:00.500 --> 00:01.000\nOi\n", "pt-BR")
    store.write_bytes("sample.de.srt", b"1\n00:00:00,500 --> 00:00:01,000\nHallo\n\n", "de")
    store.write_bytes("report.html", b"<!doctype html><title>r</title>", "pt-BR")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, EpisodeStore, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("site")
    with a_site(folder) as (site, tokens):
        store = episode_of(site.output, "sample", SAMPLE)
        finish(store, SAMPLE)
        late = ffmpeg(
            *("-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2"),
            *("-c:v", "mpeg4", "-c:a", "libmp3lame", str(folder / "old.avi")),
        )
        episode_of(site.output, "old", late)
        broken = EpisodeStore(site.output / "broken")
        broken.root.mkdir()
        (folder / "broken.mkv").write_bytes(b"no film" * 500)
        remember(broken, folder / "broken.mkv")
        with served(site) as url:
            yield url, store, tokens


@pytest.fixture
def ana(base: tuple[str, EpisodeStore, dict[str, str]]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {base[2]['ana']}"}
    with httpx.Client(base_url=base[0], headers=headers, timeout=30) as client:
        yield client


def ready(client: httpx.Client, path: str) -> httpx.Response:
    """Ask until what is being made is there."""
    deadline = time.monotonic() + 60
    while (answer := client.get(path)).status_code == 202 and time.monotonic() < deadline:
        assert answer.json()["state"] == "making"
        assert answer.headers["retry-after"]
        time.sleep(0.05)
    return answer


# --- ranges -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=500-", 500, None),
        ("bytes=-100", -100, None),
        ("bytes=5-999999999", 5, None),
    ],
)
def test_a_range_is_answered_with_its_bytes(
    ana: httpx.Client, asked: str, first: int, last: int | None
) -> None:
    whole = SAMPLE.read_bytes()
    answer = ana.get("/media/sample/source", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == whole[first : None if last is None else last + 1]
    start = first % len(whole)
    end = start + len(answer.content) - 1
    assert answer.headers["content-range"] == f"bytes {start}-{end}/{len(whole)}"
    assert answer.headers["content-type"] == "video/mp4"


def test_a_range_outside_is_refused(ana: httpx.Client) -> None:
    answer = ana.get("/media/sample/source", headers={"Range": "bytes=99999999-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SAMPLE.stat().st_size}"


@pytest.mark.parametrize(
    "asked", ["bytes=9-5", "bytes=x", "lines=1-2", "bytes=", "bytes=--3", "=", "bytes=0-0,-"]
)
def test_odd_ranges_are_no_server_errors(ana: httpx.Client, asked: str) -> None:
    assert ana.get("/media/sample/source", headers={"Range": asked}).status_code in (200, 206, 400, 416)


def test_a_range_of_another_version_gives_the_whole(ana: httpx.Client) -> None:
    tag = ana.head("/media/sample/source").headers["etag"]
    same = ana.get("/media/sample/source", headers={"Range": "bytes=0-9", "If-Range": tag})
    other = ana.get("/media/sample/source", headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert (same.status_code, len(same.content)) == (206, 10)
    assert (other.status_code, len(other.content)) == (200, SAMPLE.stat().st_size)


def test_what_a_browser_has_is_not_sent_again(ana: httpx.Client) -> None:
    first = ana.get("/media/sample/pt-BR/takes/s0001/v001/sound")
    again = ana.get(first.request.url.path, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"


def test_head_gives_the_headers_alone(ana: httpx.Client) -> None:
    answer = ana.head("/media/sample/source")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == SAMPLE.stat().st_size
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_reader_who_leaves_does_no_harm(base: Any, ana: httpx.Client) -> None:
    with ana.stream("GET", "/media/sample/source") as answer:
        next(answer.iter_bytes(1000))
    assert ana.get("/media/sample/source", headers={"Range": "bytes=0-9"}).status_code == 206


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("pt-BR/dub", "video/mp4"),
        ("pt-BR/dub.mp4", "video/mp4"),
        ("pt-BR/takes/s0001/v001/sound", "audio/wav"),
        ("pt-BR/takes/s0001/v001/speech.wav", "audio/wav"),
        ("pt-BR/takes/c0001/v002/sound", "audio/wav"),
        ("shots/0001.jpg", "image/jpeg"),
        ("thumbnails/0001.jpg", "image/jpeg"),
        ("pt-BR/subtitles.vtt", "text/vtt; charset=utf-8"),
        ("pt-BR/report", "text/html; charset=utf-8"),
    ],
)
def test_files_have_their_types_and_are_shown(ana: httpx.Client, path: str, kind: str) -> None:
    answer = ana.get(f"/media/sample/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert "content-disposition" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_downloads_have_a_name(base: Any, ana: httpx.Client) -> None:
    source = ana.get("/media/sample/source?download=1").headers["content-disposition"]
    dub = ana.get("/media/sample/pt-BR/dub?download=1").headers["content-disposition"]
    assert source == 'attachment; filename="sample.mp4"'
    assert dub == 'attachment; filename="sample.pt-BR.mp4"'


def test_a_name_of_any_letters_makes_a_safe_header(base: Any, ana: httpx.Client, tmp_path: Path) -> None:
    output = base[1].root.parent
    odd = tmp_path / 'Über "mich"; x=1\r\n.mp4'
    shutil.copyfile(SAMPLE, odd)
    episode_of(output, "odd", odd)
    told = ana.get("/media/odd/source?download=1").headers["content-disposition"]
    assert told == "attachment; filename*=utf-8''%C3%9Cber%20%22mich%22%3B%20x%3D1%0D%0A.mp4"


def test_shots_name_their_pictures(ana: httpx.Client) -> None:
    assert ana.get("/media/sample/shots").json() == [
        {"id": "0001", "start": 0.0, "end": 9.967, "image": "/media/sample/shots/0001.jpg"},
        {"id": "0002", "start": 9.967, "end": 10.0, "image": ""},
    ]
    assert ana.get("/media/old/shots").json() == []


def test_subtitles_written_as_srt_only_are_shown_too(ana: httpx.Client) -> None:
    answer = ready(ana, "/media/sample/de/subtitles.vtt")
    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    assert answer.text.startswith("WEBVTT")
    assert "Hallo" in answer.text


# --- what is not served -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "sample/..%2F..%2Fd.db", "sample/pt-BR/takes/..%2F..%2F/v001/sound", "..%2Fsample/source",
        "%2e%2e/source", "sample/%2e%2e/dub", "sample/pt-BR/takes/s0001/..%2Fv001/sound",
        "sample/pt-BR/takes/s0001/v001/take.json", "sample/.dubkit/dub",
        "sample/pt-BR/takes/s0001/v999/sound",
        "sample/pt-BR/takes/%00/v001/sound", "sample/shots/..%2F..%2Fsource.jpg", "sample/shots/0009.jpg",
        "sample/fr/dub", "sample/fr/peaks", "sample/fr/report", "sample/fr/subtitles.vtt", "nothing/source",
        "sample/pt-BR/takes/s0001/v001/picture", "sample/audio.wav", "sample/edits.json", "broken/peaks",
        "sample/source/..", "sample/x" + "y" * 300 + "/dub",
    ],
)  # fmt: skip
def test_nothing_else_is_served(ana: httpx.Client, path: str) -> None:
    answer = ana.get(f"/media/{path}")
    assert answer.status_code in (404, 422)
    assert b"mtime_ns" not in answer.content


def test_links_out_of_the_folder_are_refused(base: Any, ana: httpx.Client, tmp_path: Path) -> None:
    store: EpisodeStore = base[1]
    (tmp_path / "secret.wav").write_bytes(b"RIFFsecret")
    store.path("takes/s0002/v001", "pt-BR").mkdir(parents=True)
    store.path("takes/s0002/v001/speech.wav", "pt-BR").symlink_to(tmp_path / "secret.wav")
    store.path("takes/s0003", "pt-BR").symlink_to(tmp_path)
    store.path("thumbnails/0003.jpg").symlink_to("/etc/passwd")
    for path in ("pt-BR/takes/s0002/v001/sound", "pt-BR/takes/s0003/v001/sound", "shots/0003.jpg"):
        assert ana.get(f"/media/sample/{path}").status_code == 404


def test_strangers_see_nothing(base: Any) -> None:
    assert httpx.get(f"{base[0]}/media/sample/source").status_code == 401
    assert httpx.get(f"{base[0]}/media/nothing/source").status_code == 401


def test_a_viewer_looks(base: Any) -> None:
    headers = {"Authorization": f"Bearer {base[2]['vic']}"}
    assert httpx.head(f"{base[0]}/media/sample/source", headers=headers).status_code == 200


def test_a_source_that_is_gone_is_told(base: Any, ana: httpx.Client, tmp_path: Path) -> None:
    film = tmp_path / "gone.mp4"
    shutil.copyfile(SAMPLE, film)
    episode_of(base[1].root.parent, "gone", film)
    film.unlink()
    answer = ana.get("/media/gone/source")
    assert answer.status_code == 404
    assert "no longer exists" in answer.json()["detail"]


# --- previews ---------------------------------------------------------------------------------


def test_a_film_browsers_cannot_play_gets_a_preview(base: Any, ana: httpx.Client, tmp_path: Path) -> None:
    assert ana.get("/media/old/source").status_code == 202
    answer = ready(ana, "/media/old/source")
    assert answer.headers["content-type"] == "video/mp4"
    (tmp_path / "p.mp4").write_bytes(answer.content)
    found = probe(tmp_path / "p.mp4")
    assert found.video is not None
    assert (found.video.codec, found.video.frames, found.audio[0].codec) == ("h264", 50, "aac")
    part = ana.get("/media/old/source", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, answer.content[:10])
    kept = ana.get("/media/old/source?download=1")
    assert kept.headers["content-disposition"] == 'attachment; filename="old.avi"'


def test_waveforms_are_made_once(base: Any, ana: httpx.Client) -> None:
    wave = ready(ana, "/media/sample/peaks").json()
    frames = soundfile.info(str(base[1].path("audio.wav"))).frames
    assert wave["duration"] == pytest.approx(frames / 48_000, abs=1e-5)
    assert wave["rate"] == 100
    assert len(wave["peaks"]) == -(-frames // 480)
    assert 0.1 < max(wave["peaks"]) <= 1
    dub = ready(ana, "/media/sample/pt-BR/peaks").json()
    assert (dub["duration"], max(dub["peaks"])) == (1.0, 0.5)
    assert len(list(base[1].path(f"{FOLDER}/peaks").iterdir())) == 1


def test_a_take_of_a_clip_plays_in_step(ana: httpx.Client, tmp_path: Path) -> None:
    answer = ready(ana, "/media/sample/pt-BR/takes/c0001/v002/picture")
    assert answer.status_code == 200
    (tmp_path / "c.mp4").write_bytes(answer.content)
    found = probe(tmp_path / "c.mp4")
    assert found.video is not None
    assert (found.video.frames, found.video.rate) == (20, Fraction(30))
    decode_audio(tmp_path / "c.mp4", found, tmp_path / "c.wav", tmp_path / "n.wav")
    sound, _ = soundfile.read(tmp_path / "c.wav")
    assert np.abs(sound[960:4800]).mean() > 0.4  # the silence belongs to frames that were left out


def test_a_take_of_another_cut_is_silent_not_out_of_step(base: Any) -> None:
    store: EpisodeStore = base[1]
    lead = episode_media._lead
    assert lead(store, "pt-BR", "c0001", "v002", Fraction(30)) == Fraction(5, 30)
    assert lead(store, "pt-BR", "c0009", "v002", Fraction(30)) is None
    assert lead(store, "pt-BR", "c0001", "v001", Fraction(30)) is None
    assert lead(store, "fr", "c0001", "v002", Fraction(30)) is None


def test_a_preview_that_cannot_be_made_says_why(ana: httpx.Client) -> None:
    answer = ready(ana, "/media/broken/source")
    assert answer.status_code == 422
    assert answer.json()["state"] == "failed"
    assert "not a media file" in answer.json()["detail"]


@needs_media
def test_a_dub_browsers_cannot_play_gets_a_preview(base: Any, ana: httpx.Client, tmp_path: Path) -> None:
    source = MEDIA / "d_odd" / "made" / "en_subs_srt_ass.mkv"
    store = episode_of(base[1].root.parent, "mkv", source)
    store.write_bytes("dub.mkv", source.read_bytes(), "es")
    answer = ready(ana, "/media/mkv/es/dub")
    assert answer.headers["content-type"] == "video/mp4"
    kept = ana.get("/media/mkv/es/dub?download=1")
    assert kept.headers["content-disposition"] == 'attachment; filename="mkv.es.mkv"'
    assert kept.headers["content-type"] == "video/x-matroska"


# --- the report -------------------------------------------------------------------------------


def test_a_report_runs_its_own_script_only(ana: httpx.Client) -> None:
    policy = ana.get("/media/sample/pt-BR/report").headers["content-security-policy"]
    assert "script-src 'sha256-" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "default-src 'none'" in policy
    script = re.search(r"<script>(.*?)</script>", render_report(model()), re.DOTALL)
    assert script is not None
    sha = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"'sha256-{sha}'" in policy


def test_the_schema_names_the_media(ana: httpx.Client) -> None:
    paths = json.loads(ana.get("/api/openapi.json").text)["paths"]
    assert "/media/{episode}/{language}/dub" in paths
    assert set(paths["/media/{episode}/source"]) == {"get"}
