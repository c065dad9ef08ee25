"""Hold the network and the sampling around it against reference tensors: `python -m benchmarks.parity DIR`.

The folder has `manifest.json` (file, tensor, shape, what it is), `params.json` (calls and sizes), files of
tensors, the model files they were computed with, and media. Shapes, counts, seeds and prompts are read from
there; none is assumed. Every tensor of the manifest ends in the table, as compared or as an input of a
comparison. The exit code is 1 if any is outside its tolerance or was not compared.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.parity.report import GOOD, Folder, Row

GROUPS = {
    "units:sampling": "unit_schedule",
    "units:conditioning": "unit_conditioning",
    "units:media": "unit_media",
    "positions:patchify": "unit_patchify",
    "positions:rope": "unit_rope",
    "network:transformer": "unit_transformer",
    "network:lora": "unit_lora",
    "text:text_units": "unit_text",
    "text:text_stages": "e2e_text",
    "codecs:audio": "unit_audio",
    "codecs:upsampler": "unit_upsampler",
    "codecs:video": "unit_video_vae",
    "stages:media": "e2e_media",
    "stages:dub_states": "e2e_justdubit",
    "stages:dub_steps": "e2e_justdubit",
    "runs:variants": "e2e_variants",
    "films:stock": "stock_pipelines",
    "runs:bfloat16": "e2e_bf16",
    "given:given": "audio_driven",
    "films:driven": "audio_driven",
}
"""Module and function of each group of comparisons, from parts to whole runs, and the file it is about."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A group that stopped before its end; what it had not reached is missing."""

    group: str
    error: str
    trace: str


def run(folder: Folder, groups: Sequence[str] = tuple(GROUPS)) -> tuple[list[Row], list[Failure]]:
    """Run groups of comparisons and return a row per reference tensor.

    A group that raises is recorded, and the rest go on: one broken module must not hide the others. Groups
    about files that the folder neither has nor lists are left out.
    """
    failures = []
    for group in groups:
        if GROUPS[group] not in folder.parts:
            continue
        begin = time.perf_counter()
        try:
            module, function = group.split(":")
            compare: Callable[[Folder], None] = getattr(
                importlib.import_module(f"benchmarks.parity.{module}"), function
            )
            with torch.inference_mode():
                compare(folder)
        except Exception as error:
            failures.append(Failure(group, f"{type(error).__name__}: {error}", traceback.format_exc()))
        print(f"{group}: {time.perf_counter() - begin:.1f} s", file=sys.stderr)
    return [row for part in folder.parts.values() for row in part.finish()], failures


def table(rows: Sequence[Row]) -> Table:
    """Lay out rows for a terminal or a file."""
    grid = Table("tensor", "max abs", "max rel", "tolerance", "verdict", "note", box=None)
    for row in rows:
        numbers = ["" if value is None else f"{value:.2e}" for value in (row.absolute, row.relative)]
        note = "" if row.verdict == "ok" else row.note
        grid.add_row(f"{row.file}/{row.tensor}", *numbers, row.tolerance, row.verdict, note)
    return grid


def reasons(rows: Sequence[Row]) -> list[str]:
    """Return why tolerances are what they are, each once."""
    return sorted({f"{row.tolerance}: {row.note}" for row in rows if row.verdict == "ok" and row.note})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with manifest.json and params.json")
    parser.add_argument("--bad", action="store_true", help="list only what is outside, missing or failed")
    parser.add_argument("--trace", action="store_true", help="show where a group failed")
    parser.add_argument("--only", metavar="WORD", help="run only groups with WORD in their name")
    options = parser.parse_args(arguments)
    try:
        folder = Folder(options.folder)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    groups = [group for group in GROUPS if not options.only or options.only in group]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows, failures = run(folder, groups)
    bad = [row for row in rows if row.verdict not in GOOD]
    # Wide enough that no name is folded, in a file and on a narrow terminal alike.
    console = Console(width=220, markup=False, highlight=False, soft_wrap=True)
    console.print(table(bad if options.bad else rows))
    for reason in reasons(rows):
        console.print(reason)
    for failure in failures:
        console.print(failure.trace if options.trace else f"FAILED {failure.group}: {failure.error}")
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in {r.verdict for r in rows}}
    console.print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    return 1 if bad or failures or not rows else 0
