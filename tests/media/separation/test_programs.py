"""Separation by other programs: they are called as they want it, and what they write is checked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.errors import DubkitError, ModelMissing, SettingError, ToolError
from dubkit.host import Host
from dubkit.media.separation.separator import SEPARATORS, SeparationTask, Separator, choose_separator
from dubkit.media.separation.settings import Separate
from tests.media.separation.test_blocks import RATE, Sound

PROGRAM = """#!{python}
import json, pathlib, sys
import numpy as np, soundfile
argv = sys.argv[1:]
pathlib.Path({record!r}).write_text(json.dumps(argv))
sound, rate = soundfile.read(next(a for a in argv if a.endswith("sound.wav")))
{body}
"""
HALF = "soundfile.write(out, sound / 2, rate, subtype='FLOAT')"


class Own(Host):
    """A host with one table."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def table(self, name: str, section: type) -> Any:
        return section(**self._values)


def program(folder: Path, body: str) -> str:
    file = folder / "program"
    text = PROGRAM.format(python=sys.executable, record=str(folder / "argv.json"), body=body)
    file.write_text(text)
    file.chmod(0o755)
    return str(file)


def task_for(name: str, **values: Any) -> tuple[Separator, SeparationTask]:
    separator = SEPARATORS.records[name]
    return separator, SeparationTask(Separate(name), Own(values)).for_separator(separator)


def separated(name: str, **values: Any) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the voices and the sound that they were looked for in."""
    time = np.arange(round(1.7 * RATE)) / RATE
    sound = 0.4 * np.stack([np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 900 * time)], axis=1)
    separator, task = task_for(name, **values)
    assert separator.hindrance(task) == ""
    blocks = separator.open(task).voices(Sound(sound), [(0, len(sound))], lambda share: None)
    return np.concatenate(list(blocks)), sound


def off_by(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> float:
    assert len(found) == len(wanted)
    inside = slice(RATE // 20, -RATE // 20)
    return float(np.abs(found[inside] - wanted[inside]).max())


@pytest.mark.parametrize("rate", [48_000, 44_100])
@pytest.mark.parametrize("place", ["voice_out", "bed_out"])
def test_a_command_writes_the_voice_or_the_bed(tmp_path: Path, rate: int, place: str) -> None:
    own = program(tmp_path, f"out = argv[1]\n{HALF}")
    found, sound = separated("command", command=f"{own} {{in}} {{{place}}}", rate=rate)
    assert off_by(found, sound / 2) < 1e-4


def test_a_mono_voice_counts_for_both_channels(tmp_path: Path) -> None:
    own = program(tmp_path, "soundfile.write(argv[1], sound[:, 0], rate)")
    found, sound = separated("command", command=f"{own} {{in}} {{voice_out}}")
    assert off_by(found, sound[:, [0, 0]]) < 1e-3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit('no such model')", "ended with 1: no such model"),
        ("pass", "did not write voice.wav"),
        ("soundfile.write(argv[1], sound[: len(sound) // 2], rate)", "s of sound; it was given 1.70 s"),
        ("soundfile.write(argv[1], sound, 22050)", "wrote 22050 samples per second; it was given 48000"),
    ],
)
def test_a_program_that_fails_is_named_with_what_it_did(tmp_path: Path, body: str, said: str) -> None:
    own = program(tmp_path, body)
    with pytest.raises(ToolError, match=said):
        separated("command", command=f"{own} {{in}} {{voice_out}}")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "is empty"),
        ("program {in}", "lacks"),
        ("no-such-program-at-all {in} {bed_out}", "no program no-such-program-at-all"),
    ],
)
def test_a_command_that_cannot_work_says_why(command: str, said: str) -> None:
    separator, task = task_for("command", command=command)
    assert said in separator.hindrance(task)
    with pytest.raises(ModelMissing, match=r"separate\.method is 'command'"):
        choose_separator(task)


@pytest.mark.parametrize("command", ["program {out}", "program 'open", "program {}"])
def test_a_command_that_cannot_be_read_is_refused(command: str) -> None:
    separator, task = task_for("command", command=command)
    with pytest.raises(SettingError, match=r"separate\.command\.command"):
        separator.hindrance(task)


def test_an_unknown_separator_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DubkitError, match="off, auto, spleeter, demucs, audio-separator, command"):
        choose_separator(SeparationTask(Separate("splitter")))


def test_auto_takes_no_program_that_nobody_named() -> None:
    chosen = choose_separator(SeparationTask(Separate("auto")))  # a host without models
    assert chosen is None


# --- programs with their own options --------------------------------------------------------------


def test_demucs_is_called_so_that_its_voice_can_be_taken_away(tmp_path: Path) -> None:
    body = "import pathlib as p\nout = p.Path(argv[argv.index('-o') + 1]) / argv[argv.index('-n') + 1]\n"
    own = program(tmp_path, f"{body}out.mkdir()\nout = out / 'vocals.wav'\n{HALF}")
    found, sound = separated("demucs", program=own, model="mdx_q", repository="/models")
    assert off_by(found, sound / 2) < 1e-4
    argv = json.loads((tmp_path / "argv.json").read_text())
    assert argv[argv.index("--shifts") + 1] == "0"
    assert argv[argv.index("--clip-mode") + 1] == "none"
    assert argv[argv.index("--repo") + 1] == "/models"
    assert argv[argv.index("--two-stems") + 1] == "vocals"


def test_audio_separator_is_called_so_that_its_voice_can_be_taken_away(tmp_path: Path) -> None:
    body = "import pathlib as p\nname = json.loads(argv[argv.index('--custom_output_names') + 1])['Vocals']\n"
    own = program(
        tmp_path, f"{body}out = p.Path(argv[argv.index('--output_dir') + 1]) / f'{{name}}.wav'\n{HALF}"
    )
    found, sound = separated("audio-separator", program=own, model="a.ckpt")
    assert off_by(found, sound / 2) < 1e-4
    argv = json.loads((tmp_path / "argv.json").read_text())
    assert argv[argv.index("--normalization") + 1] == "1.0"
    assert argv[argv.index("--model_filename") + 1] == "a.ckpt"
    assert argv[argv.index("--sample_rate") + 1] == "44100"


@pytest.mark.parametrize("name", ["demucs", "audio-separator"])
def test_a_missing_program_is_named_with_its_cure(name: str) -> None:
    separator, task = task_for(name, program="no-such-program-at-all")
    assert "no-such-program-at-all" in separator.hindrance(task)
    assert "pip install" in separator.hindrance(task)


def test_the_sound_is_given_as_it_is(tmp_path: Path) -> None:
    own = program(tmp_path, "import shutil; shutil.copy(argv[0], argv[1])")
    found, sound = separated("command", command=f"{own} {{in}} {{voice_out}}")
    assert off_by(found, sound) < 2e-7
