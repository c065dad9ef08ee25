"""Whether the checks find seeded faults: `python -m benchmarks.checks MEDIA`.

MEDIA is a folder of clips in which people speak. Lines of the packaged voices are laid over parts of them.
One half of lines and clips, by name, gives the distributions from which thresholds are taken; in the other
half faults are seeded. Printed are both: `--distributions` the measures of the first half, else the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.checks.bench import Bench, CleanLine, clean_lines
from benchmarks.checks.faults import KINDS
from benchmarks.checks.material import source_lines, spoken_lines
from benchmarks.checks.whole import clean_dubs, episode_rows
from benchmarks.diarization import _weights
from benchmarks.listening import open_listener
from dubkit.cli.options import load
from dubkit.models.packaged import package_folder
from dubkit.qc.checks.hearing import LeakLimit
from dubkit.qc.checks.sounding import QualityLimit
from dubkit.qc.measures import line_qc
from dubkit.speech.embeddings import VoiceEncoder
from dubkit.studio import open_models

MOST = 14
"""Faults of a kind that are seeded."""
TABLES: Mapping[str, object] = {"quality": QualityLimit(on=True), "source-language": LeakLimit(on=True)}
"""All checks are asked, also those that are off by default."""


def distributions(lines: Sequence[CleanLine]) -> str:
    """Return how the measures of clean lines lie."""
    measured: dict[str, list[float]] = {}
    for line in lines:
        for name, value in (line_qc(line.evidence, TABLES).measures or {}).items():
            if not isinstance(value, str):
                measured.setdefault(name, []).append(value)
        if line.evidence.quality:
            fall = line.evidence.quality.source - line.evidence.quality.dub
            measured.setdefault("quality, below the source's", []).append(fall)
    rows = [
        "| measure | lines | least | 2 % | median | 98 % | most |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, values in measured.items():
        least, low, middle, high, most = np.percentile(values, (0, 2, 50, 98, 100))
        rows.append(
            f"| {name} | {len(values)} | {least:.2f} | {low:.2f} | {middle:.2f} | {high:.2f} | {most:.2f} |"
        )
    return "\n".join(rows)


def _tell_alarms(lines: Sequence[CleanLine]) -> None:
    for line in lines:
        found = line_qc(line.evidence, TABLES)
        if found.flags:
            sys.stderr.write(f"flagged: {line.spoken.text!r} heard {line.evidence.heard!r} {found.flags}\n")


def false_alarms(lines: Sequence[CleanLine]) -> dict[str, list[str]]:
    """Return check -> the clean lines that it flags."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for flag in line_qc(line.evidence, TABLES).flags:
            found.setdefault(flag, []).append(line.spoken.text)
    return found


def table(bench: Bench, lines: Sequence[CleanLine], tell: bool) -> str:
    """Return hits by kind of fault, and the false alarms on clean lines."""
    alarms = false_alarms(lines)
    if tell:
        _tell_alarms(lines)
    rows = ["| fault | checks | seeded | found | share |", "| --- | --- | --- | --- | --- |"]
    seeded = found = 0
    for kind in KINDS:
        hits = []
        for _, evidence in zip(range(MOST), kind.seed(bench, lines), strict=False):
            flags = line_qc(evidence, TABLES).flags
            hits.append(bool(set(flags) & set(kind.checks)))
            if tell and not hits[-1]:
                sys.stderr.write(f"missed: {kind.name}: {evidence.text!r} heard {evidence.heard!r} {flags}\n")
        bench.save()
        names = ", ".join(f"`{name}`" for name in kind.checks)
        rows.append(
            f"| {kind.name} | {names} | {len(hits)} | {sum(hits)} | {sum(hits) / max(1, len(hits)):.0%} |"
        )
        seeded, found = seeded + len(hits), found + sum(hits)
    for row, count, hit in episode_rows(bench.cache):
        rows.append(row)
        seeded, found = seeded + count, found + hit
    rows.append(f"| all | | {seeded} | {found} | {found / seeded:.1%} |")
    wrong = {text for texts in alarms.values() for text in texts}
    rows += [
        "",
        f"Clean lines: {len(lines)}, of which {len(wrong)} have a flag ({len(wrong) / len(lines):.1%}).",
    ]
    flagged, dubs = clean_dubs(bench.cache)
    rows.append(f"{flagged} of {dubs} whole sounds that were coded again have a flag.")
    for name, texts in sorted(alarms.items()):
        rows.append(f"`{name}`: {len(texts)} of {len(lines)} clean lines ({len(texts) / len(lines):.1%}).")
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> int:
    """Seed, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checks", description=__doc__)
    parser.add_argument("media", type=Path, help="Folder of clips.")
    parser.add_argument(
        "--cache", type=Path, default=Path("checks-cache"), help="Folder for takes and words."
    )
    parser.add_argument("--step", type=int, default=3, help="Only every Nth line (1: all).")
    parser.add_argument("--distributions", action="store_true", help="Show the measures of the first half.")
    parser.add_argument(
        "--misses", action="store_true", help="Name on stderr the faults that were not found."
    )
    chosen = parser.parse_args(arguments)
    chosen.cache.mkdir(parents=True, exist_ok=True)
    folder = package_folder("distillmos")
    if folder is None:
        sys.exit("No distillmos: pip install --no-deps -r requirements-nodeps.txt")
    store = open_models(load({}).settings)
    bench = Bench(
        chosen.cache,
        folder / "weights" / "distill_mos_v7.pt",
        open_listener(store, "pt"),
        VoiceEncoder(_weights()),
    )
    bench.load()
    lines, sources = spoken_lines(chosen.cache, chosen.step), source_lines(chosen.media)
    half = clean_lines(bench, lines, sources, "thresholds" if chosen.distributions else "faults")
    bench.save()
    sys.stdout.write(
        (distributions(half) if chosen.distributions else table(bench, half, chosen.misses)) + "\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
