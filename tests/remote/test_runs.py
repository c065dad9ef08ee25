"""Runs with `--output URL`: the same bytes as in a folder, on any machine, over a bad connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dubkit.chain.chain import Request
from dubkit.cli import cli
from dubkit.config import configure
from dubkit.episode.store import EpisodeStore
from dubkit.errors import EpisodeBusy
from dubkit.progress import Silent
from dubkit.remote import claims
from dubkit.remote.objects import Objects
from dubkit.remote.settings import RemoteStores
from dubkit.remote.store import NotSent
from dubkit.studio import Session, dub, fetch_source, open_place, open_session
from tests.remote.conftest import stores
from tests.support.desks import UNHEARD, Desk
from tests.support.faulty_proxy import FaultyProxy, faulty
from tests.support.paths import MEDIA, needs_media
from tests.support.s3_servers import BUCKET, S3Server

CLIP = MEDIA / "a_talk" / "grid_swwp2s.mpg"
SHOTS = Request(languages=(), until="shots")
NOT_COMPARED = {"history.jsonl", "lock", "edits.lock", "summary.json", "settings.json", "fence.json"}
"""Times, the locks, places of folders (each machine here has a cache of its own), and who held an episode."""


def session(folder: Path, output: Path | str, **changes: object) -> Session:
    named = {f"store.{name}": value for name, value in changes.items()}
    made = configure({"models.cache": str(folder), **named}, environment={})
    return open_session(made.settings, output, made.origins)


def contents(root: Path) -> dict[str, bytes]:
    """Return the files of an episode by name."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name not in NOT_COMPARED and "claims" not in path.parts
    }


def in_store(url: str, endpoint: str, folder: Path) -> dict[str, bytes]:
    """Return the objects of an episode by name."""
    objects = Objects(url, RemoteStores(endpoint=endpoint))
    for name, listed in objects.list().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        objects.fetch(name, folder / name, listed)
    return contents(folder)


pytestmark = needs_media


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The episode as a run in a folder leaves it."""
    folder = tmp_path_factory.mktemp("local")
    outcome = dub(session(folder / "cache", folder / "Output"), CLIP, SHOTS, Silent())
    return contents(outcome.store.root)


def test_a_run_through_a_server_equals_a_local_one_and_goes_on_elsewhere(
    server: S3Server, local: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SETTLE", 1.0)
    url = f"s3://{BUCKET}/runs-{server.name}"
    proxy = FaultyProxy(server.port, seed=3, share=0.15, stall=2.5)
    with faulty(proxy):
        output = session(tmp_path / "one", url, endpoint=proxy.url, timeout=2.0, attempts=15)
        outcome = dub(output, CLIP, SHOTS, Silent())
    assert (outcome.ran, outcome.errors) == ({"extract": 1, "shots": 1}, [])
    assert in_store(f"{url}/{CLIP.stem}", server.url, tmp_path / "copy") == local
    assert sum(proxy.met.values()) > 0
    elsewhere = session(tmp_path / "two", url, endpoint=server.url, small=10_000)
    again = dub(elsewhere, CLIP, SHOTS, Silent())
    assert (again.ran, again.errors) == ({}, [])
    assert not (again.store.root / "audio.wav").exists(), "nothing reads it"


@pytest.mark.slow
def test_a_whole_dub_through_a_server_equals_a_local_one(moto: S3Server, tmp_path: Path) -> None:
    desk = Desk(tmp_path, tmp_path / "cache")
    (tmp_path / "dubkit.toml").write_text(UNHEARD)
    options = (CLIP, "--to", "pt-BR", "--src-lang", "en")
    assert desk.run(*options, "--output", "Output")["exit_code"] == 0
    url = f"s3://{BUCKET}/whole"
    with faulty(FaultyProxy(moto.port, seed=5, share=0.05, stall=1.0)) as proxy:
        quick = (
            "--set",
            f"store.endpoint={proxy.url}",
            "--set",
            "store.timeout=5",
            "--set",
            "store.attempts=15",
        )
        through = desk.run(*options, "--output", url, *quick)
    assert (through["exit_code"], through["errors"]) == (0, [])
    assert sum(proxy.met.values()) > 0
    there = in_store(f"{url}/{CLIP.stem}", moto.url, tmp_path / "copy")
    here = contents(tmp_path / "Output" / CLIP.stem)
    assert there.keys() == here.keys()
    assert [name for name in here if here[name] != there[name]] == []


def test_a_store_that_goes_away_ends_the_run_and_costs_nothing_that_was_finished(
    moto: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SETTLE", 1.0)
    with faulty(FaultyProxy(moto.port, share=0.0)) as proxy:
        output = session(tmp_path / "one", f"s3://{BUCKET}/away", endpoint=proxy.url, timeout=2.0, attempts=2)
        send = Objects.send

        def send_until_the_record(objects: Objects, name: str, file: Path) -> object:
            proxy.down = "items/shared/extract" in name
            return send(objects, name, file)

        with monkeypatch.context() as patch:
            patch.setattr(Objects, "send", send_until_the_record)
            with pytest.raises(NotSent, match=r"extract/episode\.json: writing failed in 2 attempts"):
                dub(output, CLIP, SHOTS, Silent())
        proxy.down = False
        again = dub(output, CLIP, SHOTS, Silent())
    assert (again.ran, again.errors) == ({"shots": 1}, [])


def test_a_killed_run_leaves_nothing_half_made_and_another_machine_goes_on(
    rclone: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SETTLE", 1.0)
    url = f"s3://{BUCKET}/killed"
    code = KILLED.format(cache=str(tmp_path / "one"), url=url, endpoint=rclone.url, clip=str(CLIP))
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    sent = Objects(f"{url}/{CLIP.stem}", RemoteStores(endpoint=rclone.url)).list()
    assert "audio.wav" in sent
    assert not any("items/shared/extract" in name for name in sent)
    elsewhere = session(tmp_path / "two", url, endpoint=rclone.url, lease=2.0)
    outcome = dub(elsewhere, CLIP, Request(languages=(), until="extract"), Silent())
    assert (outcome.ran, outcome.errors) == ({"extract": 1}, [])


KILLED = """
import os, signal
from pathlib import Path
from dubkit.config import configure
from dubkit.progress import Silent
from dubkit.remote import claims
from dubkit.remote.objects import Objects
from dubkit.studio import Request, dub, open_session

