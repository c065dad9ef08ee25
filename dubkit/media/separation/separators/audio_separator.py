"""Separation by the program audio-separator, which has many networks (MDX, Roformer, VR)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dubkit.media.separation.program import Call, Program, program_hindrance
from dubkit.media.separation.separator import SeparationTask, Separator
from dubkit.settings import option

RATE = 44_100


@dataclass(frozen=True, slots=True)
class AudioSeparator:
    """Taking voices out with audio-separator."""

    program: str = option("audio-separator", "The program, or its path in an environment of its own.")
    model: str = option(
        "model_bs_roformer_ep_317_sdr_12.9755.ckpt",
        "File of its model; the program fetches it when it is first used.",
    )
    models: str = option("", "Folder of its models; empty takes the program's own.")


def _hindrance(task: SeparationTask) -> str:
    cure = (
        'Install it into an environment of its own (pip install "audio-separator[cpu]==0.47.1") and set '
        "separate.audio-separator.program to its path there"
    )
    return program_hindrance(task.own.program, cure)


def _open(task: SeparationTask) -> Program:
    own: AudioSeparator = task.own

    def call(given: Path, folder: Path) -> Call:
        # It scales sound to 0.9 of full scale by default, which would spoil the difference.
        fixed = ("--normalization", "1.0", "--output_format", "WAV", "--sample_rate", str(RATE))
        stem = ("--single_stem", "Vocals", "--custom_output_names", '{"Vocals": "voice"}')
        places = ("--output_dir", str(folder), "--model_filename", own.model)
        models = ("--model_file_dir", own.models) if own.models else ()
        return Call((own.program, str(given), *fixed, *stem, *places, *models), folder / "voice.wav")

    return Program(call, RATE)


SEPARATOR = Separator(
    name="audio-separator",
    title="audio-separator, in a process of its own",
    hindrance=_hindrance,
    identity=lambda task: f"audio-separator:{task.own.model}",
    open=_open,
    settings=AudioSeparator,
)
