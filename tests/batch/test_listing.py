"""The sources of a batch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dubkit.batch.folder import hold_batch
from dubkit.batch.lengths import LengthReader
from dubkit.batch.listing import FolderWatch, episode_id, is_being_written, list_sources
from dubkit.errors import DubkitError
from tests.support.paths import SAMPLE


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "Input"
    for name in ("ep10.mkv", "ep2.mkv", "s2/ep1.mkv", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def names(sources: list[Path]) -> list[str]:
    return [source.name for source in sources]


def test_numbers_in_names_are_in_order(inputs: Path, tmp_path: Path) -> None:
    found = list_sources([f"{inputs}/**/*.mkv"], tmp_path / "Output")
    assert names(found) == ["ep2.mkv", "ep10.mkv", "ep1.mkv"]


def test_a_folder_stands_for_its_media_and_nothing_is_listed_twice(inputs: Path, tmp_path: Path) -> None:
    found = list_sources([str(inputs), str(inputs / "ep2.mkv")], tmp_path / "Output")
    assert names(found) == ["ep2.mkv", "ep10.mkv"]


def test_a_link_to_nothing_and_a_name_without_a_file_are_listed(inputs: Path, tmp_path: Path) -> None:
    (inputs / "lost.mkv").symlink_to(tmp_path / "nowhere")
    found = list_sources([f"{inputs}/*.mkv", str(inputs / "gone.mkv")], tmp_path / "Output")
    assert names(found) == ["ep2.mkv", "ep10.mkv", "lost.mkv", "gone.mkv"]


def test_what_lies_in_the_output_folder_is_no_source(inputs: Path) -> None:
    assert names(list_sources([f"{inputs}/**/*.mkv"], inputs / "s2")) == ["ep2.mkv", "ep10.mkv"]


def test_a_file_with_signs_of_a_glob_in_its_name_is_that_file(inputs: Path, tmp_path: Path) -> None:
    odd = inputs / "a[1]*.mkv"
    odd.write_text("x")
    assert list_sources([str(odd)], tmp_path / "Output") == [odd]


@pytest.mark.parametrize("name", ["*.nothing", "", "s3"])
def test_a_name_without_any_file_is_refused_before_the_batch_begins(
    inputs: Path, tmp_path: Path, name: str
) -> None:
    (inputs / "s3").mkdir()
    with pytest.raises(DubkitError):
        list_sources([f"{inputs}/{name}" if name else ""], tmp_path / "Output")


def test_ids_are_safe_in_file_names_and_differ_by_path(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(b"/in/caf\xe9 \n$(x).mkv"))
    assert episode_id(odd).isascii()
    assert "/" not in episode_id(odd)
    assert episode_id(Path("/a/ep.mkv")) != episode_id(Path("/b/ep.mkv"))


def test_a_file_is_taken_once_it_has_stopped_growing(inputs: Path, tmp_path: Path) -> None:
    watch = FolderWatch((inputs / "s2",), tmp_path / "Output", settle_seconds=5.0)
    assert watch.settled(0.0) == []
    (inputs / "s2" / "ep1.mkv").write_text("more")
    assert watch.settled(6.0) == []
    assert names(watch.settled(12.0)) == ["ep1.mkv"]
    assert watch.settled(20.0) == []  # taken once


def test_a_file_that_is_open_for_writing_is_not_taken(inputs: Path, tmp_path: Path) -> None:
    watch = FolderWatch((inputs / "s2",), tmp_path / "Output", settle_seconds=1.0)
    file = inputs / "s2" / "ep1.mkv"
    with file.open("a"):
        assert is_being_written(file)
        watch.settled(0.0)
        assert watch.settled(9.0) == []
    with file.open():
        assert names(watch.settled(10.0)) == ["ep1.mkv"]


def test_a_batch_with_the_name_of_one_that_runs_gets_a_folder_beside_it(tmp_path: Path) -> None:
    with hold_batch(tmp_path, "season") as first, hold_batch(tmp_path, "season") as second:
        assert (first.name, second.name) == ("season", "season-2")
    with pytest.raises(DubkitError, match="letters"), hold_batch(tmp_path, "../up"):
        pass


def test_lengths_are_read_in_another_process_and_a_broken_file_has_none(tmp_path: Path) -> None:
    broken = tmp_path / "a.mkv"
    broken.write_text("text")
    with LengthReader() as reader:
        assert reader.seconds(broken) == 0.0
        assert reader.seconds(SAMPLE) > 5.0
