"""Locks: what they hold, what they refuse, and what is said before an episode is made again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.folders import open_episode, remember_source
from dubkit.episode.store import EpisodeStore, Parts, Record, file_digest
from dubkit.errors import DubkitError
from dubkit.locking.lock import LOCK, Locked, read_lock, write_lock
from dubkit.locking.rebuild import Rebuild, compare
from dubkit.locking.surroundings import UsedModel
from dubkit.models.catalogue import catalogue
from dubkit.models.store import ModelStore
from dubkit.progress import Silent, Speeds
from dubkit.review.changes import Desk, LineChange
from dubkit.series.place import Series
from dubkit.studio import Session
from tests.review.test_changes import PT, make_episode, speak


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """An episode with its source, an edit, a recording and a take that somebody chose."""
    made = make_episode(tmp_path)
    opened = open_episode(tmp_path / "Output", made.source)
    remember_source(opened)
    context = replace(made, sha256=opened.sha256)
    for line in ("s0001", "s0002"):
        parts = Parts("translate", 3, {}, {"transcribe": line}, {}, {"translator": "openai:gpt-4o"})
        context.store.save_record(Record(line, parts.key, parts, value={"id": line}), PT)
    speak(context)
    Desk(context, "ana").edit("s0002", LineChange(note="Softer."))
    Desk(context.fresh(), "ana").choose("s0003", "v001")
    folder = context.store.path("recordings", PT)
    folder.mkdir()
    (folder / "s0001.wav").write_bytes(b"RIFF")
    return context.fresh()


@pytest.fixture
def lock(context: Context, tmp_path: Path) -> Path:
    file = tmp_path / "ep.lock"
    write_lock(context, (), file)
    return file


def session_in(folder: Path, cache: Path) -> Session:
    return Session(Settings(), folder, ModelStore(cache), Speeds())


def rebuild(lock: Path, context: Context, tmp_path: Path) -> Rebuild:
    return Rebuild(session_in(tmp_path / "New", tmp_path / "models"), lock, context.source)


def altered(lock: Path, target: Path, change: Callable[[dict[str, Any]], None], *, drop: str = "") -> Path:
    """Write a lock again with another lock.json, and without one of its files."""
    with zipfile.ZipFile(lock) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            raw = old.read(name)
            if name == LOCK:
                head = json.loads(raw)
                change(head)
                raw = json.dumps(head).encode()
            if name != drop:
                new.writestr(name, raw)
    return target


# --- writing ----------------------------------------------------------------------------------


def test_a_lock_holds_edits_recordings_chosen_takes_and_texts(lock: Path, context: Context) -> None:
    locked = read_lock(lock)
    assert locked.source.sha256 == context.sha256
    assert {
        "edits.jsonl",
        f"{PT}/edits.json",
        f"{PT}/recordings/s0001.wav",
        f"{PT}/takes/s0003/v001/speech.wav",
        f"{PT}/takes/s0003/v001/take.json",
    } <= locked.files.keys()
    assert not any("takes/s0001" in name for name in locked.files)  # nobody chose it
    assert locked.texts.keys() == {f"{PT}/translate/s0001", f"{PT}/translate/s0002"}
    assert f"{PT}/speak/s0001" in locked.keys


def test_a_lock_has_no_secret_and_no_place_of_this_machine(context: Context, tmp_path: Path) -> None:
    models = replace(context.settings.models, cache="/here", token="hf_secret")
    settings = replace(context.settings, models=models, mode="high")
    write_lock(replace(context, settings=settings), (), tmp_path / "x.lock")
    locked = read_lock(tmp_path / "x.lock")
    assert locked.settings == {"mode": "high"}


def test_the_same_episode_gives_the_same_bytes(lock: Path, context: Context, tmp_path: Path) -> None:
    write_lock(context.fresh(), (PT,), tmp_path / "again.lock")
    assert lock.read_bytes() == (tmp_path / "again.lock").read_bytes()


def test_the_series_goes_along_and_no_other_one_is_taken(
    lock: Path, context: Context, tmp_path: Path
) -> None:
    assert rebuild(lock, context, tmp_path).session.settings.series.file == "none"
    words = tmp_path / "season" / "series.toml"
    words.parent.joinpath("series").mkdir(parents=True)
    words.write_text('title = "A season"\n')
    words.parent.joinpath("series/people.json").write_text("{}")
    write_lock(replace(context, series=Series(words)), (), tmp_path / "s.lock")
    made = rebuild(tmp_path / "s.lock", context, tmp_path)
    made.prepare(Silent())
    file = Path(made.session.settings.series.file)
    assert file.read_text() == words.read_text()
    assert file.with_name("series").joinpath("people.json").is_file()


def test_texts_of_a_service_are_named(lock: Path) -> None:
    assert any("the texts are those of the lock" in said for said in read_lock(lock).doubts)


def test_a_recording_that_is_gone_is_named_and_nothing_is_written(context: Context, tmp_path: Path) -> None:
    desk = Desk(context, "ana")
    desk.make([desk.change_of("s0002", "recording", "microphone/a.wav")], "record")
    with pytest.raises(DubkitError, match=r"(?s)s0002.*microphone/a\.wav"):
        write_lock(context.fresh(), (), tmp_path / "x.lock")
    assert not (tmp_path / "x.lock").exists()


def test_a_chosen_take_that_is_gone_is_named(context: Context, tmp_path: Path) -> None:
    context.store.path("takes/s0003/v001/speech.wav", PT).unlink()
    with pytest.raises(DubkitError, match="s0003 must keep take s0003/v001"):
        write_lock(context.fresh(), (), tmp_path / "x.lock")


# --- reading ----------------------------------------------------------------------------------


def test_a_lock_of_another_version_is_refused_with_both(lock: Path, tmp_path: Path) -> None:
    other = altered(lock, tmp_path / "o.lock", lambda head: head.update(version=7, dubkit="9.1"))
    with pytest.raises(DubkitError, match=r"version 7 of locks, written by dubkit 9\.1"):
        read_lock(other)


def test_fields_of_a_later_dubkit_are_passed_over(lock: Path, tmp_path: Path) -> None:
    other = altered(lock, tmp_path / "o.lock", lambda head: head.update(colour="blue", dubkit="0.9"))
    assert read_lock(other).dubkit == "0.9"


@pytest.mark.parametrize("raw", [b"", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_that_is_no_lock_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.lock").write_bytes(raw)
    with pytest.raises(DubkitError, match="no lock of dubkit"):
        read_lock(tmp_path / "x.lock")


def test_a_recording_that_a_lock_lacks_is_named(lock: Path, tmp_path: Path) -> None:
    sha = read_lock(lock).files[f"{PT}/recordings/s0001.wav"]
    with pytest.raises(DubkitError, match=f"lacks {PT}/recordings/s0001.wav"):
        read_lock(altered(lock, tmp_path / "o.lock", lambda head: None, drop=f"files/{sha}"))


# --- before it works --------------------------------------------------------------------------


def test_another_source_is_refused(lock: Path, context: Context, tmp_path: Path) -> None:
    context.source.write_bytes(b"y" * 1000)
    with pytest.raises(DubkitError, match="is not what was locked"):
        rebuild(lock, context, tmp_path)


def test_a_model_that_is_missing_or_another_one_stops(lock: Path, context: Context, tmp_path: Path) -> None:
    spec = next(s for s in catalogue() if s.name == "whisper-large-v3")
    used = UsedModel(spec.role, spec.name, f"{spec.name}-00000000")
    made = rebuild(lock, context, tmp_path)
    made.locked = replace(made.locked, models=(used,))
    (found,) = (one for one in made.differences() if one.what.startswith("model"))
    assert found.stops
    assert spec.name in found.sentence
    assert "not here" in found.sentence


def test_a_model_whose_file_changed_is_named(
    lock: Path, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    model = ModelStore(tmp_path / "models", {"asr": str(folder)})
    monkeypatch.setattr("dubkit.locking.rebuild.open_models", lambda settings: model)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        (folder / name).write_text("{}")
    (folder / "model.bin").write_bytes(b"1" * 5000)
    before = model.find("asr")
    assert before is not None
    made = rebuild(lock, context, tmp_path)
    made.locked = replace(made.locked, models=(UsedModel("asr", "", before.identity),))
    assert not [one for one in made.differences() if one.what.startswith("model")]
    (folder / "model.bin").write_bytes(b"2" * 5000)
    (found,) = (one for one in made.differences() if one.what.startswith("model"))
    assert found.stops
    assert (found.locked, found.here) != (found.here, found.locked)


def test_packages_settings_and_files_that_differ_are_named(
    lock: Path, context: Context, tmp_path: Path
) -> None:
    context.source.with_name("cast.toml").write_text('[spk1]\nname = "Ana"\n')
    made = rebuild(lock, context, tmp_path)
    packages = made.locked.packages | {"numpy": "0.0.1", "gone-package": "1.0"}
    made.locked = replace(made.locked, packages=packages, settings={"mix.colour": "blue"})
    found = {one.what: one for one in made.differences()}
    assert found["package numpy"].locked == "0.0.1"
    assert found["package gone-package"].here == "not here"
    assert not found["package numpy"].stops
    assert found["setting mix.colour"].stops
    assert found["cast.toml beside the source"].stops


def test_where_nothing_differs_nothing_is_said(lock: Path, context: Context, tmp_path: Path) -> None:
    assert rebuild(lock, context, tmp_path).differences() == []


# --- laying it out ----------------------------------------------------------------------------


def test_what_people_brought_lies_in_the_new_folder(lock: Path, context: Context, tmp_path: Path) -> None:
    made = rebuild(lock, context, tmp_path)
    made.prepare(Silent())
    new = EpisodeStore(made.root)
    for name, sha in made.locked.files.items():
        assert file_digest(new.path(name)) == sha
    before = context.store.record("translate", "s0001", PT)
    assert new.record("translate", "s0001", PT) == before
    with pytest.raises(DubkitError, match="is not empty"):
        made.prepare(Silent())


def test_a_damaged_file_in_a_lock_is_not_laid_out(lock: Path, context: Context, tmp_path: Path) -> None:
    sha = read_lock(lock).files[f"{PT}/recordings/s0001.wav"]
    other = altered(lock, tmp_path / "o.lock", lambda head: None, drop=f"files/{sha}")
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr(f"files/{sha}", b"WRONG")
    made = rebuild(other, context, tmp_path)
    with pytest.raises(DubkitError, match="is damaged"):
        made.prepare(Silent())
    assert not (made.root / PT / "recordings/s0001.wav").exists()


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside"])
def test_a_lock_writes_nothing_outside_the_episode(
    lock: Path, context: Context, tmp_path: Path, name: str
) -> None:
    sha = read_lock(lock).files["edits.jsonl"]
    other = altered(lock, tmp_path / "o.lock", lambda head: head.update(files={name: sha}))
    with pytest.raises(DubkitError, match="outside the episode"):
        rebuild(other, context, tmp_path).prepare(Silent())


def test_what_came_out_otherwise_is_named(lock: Path, context: Context) -> None:
    locked: Locked = read_lock(lock)
    assert compare(context, locked).equal
    store = context.store
    record = store.record("speak", "s0002", PT)
    assert record is not None
    store.save_record(replace(record, files=(replace(record.files[0], sha256="0" * 64),)), PT)
    other = Parts("translate", 3, {}, {"transcribe": "x"})
    store.save_record(Record("s0001", other.key, other), PT)
    store.forget("speak", "s0003", PT)
    found = compare(context.fresh(), locked)
    assert found.other_files == (f"{PT}/speak/s0002",)
    assert found.other_key == (f"{PT}/translate/s0001",)
    assert found.missing == (f"{PT}/speak/s0003",)
    assert not found.equal
