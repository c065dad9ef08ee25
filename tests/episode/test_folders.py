"""Episode folders and their lock."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from dubkit.episode.folders import (
    OpenEpisode,
    find_source,
    folder_name,
    hold_episode,
    hold_lock,
    open_episode,
    remember_source,
)
from dubkit.episode.store import EpisodeStore
from dubkit.errors import EpisodeBusy, MediaError


def source(folder: Path, name: str, content: bytes = b"a") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def opened_and_remembered(output: Path, file: Path) -> Path:
    opened = open_episode(output, file)
    opened.store.root.mkdir(parents=True, exist_ok=True)
    remember_source(opened)
    return opened.store.root


def test_the_folder_is_named_after_the_file(tmp_path: Path) -> None:
    opened = open_episode(tmp_path / "Output", source(tmp_path, "día 日本 🎤.mp4"))
    assert opened.store.root == tmp_path / "Output" / "día 日本 🎤"
    assert opened.note == ""
    assert not (tmp_path / "Output").exists()


def test_two_sources_with_one_stem_get_two_folders_and_are_told(tmp_path: Path) -> None:
    output = tmp_path / "Output"
    first = source(tmp_path / "a", "01.mkv", b"one")
    second = source(tmp_path / "b", "01.mkv", b"two")
    assert opened_and_remembered(output, first).name == "01"
    opened = open_episode(output, second)
    assert opened.store.root.name == f"01-{opened.sha256[:6]}"
    assert "already belongs to" in opened.note
    opened_and_remembered(output, second)
    assert open_episode(output, second).store.root == opened.store.root
    assert open_episode(output, first).store.root.name == "01"


def test_a_moved_or_changed_source_stays_the_same_episode(tmp_path: Path) -> None:
    output = tmp_path / "Output"
    file = source(tmp_path / "a", "ep.mp4", b"one")
    home = opened_and_remembered(output, file)
    moved = source(tmp_path / "b", "ep.mp4", b"one")
    assert open_episode(output, moved).store.root == home
    file.write_bytes(b"a new cut")
    changed = open_episode(output, file)
    assert changed.store.root == home
    assert changed.sha256 != open_episode(output, moved).sha256


def test_a_known_source_is_not_read_again(tmp_path: Path) -> None:
    file = source(tmp_path, "ep.mp4", b"one")
    opened_and_remembered(tmp_path / "Output", file)
    stat = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again = open_episode(tmp_path / "Output", file)
    assert again.sha256 == open_episode(tmp_path / "Output", source(tmp_path / "b", "x.mp4", b"one")).sha256


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "Output" / "ep"
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("do not touch")
    assert open_episode(tmp_path / "Output", source(tmp_path, "ep.mp4")).store.root != mine


@pytest.mark.parametrize(
    ("name", "folder"), [("a. .mp4", "a"), ("-dash first.mp4", "-dash first"), (".mp4", ".mp4")]
)
def test_awkward_names_give_usable_folders(name: str, folder: str) -> None:
    assert folder_name(Path(name)) == folder


def test_a_very_long_name_is_cut_to_what_a_file_system_takes() -> None:
    assert len(folder_name(Path("日" * 200 + ".mp4")).encode()) <= 180


def test_missing_sources_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="nowhere"):
        open_episode(tmp_path, tmp_path / "nowhere.mp4")
    with pytest.raises(MediaError, match="folder"):
        open_episode(tmp_path, tmp_path)


def work_in_own_folder(output: str, file: str, chosen: str, both: str) -> None:
    """Choose a folder, wait until others have chosen too, and stay in it until `both` is there."""
    first = True

    def choose() -> OpenEpisode:
        nonlocal first
        opened = open_episode(Path(output), Path(file))
        if first:
            first = False
            Path(chosen).touch()
            until = time.monotonic() + 30
            while not (Path(chosen).parent / "go").exists() and time.monotonic() < until:
                time.sleep(0.01)
        return opened

    with hold_episode(choose, wait=True, on_wait=lambda text: None) as opened:
        Path(f"{chosen}-works").write_text(str(opened.store.root))
        until = time.monotonic() + 30
        while not Path(both).exists() and time.monotonic() < until:
            time.sleep(0.01)


def test_two_sources_with_one_stem_that_begin_at_once_get_two_folders(tmp_path: Path) -> None:
    spawn, output, over = multiprocessing.get_context("spawn"), tmp_path / "Output", tmp_path / "over"
    files = [source(tmp_path / name, "01.mkv", name.encode()) for name in ("a", "b")]
    marks = [tmp_path / "mark-a", tmp_path / "mark-b"]
    workers = [
        spawn.Process(target=work_in_own_folder, args=(str(output), str(file), str(mark), str(over)))
        for file, mark in zip(files, marks, strict=True)
    ]
    for worker in workers:
        worker.start()
    wait_for(*marks)
    (tmp_path / "go").touch()  # both have chosen Output/01
    works = [mark.with_name(f"{mark.name}-works") for mark in marks]
    wait_for(*works)  # beside each other: neither waits for the other one's end
    over.touch()
    for worker in workers:
        worker.join()
    roots = [Path(mark.read_text()) for mark in works]
    assert len(set(roots)) == 2
    assert output / "01" in roots
    for file, root in zip(files, roots, strict=True):
        assert find_source(EpisodeStore(root)) == file


def wait_for(*files: Path) -> None:
    until = time.monotonic() + 30
    while not all(file.exists() for file in files):
        assert time.monotonic() < until
        time.sleep(0.01)


def hold(root: str, ready: str, seconds: float) -> None:
    with hold_lock(EpisodeStore(Path(root)), wait=True, on_wait=lambda text: None):
        Path(ready).touch()
        time.sleep(seconds)
        Path(ready).with_name("let-go").touch()


def started(tmp_path: Path, seconds: float) -> multiprocessing.process.BaseProcess:
    ready = tmp_path / "ready"
    holder = multiprocessing.get_context("spawn").Process(
        target=hold, args=(str(tmp_path / "ep"), str(ready), seconds)
    )
    holder.start()
    while not ready.exists():
        time.sleep(0.01)
    return holder


def test_a_second_run_is_told_who_holds_the_episode_or_waits(tmp_path: Path) -> None:
    holder = started(tmp_path, 3.0)
    store = EpisodeStore(tmp_path / "ep")
    told: list[str] = []
    with (
        pytest.raises(EpisodeBusy, match=rf"process {holder.pid} on .*\nTry again when it has ended"),
        hold_lock(store, wait=False, on_wait=told.append),
    ):
        pass
    with hold_lock(store, wait=True, on_wait=told.append):
        assert (tmp_path / "let-go").exists()  # the lock came only after the holder was done
    assert f"process {holder.pid}" in told[0]
    holder.join()


def test_a_killed_holder_leaves_no_stale_lock(tmp_path: Path) -> None:
    holder = started(tmp_path, 60.0)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    with hold_lock(EpisodeStore(tmp_path / "ep"), wait=False, on_wait=lambda text: None):
        pass
