"""Names, places and terminals as people have them: a sentence and an exit code, never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLAIN = Path(__file__).parents[1] / "data/cases/media/plain.mp4"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"}


def run(folder: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `dubkit` is the one under test."""
    shim = f'dubkit() {{ "{sys.executable}" -m dubkit "$@"; }}; '
    return subprocess.run(
        ["bash", "-c", shim + command], cwd=folder, env={**ENVIRONMENT, **environment}, text=True,
        capture_output=True, errors="backslashreplace",
    )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    shutil.copyfile(PLAIN, tmp_path / "plain.mp4")
    return tmp_path


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A read-only file system, which even root cannot write to."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def extract(film: str, output: str = "out") -> str:
    """The cheapest run there is."""
    return f"dubkit run {film} --to fr --no-translate --until extract --output {output}"


@pytest.mark.parametrize(
    ("before", "film", "said"),
    [
        ("cp plain.mp4 $'latin\\xe9.mp4'", "$'latin\\xe9.mp4'", "not valid Unicode"),
        ("mkfifo pipe.mp4", "pipe.mp4", "a pipe or a device"),
        ("ln -s gone.mp4 link.mp4", "link.mp4", "leads to gone.mp4, which is not there"),
        ("true", "https://example.com/watch?v=1", "yt-dlp -o film.mp4 'https://example.com/watch?v=1'"),
        ("true", "-", "standard input"),
        ("true", "''", "A VIDEO is empty"),
        ("true", "/dev/null", "a pipe or a device"),
        ("ln -s loop.mp4 loop.mp4", "loop.mp4", "loop.mp4"),
        ("mkdir empty", "empty", "no media files in this folder"),
    ],
)
def test_what_is_no_film_is_named_with_a_way_out(place: Path, before: str, film: str, said: str) -> None:
    done = run(place, f"{before} && {extract(film)}")
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_longest_name_that_a_disk_takes_makes_a_dub(place: Path) -> None:
    done = run(
        place,
        "name=$(printf 'n%.0s' {1..246}) && cp plain.mp4 $name.mp4 && "
        "printf '1\\n00:00:01,000 --> 00:00:02,000\\nBom dia.\\n' > a.srt && "
        "dubkit run $name.mp4 --src-lang pt --to pt-BR --no-translate --use transcribe=a.srt "
        "--tts-provider espeak --speakers 1 --until stitch --output out --quiet",
    )
    assert done.returncode in (0, 3), done.stderr
    assert list(place.glob("out/*/*.srt"))
    assert list(place.glob("out/*/pt-BR/dub.mp4"))


def test_a_place_that_cannot_be_written_to_is_named(place: Path, mounted: Path) -> None:
    done = run(place, extract("plain.mp4", str(mounted)))
    assert done.returncode == 1
    assert "read-only file system" in done.stderr
    assert "--output" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("output", "code", "said"),
    [("plain.mp4/x", 1, "not a directory"), ("plain.mp4", 2, "is a file"), ("''", 2, "it is empty")],
)
def test_an_output_that_is_no_folder(place: Path, output: str, code: int, said: str) -> None:
    done = run(place, extract("plain.mp4", output))
    assert done.returncode == code, done.stderr
    assert said in done.stderr


def test_a_reader_that_goes_away_does_not_stop_the_work(place: Path) -> None:
    done = run(place, extract("plain.mp4") + " 2>&1 | head -n 0; echo codes ${PIPESTATUS[@]}")
    assert "codes 0 0" in done.stdout
    assert done.stderr == ""
    assert (place / "out/plain/episode.json").is_file()
    listed = run(place, "dubkit config | head -n 1; echo codes ${PIPESTATUS[@]}")
    assert "codes 0 0" in listed.stdout
    assert listed.stderr == ""


def test_a_terminal_that_knows_few_characters_gets_escapes(place: Path) -> None:
    done = run(
        place, "cp plain.mp4 'naïve 東.mp4' && " + extract("'naïve 東.mp4'"),
        PYTHONIOENCODING="latin-1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\\u6771.mp4" in done.stdout


def test_auto_as_the_spoken_language_detects_it() -> None:
    from dubkit.speech.settings import Transcribe

    assert Transcribe(language="auto") == Transcribe()


def test_a_fault_of_dubkit_is_called_one_and_kept_in_a_file(place: Path) -> None:
    (place / "sitecustomize.py").write_text(
        "import dubkit.cli.sources as s\n"
        "def broken(*arguments): raise ZeroDivisionError('by hand')\n"
        "s.find_sources = broken\n"
    )
    path = f"{place}{os.pathsep}{ENVIRONMENT['PYTHONPATH']}"
    done = run(place, "dubkit run plain.mp4 --to fr", PYTHONPATH=path, TMPDIR=str(place))
    assert done.returncode == 1
    assert "This is a fault of dubkit, not yours" in done.stderr
    assert "Traceback" not in done.stderr
    (log,) = place.glob("dubkit-*.log")
    assert "ZeroDivisionError: by hand" in log.read_text()
