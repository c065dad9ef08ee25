"""Separation by Demucs, through the program of the package demucs-infer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dubkit.media.separation.program import Call, Program, program_hindrance
from dubkit.media.separation.separator import SeparationTask, Separator
from dubkit.settings import option

RATE = 44_100


@dataclass(frozen=True, slots=True)
class Demucs:
    """Taking voices out with Demucs."""

    program: str = option("demucs-infer", "The program, or its path in an environment of its own.")
    model: str = option("htdemucs", "Its model; the program fetches it when it is first used.")
    repository: str = option("", "Folder with the model's files, for a machine without a network.")


def _hindrance(task: SeparationTask) -> str:
    cure = "Run: pip install demucs-infer==4.4.0, or set separate.demucs.program"
    return program_hindrance(task.own.program, cure)


def _open(task: SeparationTask) -> Program:
    own: Demucs = task.own

    def call(given: Path, folder: Path) -> Call:
        # Shifts are drawn by chance, and a louder result would be scaled down: both spoil the difference.
        fixed = ("--shifts", "0", "--float32", "--clip-mode", "none", "--two-stems", "vocals")
        places = ("-o", str(folder), "--filename", "{stem}.{ext}", "-n", own.model)
        repository = ("--repo", own.repository) if own.repository else ()
        arguments = (own.program, *fixed, *places, *repository, "-d", task.host.device(), str(given))
        return Call(arguments, folder / own.model / "vocals.wav")

    return Program(call, RATE)


SEPARATOR = Separator(
    name="demucs",
    title="Demucs, in a process of its own",
    hindrance=_hindrance,
    identity=lambda task: f"demucs:{task.own.model}",
    open=_open,
    settings=Demucs,
)
