"""The rehearsal's cases, and what they take beside what the choice of a memory mode counts on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.ltx_gpu import hollow
from benchmarks.ltx_gpu.rehearsal import Case, Found, rehearse
from benchmarks.ltx_gpu.stand_ins import CARD, CardFacts, card
from dubkit.dubbing.diffusion.parts import GeneratorParts
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT, PREVIEW
from dubkit.dubbing.planning.sizes import LONGEST, MAX_FRAMES
from dubkit.ltx.latents import PIXELS_PER_LATENT, latent_frames

GB = 10**9
HEAD = (
    "| case | part | peak, GB | counted on, GB | host, GB | |",
    "| --- | --- | --- | --- | --- | --- |",
)


SHORTEST, SMALLEST = 9, 128
"""Frames of a clip, and pixels of its sides, whose tokens take next to nothing: what is left is all else."""


class Row(NamedTuple):
    """One part of a case: the most bytes alive, and what is counted on."""

    case: Case
    found: Found
    counted: int

    @property
    def holds(self) -> bool:
        return self.found.device <= self.counted


def cases() -> list[Case]:
    """Return every case: parts that depend on the size alone once for each, the transformer in every way."""
    whole = [
        Case(JUSTDUBIT, MAX_FRAMES, 512, 768),
        Case(JUSTDUBIT, LONGEST, 512, 768, mode="streaming"),
        Case(PREVIEW, MAX_FRAMES, PREVIEW.height, PREVIEW.width, mode="streaming"),
    ]
    transformer = [
        Case(recipe, frames, 512, 768, precision, mode, transformer_only=True)
        for recipe in (JUSTDUBIT, PREVIEW)
        for frames in (MAX_FRAMES, LONGEST)
        for precision in ("bf16", "float8 file", "float8 cast")
        for mode in ("resident", "streaming")
    ]
    small = [
        Case(JUSTDUBIT, SHORTEST, SMALLEST, SMALLEST, precision, mode, transformer_only=True)
        for precision in ("bf16", "float8 file")
        for mode in ("resident", "streaming")
    ]
    done = {replace(case, transformer_only=True) for case in whole}
    return [*whole, *(case for case in (*transformer, *small) if case not in done)]


def counted(case: Case, parts: GeneratorParts) -> dict[str, int]:
    """Return the bytes that `choose_mode` counts on for each part of a case."""
    cells = (case.height // PIXELS_PER_LATENT) * (case.width // PIXELS_PER_LATENT)
    sizes, needs = parts.sizes, parts.needs(8 * cells * latent_frames(case.frames))
    working, codec = needs.working, max(needs.working, needs.tile)
    if case.mode == "streaming":
        transformer = sizes.transformer - sizes.blocks + 2 * sizes.largest_block
    else:
        transformer = sizes.transformer + needs.keys
    return {
        "text encoder": sizes.text + max(working, needs.features),
        "encoders": max(sizes.others) + codec,
        "first stage": transformer + working,
        "upsampler": max(sizes.others) + codec,
        "second stage": transformer + working,
        "sound": max(sizes.others) + codec,
        "picture": max(sizes.others) + codec,
    }


def rows(folder: Path, chosen: Sequence[Case]) -> Iterator[Row]:
    """Rehearse cases one after the other on the hollow files of a folder."""
    for number, case in enumerate(chosen, 1):
        begun = time.process_time()
        files = hollow.files(folder, float8=case.precision == "float8 file")
        found = rehearse(case, files)
        with card(CardFacts(), available=False):
            budget = counted(case, GeneratorParts(files, CARD, case.precision == "float8 cast"))
        taken = time.process_time() - begun
        sys.stderr.write(f"{number} of {len(chosen)}: {name_of(case)}, {taken:.0f} s of processor time\n")
        yield from (Row(case, part, budget[part.part]) for part in found)


def name_of(case: Case) -> str:
    """Return a case in words."""
    mode = "all blocks on the card" if case.mode == "resident" else "blocks streamed"
    size = f"{case.width}x{case.height}, {case.frames} frames"
    return f"{case.recipe.name}, {size}, {case.precision}, {mode}"


def line(row: Row) -> str:
    """Return a row of the table."""
    sizes = " | ".join(f"{value / GB:.2f}" for value in (row.found.device, row.counted, row.found.host))
    return f"| {name_of(row.case)} | {row.found.part} | {sizes} | {'' if row.holds else 'too little'} |"
