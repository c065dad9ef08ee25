"""Separation by any program that is given a file and writes the voices or the bed."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from dubkit.errors import SettingError
from dubkit.media.separation.program import Call, Program, program_hindrance
from dubkit.media.separation.separator import SeparationTask, Separator
from dubkit.settings import check_bounds, option

SETTING = "separate.command.command"
PLACES = ("in", "voice_out", "bed_out")


@dataclass(frozen=True, slots=True)
class Command:
    """Taking voices out with any program."""

    command: str = option(
        "",
        "The program with its options: {in} is the WAV file it reads; {voice_out} and {bed_out} are "
        "those that "
        "it may write, of which one is enough.",
    )
    rate: Annotated[int, msgspec.Meta(ge=8000, le=192_000)] = option(
        48_000, "Samples per second of the file that it is given and of what it writes."
    )

    def __post_init__(self) -> None:
        check_bounds(self, "separate.command")


def _words(command: str) -> list[str]:
    """Return a command as words. Raises SettingError for one that is none, or that names an unknown place."""
    try:
        words = shlex.split(command)
        for word in words:
            word.format(**dict.fromkeys(PLACES, ""))
    except (ValueError, KeyError, IndexError) as error:
        raise SettingError(SETTING, command, f"cannot be read ({error}); places are {{in}}, …") from error
    return words


def _hindrance(task: SeparationTask) -> str:
    words = _words(task.own.command)
    if not words:
        return f"{SETTING} is empty. Set it to a program with {{in}} and {{voice_out}} or {{bed_out}}"
    if "{in}" not in task.own.command or not any(f"{{{p}}}" in task.own.command for p in PLACES[1:]):
        return f"{SETTING} lacks {{in}}, or both {{voice_out}} and {{bed_out}}"
    return program_hindrance(words[0], f"Check {SETTING}")


def _open(task: SeparationTask) -> Program:
    words = _words(task.own.command)

    def call(given: Path, folder: Path) -> Call:
        voice, bed = folder / "voice.wav", folder / "bed.wav"
        places = {"in": str(given), "voice_out": str(voice), "bed_out": str(bed)}
        program = shutil.which(words[0]) or words[0]
        return Call((program, *(word.format(**places) for word in words[1:])), voice, bed)

    return Program(call, task.own.rate)


SEPARATOR = Separator(
    name="command",
    title="a program of your own",
    hindrance=_hindrance,
    identity=lambda task: "command",
    open=_open,
    settings=Command,
)
