"""The generator on a graphics card: `python -m benchmarks.ltx_gpu`, or `make gpu`.

On a machine with a card it runs tests, parity, benchmarks and a clip, and writes benchmarks/RESULTS.gpu.md.
With `--rehearse` no card is needed: the whole generator runs at its published size on PyTorch's fake
tensors, which know sizes, types and devices and hold no values, and the most memory of each part is held
against what the choice of a memory mode counts on. The exit code is 1 if anything fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.ltx_gpu import card, compare, hollow, table

NO_CARD = (
    "There is no graphics card that torch can use here, so nothing was run and nothing was written.\n"
    "Run this where there is one. What can be tried without: python -m benchmarks.ltx_gpu --rehearse\n"
)
BLOCKS = 48


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ltx_gpu", description=__doc__)
    parser.add_argument("--rehearse", action="store_true", help="Run on fake tensors; needs no card.")
    parser.add_argument(
        "--blocks", type=int, default=BLOCKS, metavar="N", help="Of the rehearsed networks.  [48]"
    )
    parser.add_argument("--only", metavar="WORDS", default="", help="Rehearse only cases with these words.")
    parser.add_argument(
        "--compare", type=Path, metavar="FOLDER", help="Compare the card with the processor on tiny files."
    )
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="Folder of the published files.")
    parser.add_argument("--golden", type=Path, metavar="FOLDER", help="Reference tensors for parity.")
    parser.add_argument("--clip", type=Path, default=card.SAMPLE, metavar="VIDEO", help="What is dubbed.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="Rounds of each measured speed.")
    chosen = parser.parse_args(arguments)
    if chosen.blocks < 1 or chosen.rounds < 1:
        parser.error("--blocks and --rounds count from 1")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Rehearse, compare or measure; return the exit code."""
    chosen = parse(arguments)
    if chosen.rehearse:
        return rehearsed(chosen.blocks, chosen.only)
    if not torch.cuda.is_available():
        sys.stderr.write(NO_CARD)
        return 1
    if chosen.compare is not None:
        return compared(chosen.compare)
    with tempfile.TemporaryDirectory(prefix="gpu-") as folder:
        return proved(
            card.Wanted(chosen.weights, chosen.golden, chosen.clip, chosen.rounds, Path(folder)), card.PAGE
        )


def rehearsed(blocks: int, only: str) -> int:
    """Print the table of the rehearsal, row by row."""
    chosen = [case for case in table.cases() if only in table.name_of(case)]
    with tempfile.TemporaryDirectory(prefix="hollow-") as name:
        hollow.write_set(Path(name), layers=blocks, gemma_layers=blocks)
        held = True
        for line in table.HEAD:
            sys.stdout.write(f"{line}\n")
        for row in table.rows(Path(name), chosen):
            sys.stdout.write(f"{table.line(row)}\n")
            sys.stdout.flush()
            held = held and row.holds
    return 0 if held and chosen else 1


def compared(folder: Path) -> int:
    """Print how far each part on the card is from the processor."""
    found = []
    for part in compare.compare(folder, torch.device("cuda")):
        sys.stdout.write(f"{part.part}: {part.distance:.2e}\n")
        found.append(part)
    close = all(x.close for x in found)
    sys.stdout.write(f"{'all' if close else 'not all'} within {compare.BOUND}\n")
    return 0 if close else 1


def proved(wanted: card.Wanted, page: Path) -> int:
    """Run every step on the card and write the page."""
    outcomes = [card.run(step) for step in card.steps(wanted)]
    page.write_text(card.page(torch.cuda.get_device_name(0), outcomes), encoding="utf-8")
    sys.stderr.write(f"written: {page}\n")
    return 1 if any(outcome.code for outcome in outcomes) else 0
