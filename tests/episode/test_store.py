"""Keys, reasons, atomic writes and takes."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path

import pytest

from dubkit.episode.store import (
    EpisodeStore,
    FileRef,
    Parts,
    Record,
    canonical,
    digest,
    read_json,
    reason_to_run,
)
from dubkit.errors import ArtifactDamaged, DiskFull
from dubkit.types import Episode, Line, Shot, Shots, VideoStream


def parts(**changes: object) -> Parts:
    values: dict[str, object] = {
        "stage": "speak",
        "version": 1,
        "settings": {"speed": 1.3},
        "inputs": {"a": "x"},
    }
    return Parts(**(values | changes))  # type: ignore[arg-type]


def record(of: Parts, **changes: object) -> Record:
    return Record("s0001", of.key, of, **changes)  # type: ignore[arg-type]


def test_key_is_the_same_whatever_the_order_of_names() -> None:
    assert digest({"b": 1, "a": [1, 2]}) == digest({"a": [1, 2], "b": 1})
    assert canonical({"b": Fraction(30000, 1001), "a": Path("x")}) == b'{"a":"x","b":"30000/1001"}'


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (parts(version=2), "stage version 1 → 2"),
        (parts(settings={"speed": 1.5}), "setting changed: speed 1.3 → 1.5"),
        (parts(inputs={"a": "y"}), "input changed: a"),
        (parts(inputs={"a": "x", "b": "z"}), "input changed: b"),
        (parts(edits={"text": "Olá"}), "edited: text nothing → Olá"),
        (parts(models={"asr": "base"}), "model changed: asr nothing → base"),
        (parts(), ""),
    ],
)
def test_reason_names_what_differs(new: Parts, reason: str) -> None:
    assert reason_to_run(record(parts()), new, forced=False, files_whole=True) == reason


def test_an_edit_is_named_before_the_input_it_also_changed() -> None:
    new = parts(edits={"text": "a"}, inputs={"a": "other"})
    assert reason_to_run(record(parts()), new, forced=False, files_whole=True).startswith("edited")


def test_missing_failed_forced_and_damaged_items_run() -> None:
    same = parts()
    done = record(same, files=(FileRef("x.wav", 3, ""),))
    assert reason_to_run(None, same, forced=False, files_whole=True) == "missing"
    assert (
        reason_to_run(record(same, error="no\nvoice"), same, forced=False, files_whole=True)
        == "failed before: no"
    )
    assert reason_to_run(done, same, forced=True, files_whole=True) == "forced"
    assert "x.wav" in reason_to_run(done, same, forced=False, files_whole=False)


def test_an_artifact_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.write_bytes("a.txt", b"old")

    def half_written() -> None:
        with store.writing("a.txt") as temporary:
            temporary.write_bytes(b"ne")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        half_written()
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert not list((tmp_path / ".dubkit" / "tmp").iterdir())


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_half(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)

    def write() -> None:
        with store.writing("audio.wav") as temporary:
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull, match=r"audio\.wav.*\n.*resumes"):
        write()
    assert not (tmp_path / "audio.wav").exists()
    assert not list((tmp_path / ".dubkit" / "tmp").iterdir())


def test_exact_values_survive_the_disk(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    video = VideoStream(0, "h264", 1080, 720, Fraction(24000, 1001), 239, Fraction(0), Fraction(1001, 100))
    episode = Episode("é", "0" * 64, "mov", Fraction(10), video, ())
    store.write_json("episode.json", episode)
    assert store.read("episode.json", Episode) == episode
    assert "é" in (tmp_path / "episode.json").read_text("utf-8")


def test_a_damaged_artifact_names_file_field_and_cure(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.write_json("shots.json", Shots((Shot("shot001", 0, 5, 0.0, 0.2),)))
    text = (tmp_path / "shots.json").read_text()
    (tmp_path / "shots.json").write_text(text.replace('"end_frame": 5', '"end_frame": "five"'))
    with pytest.raises(ArtifactDamaged, match=r"shots\.json at \$\.shots\[0\]\.end_frame.*\nDelete"):
        store.read("shots.json", Shots)
    (tmp_path / "shots.json").write_text(text[: len(text) // 2])
    with pytest.raises(ArtifactDamaged, match="truncated"):
        store.read("shots.json", Shots)


def test_a_fraction_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text('["1/0"]')
    with pytest.raises(ArtifactDamaged):
        read_json(tmp_path / "f.json", list[Fraction], cure="Mend it.")


def test_a_file_of_another_size_is_not_whole_but_json_may_be_edited(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.write_bytes("a.wav", b"1234")
    store.write_bytes("a.json", b"[1]")
    refs = (store.ref("a.wav"), store.ref("a.json"))
    assert store.whole(refs)
    (tmp_path / "a.json").write_bytes(b"[1, 2]")
    assert store.whole(refs)
    changed = store.changed_by_hand(record(parts(), files=refs))
    assert [ref.path for ref in changed] == ["a.json"]
    (tmp_path / "a.wav").write_bytes(b"123")
    assert not store.whole(refs)


def test_a_hand_changed_file_is_kept_aside(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.write_bytes("pt-BR/translation.json", b"mine")
    kept = store.keep_aside("pt-BR/translation.json")
    assert kept.parent.name == "pt-BR"
    assert kept.read_bytes() == b"mine"


def test_records_round_trip_and_a_torn_one_counts_as_none(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    kept = record(parts(), value={"line": Line("s0001", "Olá")}, degraded=("espeak",))
    store.save_record(kept, "pt-BR")
    found = store.record("speak", "s0001", "pt-BR")
    assert found is not None
    assert (found.key, found.degraded, found.value["line"]["text"]) == (kept.key, ("espeak",), "Olá")
    path = tmp_path / ".dubkit/items/pt-BR/speak/s0001.json"
    path.write_bytes(path.read_bytes()[:20])
    assert store.record("speak", "s0001", "pt-BR") is None
    assert store.records("speak", "pt-BR") == {}


def make_take(store: EpisodeStore, key_parts: Parts, sound: bytes) -> Record:
    with store.new_take("s0001", "fr") as (folder, name):
        (folder / "speech.wav").write_bytes(sound)
        made = record(key_parts, files=(FileRef(f"{name}/speech.wav", len(sound), ""),))
        (folder / "take.json").write_bytes(canonical(made))
    return made


def test_takes_are_numbered_kept_and_found_again_by_key(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    first, second = parts(), parts(edits={"text": "b"})
    make_take(store, first, b"one")
    make_take(store, second, b"two!")
    names = [folder.name for folder in store.take_folders("s0001", "fr")]
    assert names == ["v001", "v002"]
    again = store.adopt_take("s0001", first.key, "fr")
    assert again is not None
    assert again.files[0].path == "fr/takes/s0001/v001/speech.wav"
    assert store.adopt_take("s0001", parts(version=9).key, "fr") is None
    (tmp_path / "fr/takes/s0001/v001/speech.wav").write_bytes(b"cut")
    assert store.adopt_take("s0001", first.key, "fr") is not None
    (tmp_path / "fr/takes/s0001/v001/speech.wav").write_bytes(b"c")
    assert store.adopt_take("s0001", first.key, "fr") is None


def test_a_take_that_failed_half_way_leaves_no_folder(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)

    def half() -> None:
        with store.new_take("s0001", "fr") as (folder, _):
            (folder / "speech.wav").write_bytes(b"x")
            raise RuntimeError("no voice")

    with pytest.raises(RuntimeError):
        half()
    assert store.take_folders("s0001", "fr") == []


def test_cleaning_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    left = tmp_path / ".dubkit/tmp/123-audio.wav"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    store.clean()
    assert not left.exists()


def test_temporary_files_lie_on_the_same_disk_as_the_artifacts(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    with store.writing("deep/er/a.txt") as temporary:
        temporary.write_bytes(b"x")
        assert os.path.commonpath([temporary, tmp_path]) == str(tmp_path)
    assert (tmp_path / "deep/er/a.txt").read_bytes() == b"x"


def test_artifacts_of_one_name_are_written_at_once(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    with store.writing("stems/dub.wav", "fr") as first, store.writing("dub.wav", "fr") as second:
        first.write_bytes(b"stem")
        second.write_bytes(b"whole")
    assert (tmp_path / "fr/stems/dub.wav").read_bytes() == b"stem"
    assert (tmp_path / "fr/dub.wav").read_bytes() == b"whole"


def test_takes_of_two_lines_are_made_at_once(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    with store.new_take("s0001", "fr") as (first, _), store.new_take("s0002", "fr") as (second, _):
        (first / "speech.wav").write_bytes(b"one")
        (second / "speech.wav").write_bytes(b"two")
    assert (tmp_path / "fr/takes/s0001/v001/speech.wav").read_bytes() == b"one"
    assert (tmp_path / "fr/takes/s0002/v001/speech.wav").read_bytes() == b"two"


def test_a_scratch_folder_inside_another_leaves_that_one(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    with store.scratch() as folder:
        (folder / "full.wav").write_bytes(b"x")
        with store.scratch() as inner:
            assert not list(inner.iterdir())
        assert (folder / "full.wav").is_file()


def test_scratch_files_lie_with_the_episode_and_go_away(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    with store.scratch() as folder:
        (folder / "full.wav").write_bytes(b"x")
        assert folder.is_relative_to(tmp_path)
    assert not folder.exists()
