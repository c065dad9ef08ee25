"""Dubs in chunks: playable before the end, true after a kill, and the plain dub at last."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import pytest

from tests.support.playout import STREAM, dub, start, write_film, write_lines

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def scheduled(film: Path) -> Path:
    """The film up to where its lines are to be spoken."""
    dub(film, film.parent / "scheduled", "--until", "schedule")
    return film.parent / "scheduled"


@pytest.fixture(scope="module")
def plain(film: Path, scheduled: Path) -> Path:
    """The folder of a plain dub."""
    output = shutil.copytree(scheduled, film.parent / "plain")
    dub(film, output)
    return output / "film" / "fr"


@pytest.fixture(scope="module")
def killed(film: Path, scheduled: Path) -> Path:
    """The folder of a dub that was killed after its first chunk."""
    output = shutil.copytree(scheduled, film.parent / "streamed")
    folder = output / "film" / "fr"
    process = start(film, output, *STREAM, pace=1.5)
    until = time.monotonic() + 200
    while "ready" not in states(folder).values():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    shutil.copytree(output, film.parent / "as-killed")
    return folder


@pytest.fixture(scope="module")
def streamed(film: Path, killed: Path) -> Path:
    """The same folder when the dub was gone on with."""
    dub(film, killed.parent.parent, *STREAM)
    return killed


def manifest(folder: Path) -> dict[str, Any]:
    file = folder / "stream" / "manifest.json"
    return json.loads(file.read_text()) if file.is_file() else {"chunks": []}


def states(folder: Path) -> Mapping[int, str]:
    return {chunk["number"]: chunk["state"] for chunk in manifest(folder)["chunks"]}


def playlist(folder: Path) -> list[str]:
    return (folder / "stream" / "stream.m3u8").read_text().splitlines()


def frames(folder: Path, chunk: Mapping[str, Any]) -> int:
    stream = folder / "stream"
    raw = (stream / "init.mp4").read_bytes() + (stream / chunk["file"]).read_bytes()
    with av.open(io.BytesIO(raw)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_killed_run_leaves_a_true_manifest(film: Path, killed: Path) -> None:
    folder = film.parent / "as-killed" / "film" / "fr"
    told = manifest(folder)
    assert told["chunks"][0]["state"] == "ready"
    assert "waiting" in states(folder).values()
    assert told["complete"] is False
    assert told["final"] == ""
    for chunk in told["chunks"]:
        if chunk["state"] == "ready":
            assert frames(folder, chunk) == 25 * (chunk["end"] - chunk["start"])
        else:
            assert chunk["file"] == ""
    assert "#EXT-X-ENDLIST" not in playlist(folder)


def test_it_goes_on_with_the_next_chunk(film: Path, streamed: Path) -> None:
    before = film.parent / "as-killed" / "film" / "fr" / "stream" / "chunk_001.m4s"
    assert set(states(streamed).values()) == {"ready"}
    assert before.stat().st_mtime_ns == (streamed / "stream" / "chunk_001.m4s").stat().st_mtime_ns
    assert playlist(streamed)[-1] == "#EXT-X-ENDLIST"


def test_the_final_file_is_that_of_a_plain_run(plain: Path, streamed: Path) -> None:
    final = streamed / "stream" / "stream.final.mp4"
    assert final.read_bytes() == (plain / "dub.mp4").read_bytes()
    assert final.stat().st_ino == (streamed / "dub.mp4").stat().st_ino, "it takes no room"
    assert not (plain / "stream").exists()


def test_chunks_play_as_long_as_the_film(streamed: Path) -> None:
    chunks = manifest(streamed)["chunks"]
    assert len(chunks) >= 3
    assert sum(frames(streamed, chunk) for chunk in chunks) == 18 * 25
    lengths = [float(line[8:-1]) for line in playlist(streamed) if line.startswith("#EXTINF:")]
    assert sum(lengths) == pytest.approx(18.0, abs=1e-3)


def test_no_chunk_ends_inside_a_line(streamed: Path) -> None:
    schedule = json.loads((streamed / "schedule.json").read_text())["lines"]
    for border in [chunk["end"] for chunk in manifest(streamed)["chunks"]][:-1]:
        for line in schedule:
            start_ms = min(line["start_ms"], line["source_start_ms"])
            end_ms = max(line["start_ms"] + line["length_ms"], line["source_end_ms"])
            assert not start_ms < 1000 * border < end_ms


def test_the_lines_of_a_chunk_are_nearly_as_loud_as_in_the_dub(streamed: Path) -> None:
    import numpy as np

    def heard(source: Any) -> Any:
        with av.open(source) as container:
            return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]

    stream, dubbed = streamed / "stream", heard(str(streamed / "dub.mp4"))
    head = (stream / "init.mp4").read_bytes()
    for chunk in json.loads((stream / "plan.json").read_text())["chunks"]:
        own = heard(io.BytesIO(head + (stream / f"chunk_{chunk['number']:03d}.m4s").read_bytes()))
        same = dubbed[1024 * chunk["start_block"] :][: len(own)]
        level = 20 * np.log10(np.std(own[: len(same)]) / np.std(same))
        assert abs(level) < 1.5


def test_a_changed_line_makes_only_its_chunk_again(film: Path, streamed: Path) -> None:
    files = {chunk["number"]: streamed / "stream" / chunk["file"] for chunk in manifest(streamed)["chunks"]}
    before = {number: file.stat().st_mtime_ns for number, file in files.items()}
    write_lines(film.parent / "fr.srt", "Voici la phrase", changed=4)
    dub(film, streamed.parent.parent, *STREAM)
    again = [number for number, file in files.items() if file.stat().st_mtime_ns != before[number]]
    holder = [chunk["number"] for chunk in manifest(streamed)["chunks"] if "s0005" in chunk["lines"]]
    assert again == holder
    assert set(states(streamed).values()) == {"ready"}
    final = streamed / "stream" / "stream.final.mp4"
    assert final.read_bytes() == (streamed / "dub.mp4").read_bytes()


def test_names_of_other_programs_are_taken_and_named(film: Path, scheduled: Path) -> None:
    from tests.support.playout import command

    other = ["--realtime", "--stitch", "--overlap-seconds", "1", "--dry-run"]
    line = command(film, scheduled, *other)
    done = subprocess.run(line, capture_output=True, text=True, cwd=film.parent, check=False)
    assert "--realtime is called --stream here" in done.stderr
    assert "not made in real time" in done.stderr
    assert "--stitch is called --stream-output final here" in done.stderr
    assert "--overlap-seconds is called --chunk-overlap here" in done.stderr
    assert '"stream"' in done.stdout or "stream" in done.stdout
