"""Derived files are made once, whole, in the background, and older ones go."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dubkit.episode.store import EpisodeStore
from dubkit.errors import MediaError
from dubkit.web.files.previews import FOLDER, DerivedFile, PreviewFailed, Previews


def derived(store: EpisodeStore, origin: Path, make: Any, **more: Any) -> DerivedFile:
    return DerivedFile(store, "thing", (origin,), ".bin", make, **more)


def wait(previews: Previews, wanted: DerivedFile) -> Path:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if (found := previews.get(wanted)) is not None:
            return found
        time.sleep(0.01)
    raise AssertionError("it was not made")


@pytest.fixture
def place(tmp_path: Path) -> tuple[EpisodeStore, Path]:
    origin = tmp_path / "origin"
    origin.write_bytes(b"one")
    return EpisodeStore(tmp_path / "episode"), origin


def test_many_who_ask_at_once_have_it_made_once(place: tuple[EpisodeStore, Path]) -> None:
    store, origin = place
    previews, calls, go_on = Previews(), [], threading.Event()

    def make(target: Path) -> None:
        calls.append(target)
        go_on.wait(5)
        target.write_bytes(b"made")

    wanted = derived(store, origin, make)
    askers = [threading.Thread(target=previews.get, args=(wanted,)) for _ in range(20)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert previews.get(wanted) is None
    go_on.set()
    assert wait(previews, wanted).read_bytes() == b"made"
    assert len(calls) == 1
    assert wait(Previews(), wanted).read_bytes() == b"made"
    assert len(calls) == 1


def test_a_changed_origin_is_shown_anew_and_the_older_file_goes(place: tuple[EpisodeStore, Path]) -> None:
    store, origin = place
    previews = Previews()

    def make(target: Path) -> None:
        target.write_bytes(origin.read_bytes())

    first = wait(previews, derived(store, origin, make))
    origin.write_bytes(b"another")
    second = wait(previews, derived(store, origin, make))
    assert second.read_bytes() == b"another"
    deadline = time.monotonic() + 5
    while first.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [path.name for path in second.parent.iterdir()] == [second.name]
    other = derived(store, origin, make, variant="other")
    assert other.relative != derived(store, origin, make).relative


def test_a_failure_is_told_and_tried_again_later(place: tuple[EpisodeStore, Path]) -> None:
    store, origin = place
    previews = Previews(failed_for=2.0)
    faults = [MediaError(origin, "is odd", "Try another."), RuntimeError("bug")]

    def make(target: Path) -> None:
        target.write_bytes(b"half")
        if faults:
            raise faults.pop(0)

    wanted = derived(store, origin, make)
    with pytest.raises(PreviewFailed, match="is odd"):
        wait(previews, wanted)
    with pytest.raises(PreviewFailed, match="is odd"):
        previews.get(wanted)
    assert not [path for path in store.path(FOLDER).rglob("*") if path.is_file()]
    time.sleep(2.1)
    with pytest.raises(PreviewFailed, match="log has the details"):
        wait(previews, wanted)
    time.sleep(2.1)
    assert wait(previews, wanted).read_bytes() == b"half"


def test_a_run_that_empties_the_half_written_does_no_harm(place: tuple[EpisodeStore, Path]) -> None:
    store, origin = place

    def make(target: Path) -> None:
        target.write_bytes(b"who")
        store.clean()
        # An encoder opens its file again to put the index first.
        with target.open("r+b") as file:
            file.write(b"whole")

    assert wait(Previews(), derived(store, origin, make)).read_bytes() == b"whole"


def test_a_killed_server_leaves_no_half_file(tmp_path: Path) -> None:
    program = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from dubkit.episode.store import EpisodeStore\n"
        "from dubkit.web.files.previews import DerivedFile, Previews\n"
        "root = Path(sys.argv[1])\n(root / 'o').write_bytes(b'1')\n"
        "def make(target):\n    target.write_bytes(b'half'); print('begun', flush=True); time.sleep(60)\n"
        "Previews().get(DerivedFile(EpisodeStore(root / 'e'), 's', (root / 'o',), '.bin', make))\n"
        "time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"begun\n"
    child.kill()
    child.wait()
    child.stdout.close()
    store = EpisodeStore(tmp_path / "e")

    def make(target: Path) -> None:
        target.write_bytes(b"whole")

    again = DerivedFile(store, "s", (tmp_path / "o",), ".bin", make)
    whole = wait(Previews(), again)
    assert whole.read_bytes() == b"whole"
    until = time.monotonic() + 5
    while list(store.path(FOLDER).rglob("*.bin")) != [whole] and time.monotonic() < until:
        time.sleep(0.02)
    assert list(store.path(FOLDER).rglob("*.bin")) == [whole], "what was half made is gone"


def test_an_origin_that_is_gone_is_no_preview(place: tuple[EpisodeStore, Path]) -> None:
    store, origin = place
    origin.unlink()
    with pytest.raises(FileNotFoundError):
        Previews().get(derived(store, origin, lambda target: None))


def test_quick_ones_do_not_wait_behind_long_ones(place: tuple[EpisodeStore, Path]) -> None:
    store, origin = place
    previews, end = Previews(), threading.Event()

    def long(target: Path) -> None:
        end.wait(10)
        target.write_bytes(b"long")

    slow = DerivedFile(store, "film", (origin,), ".bin", long, long=True)
    assert previews.get(slow) is None
    quick = wait(previews, derived(store, origin, lambda target: target.write_bytes(b"quick")))
    assert quick.read_bytes() == b"quick"
    assert previews.get(slow) is None
    end.set()
    assert wait(previews, slow).read_bytes() == b"long"