claims.SETTLE = 1.0
send = Objects.send


def send_and_die(objects, name, file):
    listed = send(objects, name, file)
    if name == "audio.wav":
        os.kill(os.getpid(), signal.SIGKILL)
    return listed


Objects.send = send_and_die
flags = {{"models.cache": {cache!r}, "store.endpoint": {endpoint!r}, "store.lease": 2.0}}
session = open_session(configure(flags, environment={{}}).settings, {url!r})
dub(session, Path({clip!r}), Request(languages=(), until="extract"), Silent())
"""
"""A run that is killed between the files of an item and its record."""


def test_two_runs_never_work_on_one_episode_at_once(tmp_path: Path) -> None:
    url = (tmp_path / "store").as_uri()
    hold = claims.Hold(Objects(f"{url}/{CLIP.stem}", stores()), "another machine")
    hold.acquire(wait=True, on_wait=lambda _: None)
    try:
        with pytest.raises(EpisodeBusy, match=rf"{CLIP.stem} is in use by process {os.getpid()} on "):
            dub(session(tmp_path / "one", url), CLIP, SHOTS, Silent(), wait=False)
    finally:
        hold.release()


def test_commands_name_the_place_by_its_url(
    tmp_path: Path, local: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (tmp_path / "films" / "talk.mpg").as_uri()
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "talk.mpg").write_bytes(CLIP.read_bytes())
    url = (tmp_path / "store").as_uri()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path / "cache"))
    run = CliRunner().invoke(cli, ["run", source, "--until", "shots", "--output", url, "--json"])
    assert run.exit_code == 0, run.output
    assert f'"folder": "{url}/talk"' in run.stdout
    status = CliRunner().invoke(cli, ["status", source, "--output", url])
    assert f"{source}: {url}/talk\n" in status.stdout
    assert "shots" in status.stdout
    plan = CliRunner().invoke(cli, ["plan", source, "--until", "shots", "--output", url])
    assert "Nothing to do." in plan.stdout, plan.output
    assert not (tmp_path / "Output").exists()


def test_a_source_in_a_store_is_fetched_once_and_again_when_it_changes(tmp_path: Path) -> None:
    film = tmp_path / "films" / "film.mkv"
    film.parent.mkdir()
    film.write_bytes(b"one")
    made = configure({"models.cache": str(tmp_path / "cache")}, environment={})
    first = fetch_source(made.settings, film.as_uri())
    stamp = first.stat().st_mtime_ns
    assert fetch_source(made.settings, film.as_uri()).stat().st_mtime_ns == stamp
    film.write_bytes(b"another")
    assert fetch_source(made.settings, film.as_uri()).read_bytes() == b"another"
    with pytest.raises(Exception, match="there is no such object"):
        fetch_source(made.settings, (tmp_path / "films" / "none.mkv").as_uri())


def test_a_worker_opens_an_episode_by_url_and_leaves_its_records_there(tmp_path: Path) -> None:
    from dubkit.episode.records import Parts, Record

    url, cache = (tmp_path / "store").as_uri(), tmp_path / "worker"
    dub(session(tmp_path / "parent", url), CLIP, Request(languages=(), until="extract"), Silent())
    made = configure({"models.cache": str(cache)}, environment={})
    context = open_place(url, CLIP.stem, made.settings)
    assert context.episode.audio
    context.store.write_json("shots.json", {"shots": []})
    context.store.save_record(Record("episode", "key", Parts("shots", 1), (context.store.ref("shots.json"),)))
    there = EpisodeStore(tmp_path / "store" / CLIP.stem)
    record = there.record("shots", "episode")
    assert record is not None
    assert there.whole(record.files)
