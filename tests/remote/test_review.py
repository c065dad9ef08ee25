"""Reviewing an episode in a store: what people change on any machine is there for all, and none is lost."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dubkit.cli import cli
from dubkit.config import configure
from dubkit.episode.edits.log import EditLog
from dubkit.episode.folders import SourceMemo
from dubkit.episode.store import EpisodeStore, canonical
from dubkit.remote import claims
from dubkit.remote.claims import Hold
from dubkit.remote.objects import Objects
from dubkit.review.changes import Desk, LineChange
from dubkit.review.opening import open_review
from dubkit.studio import Session, open_session
from tests.remote.conftest import stores
from tests.review.test_changes import make_episode
from tests.support.desks import Desk as Folder
from tests.support.desks import Shared
from tests.support.s3_servers import BUCKET, S3Server


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SETTLE", 0.1)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with one episode, `ep`, of four lines."""
    context = make_episode(tmp_path)
    source = tmp_path / "ep.mp4"
    stat = source.stat()
    memo = SourceMemo(str(source), "0" * 64, stat.st_size, stat.st_mtime_ns)
    context.store.write_bytes(".dubkit/source.json", canonical(memo))
    shutil.copytree(tmp_path / "Output", tmp_path / "store")
    return (tmp_path / "store").as_uri()


class Machine:
    """A machine with a cache of its own at which somebody reviews."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def review(self, *words: str) -> Result:
        command, episode, *rest = words
        return CliRunner().invoke(
            cli,
            ["review", command, episode, "--output", self.url, *rest],
            env={"DUBKIT_MODELS_CACHE": str(self.folder)},
        )

    def session(self) -> Session:
        made = configure({"models.cache": str(self.folder)}, environment={})
        return open_session(made.settings, self.url, made.origins)

    def desk(self) -> Desk:
        return Desk(open_review(self.session(), Path("ep")), "ana")


def texts(url_folder: Path) -> dict[str, str]:
    """Return the edited texts that the store has."""
    table = json.loads((url_folder / "ep/pt-BR/edits.json").read_text())
    return {line: row["text"] for line, row in table["lines"].items()}


def test_an_edit_is_in_the_store_at_once_and_another_machine_goes_on_from_it(
    url: str, tmp_path: Path
) -> None:
    one, two = Machine(tmp_path / "one", url), Machine(tmp_path / "two", url)
    edited = one.review("edit", "ep", "1", "--text", "Oi.")
    assert edited.exit_code == 0, edited.output
    assert f"dubkit review render ep --to pt-BR --output {url}" in edited.output
    assert texts(tmp_path / "store") == {"s0001": "Oi."}
    assert "Oi." in two.review("list", "ep").output
    assert two.review("edit", "ep", "2", "--text", "Sou a Ana.").exit_code == 0
    assert texts(tmp_path / "store") == {"s0001": "Oi.", "s0002": "Sou a Ana."}
    assert one.review("undo", "ep").exit_code == 0
    assert texts(tmp_path / "store") == {"s0001": "Oi."}, "the last act of this person, wherever it was made"
    assert [event.number for event in EditLog(EpisodeStore(tmp_path / "store/ep")).events()] == [1, 2, 3]


def test_two_people_who_edit_at_the_same_moment_both_keep_their_change(url: str, tmp_path: Path) -> None:
    desks = [Machine(tmp_path / name, url).desk() for name in ("one", "two", "three")]
    acts = [
        threading.Thread(target=desk.edit, args=(f"s000{n}", LineChange(text=f"Texto {n}.")))
        for n, desk in enumerate(desks, 1)
    ]
    for act in acts:
        act.start()
    for act in acts:
        act.join()
    assert texts(tmp_path / "store") == {f"s000{n}": f"Texto {n}." for n in (1, 2, 3)}
    numbers = [event.number for event in EditLog(EpisodeStore(tmp_path / "store/ep")).events()]
    assert numbers == [1, 2, 3]


def test_an_edit_does_not_wait_for_a_run_and_the_run_does_not_take_it_back(url: str, tmp_path: Path) -> None:
    runner, person = Machine(tmp_path / "one", url), Machine(tmp_path / "two", url)
    remote = runner.session().remote
    assert remote is not None
    store = remote.store("ep")
    with store.holding(wait=False, on_wait=lambda _: None):
        assert person.desk().edit("s0001", LineChange(text="Oi.")) is not None
        store.write_json("notes.json", {})
    assert texts(tmp_path / "store") == {"s0001": "Oi."}
    assert (tmp_path / "store/ep/notes.json").is_file()


def test_what_could_not_be_sent_counts_as_not_done(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Machine(tmp_path / "one", url)
    desk = one.desk()
    send = Objects.send

    def broken(objects: Objects, name: str, file: Path) -> object:
        if name.endswith("edits.json"):
            raise OSError("the network is gone")
        return send(objects, name, file)

    with monkeypatch.context() as patch:
        patch.setattr(Objects, "send", broken)
        with pytest.raises(OSError, match="network is gone"):
            desk.edit("s0001", LineChange(text="Oi."))
    assert desk.edit("s0002", LineChange(text="Sou a Ana.")) is not None
    assert texts(tmp_path / "store") == {"s0002": "Sou a Ana."}


def test_an_unknown_episode_is_answered_with_those_that_are_there(url: str, tmp_path: Path) -> None:
    refused = Machine(tmp_path / "one", url).review("list", "talk")
    assert refused.exit_code == 1
    assert f"Episodes in {url}: ep." in str(refused.exception)


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["users", "list"], ["doctor"]])
def test_what_works_in_a_folder_names_the_way_to_one(command: list[str]) -> None:
    refused = CliRunner().invoke(cli, [*command, "--output", "s3://bucket/x"])
    assert refused.exit_code == 2
    assert "dubkit sync s3://bucket/x" in " ".join(refused.output.split())


# --- sync -------------------------------------------------------------------------------------


class Served:
    """A folder that is kept like a store, as for a web server."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def sync(self, *words: str) -> Result:
        return CliRunner().invoke(cli, ["sync", self.url, "--output", str(self.folder), *words])

    @property
    def cast(self) -> Path:
        return self.folder / "ep/pt-BR/cast.json"


