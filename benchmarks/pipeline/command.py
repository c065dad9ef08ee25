"""What dubkit itself costs, against doing the bare thing: `python -m benchmarks.pipeline`.

Everything is measured in one run, contenders interleaved; a figure is the median of its rounds, with the
smallest and the largest in brackets. A ratio is taken round by round, never of figures of two runs.
`wall` is time on the clock, `cpu` processor time of all cores together, child processes included: it
holds on a busy machine, where `wall` does not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.pipeline import busy as pipeline_busy
from benchmarks.pipeline import chain as pipeline_chain
from benchmarks.pipeline import media as pipeline_media
from benchmarks.pipeline import mixing as pipeline_mixing
from benchmarks.pipeline import processes as pipeline_processes
from benchmarks.pipeline import shots as pipeline_shots
from benchmarks.pipeline import speaking as pipeline_speaking
from benchmarks.pipeline.measure import Figure

PARTS = ("noop", "chain", "recognition", "stitch", "start", "speaking", "shots", "mix", "busy")
USUAL = PARTS[:-1]
"""Parts that are measured unless others are named; `busy` dubs a whole clip, and takes as long."""
CLIP = Path("Input/sample.mp4")


def machine() -> str:
    """Describe the machine by what decides the figures."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}, {python}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def figures(chosen: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    """Measure the chosen parts one after the other, in folders of their own."""
    for part in chosen.parts:
        sys.stderr.write(f"measuring {part}\n")
        place = folder / part
        place.mkdir()
        yield from _measure(part, chosen, place)


def _measure(part: str, chosen: argparse.Namespace, folder: Path) -> list[Figure]:
    rounds = chosen.rounds
    if part == "start":
        return pipeline_processes.measure_start(folder, 3 * rounds)
    if part == "chain":
        return pipeline_chain.measure(folder, chosen.items, rounds)
    if part == "busy":
        return pipeline_busy.measure(chosen.clip, folder, chosen.to, dict(chosen.set))
    if part == "speaking":
        return pipeline_speaking.measure(chosen.talk or [chosen.clip], folder)
    if part == "shots":
        return pipeline_shots.measure(chosen.talk or [chosen.clip], rounds)
    if part == "mix":
        return pipeline_mixing.measure(folder, chosen.minutes, rounds)
    if part == "recognition":
        clips = [pipeline_media.spoken(chosen.clip, chosen.language, chosen.reference)]
        if chosen.media:
            clips.append(pipeline_media.joined(chosen.media, chosen.language))
        return pipeline_media.measure_recognition(clips, _whisper(), rounds)
    seconds = pipeline_media.seconds_of(chosen.clip)
    loops = pipeline_processes.loops_for(chosen.lines, seconds)
    clip = pipeline_media.looped(chosen.clip, loops, folder / f"clip{chosen.clip.suffix}")
    if part == "stitch":
        return pipeline_media.measure_stitch(clip, folder, rounds)
    episode = pipeline_processes.finished_episode(clip, folder, chosen.lines, tuple(chosen.extra.split()))
    return pipeline_processes.measure_noop(episode, 3 * rounds)


def _whisper() -> Path:
    from dubkit.config import Settings
    from dubkit.studio import cache_folder, open_models

    settings = Settings()
    model = open_models(settings).fetch("asr")
    assert model.folder is not None, f"a fetched model has a folder in {cache_folder(settings)}"
    return model.folder


def report(found: Sequence[Figure]) -> str:
    """Lay the figures out part by part, in tables that read as they are and as Markdown."""
    parts = dict.fromkeys(figure.part for figure in found)
    return "\n\n".join(f"### {part}\n\n{_table([f for f in found if f.part == part])}" for part in parts)


def _table(found: Sequence[Figure]) -> str:
    rows = [("", "unit", "wall", "cpu", "rounds")]
    for name in dict.fromkeys(figure.name for figure in found):
        cells = {figure.clock: figure for figure in found if figure.name == name}
        first = next(iter(cells.values()))
        counted = "" in cells
        wall = _shown(first.median) if counted else _cell(cells["wall"])
        cpu = _cell(cells["cpu"]) if "cpu" in cells else ""  # On a graphics card only `wall` says anything.
        rows.append((name, first.unit, wall, cpu, "" if counted else str(first.rounds)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def _cell(figure: Figure) -> str:
    return f"{_shown(figure.median)} ({_shown(figure.low)} to {_shown(figure.high)})"


def _shown(value: float) -> str:
    """Write a value with three digits."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--clip", type=Path, default=CLIP, help=f"Clip with picture and speech ({CLIP}).")
    parser.add_argument("--language", default="en", metavar="LANG", help="What is spoken in the clip (en).")
    parser.add_argument("--reference", default="", metavar="TEXT", help="What is said in it, for word error.")
    parser.add_argument(
        "--media", type=Path, metavar="FOLDER", help="Recognise its clips too; manifest.json has their words."
    )
    parser.add_argument(
        "--talk", type=Path, nargs="+", metavar="CLIP", help="Clips of the parts speaking and shots."
    )
    parser.add_argument("--lines", type=int, default=100, metavar="N", help="Lines of the finished episode.")
    parser.add_argument(
        "--minutes", type=float, default=4.0, metavar="N", help="Minutes of the mixed episode (4)."
    )
    parser.add_argument(
        "--items", type=int, nargs="+", default=[100, 1000], metavar="N", help="Sizes of the trivial stages."
    )
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="Rounds (5); three times as many for processes."
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(USUAL), help="Only these parts.")
    parser.add_argument(
        "--to", nargs="+", default=["pt-BR"], metavar="LANG", help="Languages of the part busy."
    )
    parser.add_argument(
        "--set",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="Setting of the part busy.",
    )
    parser.add_argument("--extra", default="", metavar="ARGS", help="Further arguments of dubkit run.")
    parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON instead of a table.")
    chosen = parser.parse_args(arguments)
    if not chosen.clip.is_file():
        parser.error(f"{chosen.clip}: no such file")
    if chosen.minutes < 0.1:
        parser.error("--minutes is 0.1 or more")
    if chosen.rounds < 1 or chosen.lines < 1 or min(chosen.items) < 1:
        parser.error("--rounds, --lines and --items count from 1")
    return chosen


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    chosen = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        found = list(figures(chosen, Path(folder)))
    if chosen.as_json:
        sys.stdout.write(json.dumps({"machine": machine(), "figures": [asdict(f) for f in found]}, indent=2))
    else:
        sys.stdout.write(f"{machine()}\n\n{report(found)}")
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
