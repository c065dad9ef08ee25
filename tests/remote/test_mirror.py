"""A working folder and its episode in a store: files before records, and the newer side wins."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from pathlib import Path

import pytest

from dubkit.episode.records import FileRef, Parts, Record, pretty
from dubkit.episode.store import EpisodeStore
from dubkit.remote import claims
from dubkit.remote.failures import StoreError
from dubkit.remote.mirror import Mirror
from dubkit.remote.objects import Objects
from dubkit.remote.store import MirroredStore
from tests.remote.conftest import objects_in

RECORD = ".dubkit/items/pt-BR/mix/episode.json"
SOUND = "pt-BR/mix/dub.wav"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SETTLE", 0.1)


class Machine:
    """A machine with a working folder of its own; `store` is read and written as by a run."""

    def __init__(self, folder: Path, name: str, **changes: float) -> None:
        self.objects = objects_in(folder / "store", **changes)
        root = folder / name / "talk"
        self.store = MirroredStore(Mirror(root, self.objects, folder / name / "notes.json"), name)

    def hold(self) -> AbstractContextManager[None]:
        """Hold the episode as a run does."""
        return self.store.holding(wait=False, on_wait=lambda _: None)


def mix(store: EpisodeStore, sound: bytes, key: str = "k1") -> None:
    """Leave a mix as the stage does: the file, then the record."""
    with store.writing("mix/dub.wav", "pt-BR") as temporary:
        temporary.write_bytes(sound)
    store.save_record(Record("episode", key, Parts("mix", 1), (store.ref("mix/dub.wav", "pt-BR"),)), "pt-BR")


def take(store: EpisodeStore, sound: bytes) -> None:
    """Leave a take of a line as the stage does."""

    with store.new_take("s0001", "pt-BR") as (folder, name):
        (folder / "speech.wav").write_bytes(sound)
        ref = FileRef(f"{name}/speech.wav", len(sound), sha256(sound).hexdigest())
        record = Record("s0001", "k1", Parts("speak", 1), (ref,))
        (folder / "take.json").write_bytes(pretty(record))
    store.save_record(record, "pt-BR")


def is_done(store: EpisodeStore) -> bool:
    record = store.record("mix", "episode", "pt-BR")
    return record is not None and store.whole(record.files)


def killed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, sends: int, work: Callable[[EpisodeStore], None]
) -> None:
    """Let a run of a machine be killed when it has sent some files of its work."""
    with monkeypatch.context() as patch, suppress(KeyboardInterrupt), machine.hold():
        sent(patch, machine.objects, stop_after=sends)
        work(machine.store)
        raise AssertionError("it was not killed")


def sent(monkeypatch: pytest.MonkeyPatch, objects: Objects, stop_after: int = 99) -> list[str]:
    """Note what is sent and removed, and break off like a kill after some of it."""
    said: list[str] = []
    send, remove = objects.send, objects.remove

    def noted(name: str, file: Path) -> object:
        if len(said) >= stop_after:
            raise KeyboardInterrupt
        said.append(name)
        return send(name, file)

    def removed(name: str) -> None:
        said.append(f"-{name}")
        remove(name)

    monkeypatch.setattr(objects, "send", noted)
    monkeypatch.setattr(objects, "remove", removed)
    return said


def test_files_go_first_and_a_record_goes_away_before_its_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Machine(tmp_path, "one")
    with one.hold():
        said = sent(monkeypatch, one.objects)
        mix(one.store, b"first")
        mix(one.store, b"second", "k2")
        assert said == [SOUND, RECORD, f"-{RECORD}", SOUND, RECORD]


def test_a_take_is_sent_before_what_says_that_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Machine(tmp_path, "one")
    with one.hold():
        said = sent(monkeypatch, one.objects)
        take(one.store, b"speech")
        folder = "pt-BR/takes/s0001/v001"
        record = ".dubkit/items/pt-BR/speak/s0001.json"
        assert said == [f"{folder}/speech.wav", f"{folder}/take.json", record]


def test_another_machine_goes_on_where_the_first_one_ended(tmp_path: Path) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two")
    with one.hold():
        mix(one.store, b"first")
        one.store.write_json("cast.json", {"speakers": []}, "pt-BR")
    with two.hold():
        assert is_done(two.store)
        assert two.store.has("cast.json", "pt-BR")
        mix(two.store, b"second", "k2")
        two.store.drop("cast.json", "pt-BR")
    with one.hold():
        assert one.store.path("mix/dub.wav", "pt-BR").read_bytes() == b"second"
        assert not one.store.has("cast.json", "pt-BR")


@pytest.mark.parametrize("sends", [0, 1])
def test_nothing_that_a_killed_run_left_half_sent_counts_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sends: int
) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two")
    with one.hold():
        mix(one.store, b"first")
    killed(one, monkeypatch, sends, lambda store: mix(store, b"other", "k2"))
    with two.hold():
        assert not is_done(two.store)
        mix(two.store, b"other", "k2")
        assert is_done(two.store)


def test_what_a_killed_run_had_not_sent_yet_is_sent_by_the_next_one_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Machine(tmp_path, "one")
    killed(one, monkeypatch, 0, lambda store: mix(store, b"first"))
    again = Machine(tmp_path, "one")
    with again.hold():
        assert is_done(again.store)
    two = Machine(tmp_path, "two")
    with two.hold():
        assert is_done(two.store)


def test_unsent_work_gives_way_where_another_run_has_written_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two")
    killed(one, monkeypatch, 0, lambda store: mix(store, b"first"))
    with two.hold():
        mix(two.store, b"second", "k2")
    again = Machine(tmp_path, "one")
    with again.hold():
        assert again.store.path("mix/dub.wav", "pt-BR").read_bytes() == b"second"


def test_half_a_take_is_tidied_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two")
    killed(one, monkeypatch, 1, lambda store: take(store, b"speech"))
    assert any("takes/" in name for name in two.objects.list())
    with two.hold():
        assert two.store.take_folders("s0001", "pt-BR") == []
        take(two.store, b"speech")
        assert two.store.adopt_take("s0001", "k1", "pt-BR") is not None
        assert len(two.store.take_folders("s0001", "pt-BR")) == 1


def test_a_file_that_is_not_what_its_record_says_is_made_again(tmp_path: Path) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two")
    with one.hold():
        mix(one.store, b"first")
    one.objects.write(SOUND, b"wrong")  # of the same size, as a late write of another run could be
    with two.hold():
        assert not is_done(two.store)


def test_large_files_are_fetched_when_they_are_read(tmp_path: Path) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two", small=100)
    with one.hold():
        mix(one.store, b"x" * 1000)
    with two.hold():
        file = two.store.root / SOUND
        assert is_done(two.store)
        assert two.store.has("mix/dub.wav", "pt-BR")
        assert not file.exists()
        assert two.store.path("mix/dub.wav", "pt-BR").read_bytes() == b"x" * 1000
    assert SOUND in one.objects.list(), "what was not read is not taken for removed"


def test_a_large_file_that_is_not_what_its_record_says_is_never_read(tmp_path: Path) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two", small=100)
    with one.hold():
        mix(one.store, b"x" * 1000)
    one.objects.write(SOUND, b"y" * 1000)
    with pytest.raises(StoreError, match=r"dub\.wav: it is not what its record says"), two.hold():
        two.store.path("mix/dub.wav", "pt-BR")
    assert SOUND not in one.objects.list()
    with two.hold():
        assert not is_done(two.store)


def test_another_process_is_given_the_whole_working_folder(tmp_path: Path) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two", small=100)
    with one.hold():
        mix(one.store, b"x" * 1000)
    with two.hold():
        worker = pickle.loads(pickle.dumps(two.store))
        assert type(worker) is EpisodeStore
        assert is_done(worker)
        mix(worker, b"y" * 1000, "k2")
        two.store.note({"stage": "mix"})
    assert one.objects.read(SOUND) == b"y" * 1000


def test_edits_of_people_are_taken_from_the_store(tmp_path: Path) -> None:
    one, two = Machine(tmp_path, "one"), Machine(tmp_path, "two")
    with one.hold():
        one.store.write_json("edits.json", {"lines": {}}, "pt-BR")
    two.store.mirror.pull()
    two.store.write_by_hand("edits.json", {"lines": {"s0001": {}}}, "pt-BR")
    with one.hold():
        assert "s0001" in one.store.path("edits.json", "pt-BR").read_text()