def test_a_folder_is_filled_and_what_is_changed_there_goes_back(url: str, tmp_path: Path) -> None:
    served = Served(tmp_path / "served", url)
    assert "ep: fetched from the store" in served.sync().output
    assert served.sync().output == "ep: nothing to do\n"
    served.cast.write_text('{"changed": "here"}')
    (served.folder / "ep/audio.wav").write_bytes(b"x" * 2_000_000)
    (served.folder / "ep/shots.json").unlink(missing_ok=True)
    assert "ep: sent to the store" in served.sync().output
    there = tmp_path / "store/ep"
    assert (there / "pt-BR/cast.json").read_text() == '{"changed": "here"}'
    assert (there / "audio.wav").stat().st_size == 2_000_000
    another = Served(tmp_path / "another", url)
    another.sync()
    assert (another.folder / "ep/audio.wav").stat().st_size == 2_000_000, "large files too"
    (another.folder / "ep/audio.wav").unlink()
    another.sync()
    assert not (there / "audio.wav").exists()
    served.sync()
    assert not (served.folder / "ep/audio.wav").exists()


def test_what_changed_on_both_sides_is_left_until_somebody_says_whose_stays(url: str, tmp_path: Path) -> None:
    served, there = Served(tmp_path / "served", url), tmp_path / "store/ep/pt-BR/cast.json"
    served.sync()
    for side, wins in (("folder", "here"), ("store", "there")):
        served.cast.write_text('{"changed": "here"}')
        there.write_text(json.dumps({"changed": "there", "for": side}))
        refused = served.sync()
        assert refused.exit_code == 1
        assert "have both changed" in refused.output
        assert "--take folder or --take store" in refused.output
        assert served.cast.read_text() == '{"changed": "here"}'
        assert served.sync("--take", side).exit_code == 0
        assert (
            json.loads(there.read_text())["changed"] == json.loads(served.cast.read_text())["changed"] == wins
        )


def test_a_folder_that_was_removed_is_filled_again_and_never_empties_the_store(
    url: str, tmp_path: Path
) -> None:
    served = Served(tmp_path / "served", url)
    served.sync()
    shutil.rmtree(served.folder / "ep")
    assert "ep: fetched from the store" in served.sync("ep").output
    assert served.cast.is_file()
    shutil.rmtree(tmp_path / "store/ep")
    assert "ep: sent to the store" in served.sync().output
    assert (tmp_path / "store/ep/pt-BR/cast.json").is_file()


def test_sync_waits_for_whoever_has_the_episode_and_takes_what_they_made(url: str, tmp_path: Path) -> None:
    served = Served(tmp_path / "served", url)
    served.sync()
    hold = Hold(Objects(f"{url}/ep", stores()), "another machine")
    hold.acquire(wait=True, on_wait=lambda _: None)
    (tmp_path / "store/ep/pt-BR/cast.json").write_text('{"changed": "there"}')
    timer = threading.Timer(0.5, hold.release)
    timer.start()
    said = served.sync()
    timer.join()
    assert "is in use by process" in said.output
    assert served.cast.read_text() == '{"changed": "there"}'


@pytest.mark.slow
def test_a_line_is_made_again_in_a_store_as_in_a_folder(
    moto: S3Server, shared: Shared, tmp_path: Path
) -> None:
    here = shared.unheard_sample().copy(tmp_path / "here")
    url = f"s3://{BUCKET}/review"
    sent = here.dubkit("sync", url, DUBKIT_STORE_ENDPOINT=moto.url)
    assert "sample: sent to the store" in sent.stdout, sent.stderr
    away = Folder(tmp_path / "here", tmp_path / "away-cache")
    steps = (("edit", "sample", "1", "--text", "Bom dia a todos."), ("render", "sample", "--quiet"))
    for words in steps:
        for desk, place in ((here, ()), (away, ("--output", url))):
            done = desk.dubkit("review", *words, *place, DUBKIT_STORE_ENDPOINT=moto.url)
            assert done.returncode in (0, 3), done.stderr
    served = Folder(tmp_path / "served", tmp_path / "away-cache")
    served.folder.mkdir()
    served.dubkit("sync", url, DUBKIT_STORE_ENDPOINT=moto.url)
    for name in ("dub.mp4", "mix/dub.wav", "translation.json", "edits.json"):
        files = [desk.folder / "Output/sample/pt-BR" / name for desk in (here, served)]
        if files[0].exists():
            assert files[0].read_bytes() == files[1].read_bytes(), name
    assert "Bom dia a todos." in (served.folder / "Output/sample/pt-BR/edits.json").read_text()
