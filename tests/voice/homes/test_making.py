"""A home is made once, whole or not at all, and never over something that dubkit did not make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dubkit.errors import ToolError
from dubkit.voice.homes.home import MARKER, Home, MadeHome, absence, made_home, mark, python_in
from dubkit.voice.homes.making import Making, find_python, make_home
from tests.support.paths import ROOT
from tests.support.stand_ins import PACKAGES, write_wheel

THIS = sys.version_info[:2]
HOME = Home("tone", ("omnivoice==0.2.1", "torch==2.8.0"), "run_omnivoice", (THIS, THIS), 1000)


def quiet(line: str) -> None:
    return None


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip takes for the only index."""
    folder = tmp_path / "wheels"
    for name in ("omnivoice", "torch", "torchaudio", "transformers"):
        write_wheel(folder, PACKAGES[name])
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def test_a_home_is_made_and_stays(tmp_path: Path, index: Path) -> None:
    making = Making(HOME, tmp_path / "homes/tone", Path(sys.executable))
    said: list[str] = []
    made = make_home(making, said.append)
    assert made == MadeHome(HOME.packages, "0.2.1", f"{THIS[0]}.{THIS[1]}")
    assert len(said) == 3
    assert absence(HOME, "Tone", making.folder) == ""
    before = (making.folder / MARKER).stat().st_mtime_ns
    assert make_home(making, said.append) == made
    assert (len(said), (making.folder / MARKER).stat().st_mtime_ns) == (3, before)


def test_a_half_made_home_is_none_and_is_made_anew(tmp_path: Path, index: Path) -> None:
    folder = tmp_path / "tone"
    (index / "omnivoice-0.2.1-py3-none-any.whl").rename(tmp_path / "kept.whl")
    making = Making(HOME, folder, Path(sys.executable))
    with pytest.raises(
        ToolError, match=r"(?s)could not be installed.*pip install.*omnivoice==0\.2\.1.*network"
    ):
        make_home(making, quiet)
    assert made_home(folder) is None
    assert "is not whole. Run: dubkit voices install tone" in absence(HOME, "Tone", folder)
    (tmp_path / "kept.whl").rename(index / "omnivoice-0.2.1-py3-none-any.whl")
    assert make_home(making, quiet).version == "0.2.1"


def test_a_folder_with_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/dear.txt").write_text("kept")
    with pytest.raises(ToolError, match="something that dubkit did not make"):
        make_home(Making(HOME, tmp_path / "letters", Path(sys.executable)), quiet)
    assert (tmp_path / "letters/dear.txt").read_text() == "kept"


def test_a_home_of_another_version_says_which_package_it_lacks(tmp_path: Path) -> None:
    python_in(tmp_path).parent.mkdir(parents=True)
    python_in(tmp_path).touch()
    mark(tmp_path, MadeHome(("omnivoice==0.2.0", "torch==2.8.0"), "0.2.0", "3.11"))
    assert "of another version (omnivoice==0.2.1 is needed)" in absence(HOME, "Tone", tmp_path)


def test_no_home_at_all_names_the_command_and_the_size(tmp_path: Path) -> None:
    home = Home("tone", ("a==1",), "run_tone", (THIS, THIS), 7_000_000_000)
    cure = "Run: dubkit voices install tone (about 7.0 GB)."
    assert absence(home, "Tone", tmp_path / "none").endswith(cure)
    assert absence(home, "Tone", None).endswith(cure)


def test_a_python_out_of_range_is_refused_with_the_range(tmp_path: Path) -> None:
    home = Home("tone", ("a==1",), "run_tone", ((3, 5), (3, 6)), 1)
    with pytest.raises(ToolError, match=r"is Python 3\.\d+; tone needs Python 3\.5 to 3\.6"):
        find_python(home, sys.executable)
    with pytest.raises(ToolError, match="/nowhere/python does not run"):
        find_python(home, "/nowhere/python")
    assert find_python(HOME) == Path(sys.executable)


def test_a_disk_without_room_is_told_before_anything_is_made(tmp_path: Path) -> None:
    home = Home("tone", ("a==1",), "run_tone", (THIS, THIS), 10**18)
    with pytest.raises(ToolError, match="--home"):
        make_home(Making(home, tmp_path / "tone", Path(sys.executable)), quiet)
    assert not (tmp_path / "tone").exists()


def dubkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DUBKIT_MODELS_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "dubkit", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_the_list_says_what_each_engine_can_and_what_it_lacks(tmp_path: Path) -> None:
    rows = {row["name"]: row for row in json.loads(dubkit(tmp_path, "voices", "list", "--json").stdout)}
    assert rows["omnivoice"]["abilities"] == ["clone", "length"]
    assert not rows["omnivoice"]["here"]
    assert "dubkit voices install omnivoice" in rows["omnivoice"]["hindrance"]
    assert rows["piper"]["licence"].startswith("GPL")
    assert all(row["licence"] for row in rows.values())
    only = dubkit(tmp_path, "voices", "list", "--to", "sw").stdout
    assert "chatterbox" in only
    assert "pocket-tts" not in only


def test_a_dry_run_prints_the_commands_and_makes_nothing(tmp_path: Path) -> None:
    shown = dubkit(tmp_path, "voices", "install", "omnivoice", "--dry-run", "--python", sys.executable)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(f"{sys.executable} -I -m venv ")
    assert lines[1].endswith("omnivoice==0.2.1 torch==2.8.0 torchaudio==2.8.0 transformers==5.20.2")
    assert "licence: Apache-2.0" in shown.stderr
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("name", "reason"), [("kokoro", "speaks in dubkit's own environment"), ("sam", "is no voice engine")]
)
def test_there_is_nothing_to_install_for_other_names(tmp_path: Path, name: str, reason: str) -> None:
    refused = dubkit(tmp_path, "voices", "install", name)
    assert refused.returncode == 1
    assert reason in refused.stderr
    assert "omnivoice, pocket-tts, chatterbox, piper" in refused.stderr
