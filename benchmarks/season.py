"""Dub a season of short clips with a batch, kill it and go on.

    python -m benchmarks.season CLIP... --folder FOLDER

Short episodes are cut from the clips, and among them are files that cannot be dubbed. `dubkit batch` is
killed (SIGKILL, with all that it started) each time a share of the season is done, and the same command is
given again. In the end every good episode must have a result in each language, every bad one must have failed
with a reason, and some episodes must be byte for byte what `dubkit run` makes of them alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benchmarks.killtest import Difference, differences
from dubkit.batch.folder import BATCHES
from dubkit.batch.journal import Journal

NAME = "season"
POISON = ("text", "half", "mute")
"""What the bad files are: text, an MP4 cut off in its middle, a picture without sound."""
DONE = ("done", "degraded")


@dataclass(frozen=True, slots=True)
class Part:
    """One start of the batch, until its kill or its end."""

    seconds: float
    code: int | None
    """None after a kill."""
    before: int
    """Results that were there when it began."""
    after: int


@dataclass(frozen=True, slots=True)
class Season:
    """How a season ended."""

    parts: tuple[Part, ...]
    states: dict[str, int]
    """State -> results, of all languages of all episodes."""
    reasons: dict[str, str]
    """Bad file -> why it failed."""
    lost: tuple[str, ...]
    """What should have been done and is not, or was done again after a kill."""
    compared: dict[str, tuple[Difference, ...]]
    """Episode -> how it differs from the same episode made alone."""

    @property
    def ok(self) -> bool:
        return not self.lost and not any(self.compared.values())


# --- the clips --------------------------------------------------------------------------------


def make_season(clips: Sequence[Path], folder: Path, good: int, poisoned: int) -> list[Path]:
    """Cut `good` episodes of two and three seconds from the clips in turn, and add `poisoned` bad files."""
    from dubkit.media.files.probe import probe

    folder.mkdir(parents=True, exist_ok=True)
    lengths = {clip: float(probe(clip).duration) for clip in clips}
    made: list[Path] = []
    for step in range(1000):
        for clip in clips:
            seconds = 2.0 + len(made) % 2
            if len(made) < good and (step + 1) * 3.0 <= lengths[clip]:
                made.append(_cut(clip, step * 3.0, seconds, folder / f"ep{len(made) + 1:03d}.mkv"))
    if len(made) < good:
        raise SystemExit(f"The clips give {len(made)} episodes of {good}. Name more or longer ones.")
    return made + [_poison(made[0], POISON[n % 3], folder, n) for n in range(poisoned)]


def _cut(clip: Path, start: float, seconds: float, out: Path) -> Path:
    _ffmpeg(
        "-ss", f"{start}", "-t", f"{seconds}", "-i", str(clip), "-map", "0:v:0?", "-map", "0:a:0", out=out
    )
    return out


def _poison(clip: Path, kind: str, folder: Path, number: int) -> Path:
    out = folder / f"bad{number + 1:02d}-{kind}.mp4"
    if kind == "text":
        out.write_text("This is no film.\n")
    elif kind == "mute":
        _ffmpeg("-f", "lavfi", "-i", "testsrc=duration=2:size=160x90:rate=10", out=out)
    else:
        _ffmpeg("-i", str(clip), out=out)
        out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])
    return out


def _ffmpeg(*words: str, out: Path) -> None:
    from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command

    exe, version = ffmpeg_exe()
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]
    command = [exe, "-nostdin", "-loglevel", "error", "-y", *words, *coding, str(out)]
    run_command(command, place=out, timeout=600, version=version)


# --- the batch --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """How dubkit is called."""

    languages: str
    extra: tuple[str, ...]
    program: tuple[str, ...] = (sys.executable, "-m", "dubkit")

    def batch(self, season: Path, output: Path, jobs: int) -> list[str]:
        given = [str(season / "*.m*"), "--to", self.languages, "--output", str(output)]
        return [*self.program, "batch", *given, "--name", NAME, "--jobs", str(jobs), *self.extra]

    def run(self, clip: Path, output: Path) -> list[str]:
        return [*self.program, "run", str(clip), "--to", self.languages, "--output", str(output), *self.extra]


def run_season(command: Command, season: Path, output: Path, jobs: int, kills: int) -> list[Part]:
    """Run the batch to its end; kill it `kills` times on the way, at equal shares of the episodes."""
    episodes = len(list(season.iterdir()))
    marks = [episodes * (n + 1) // (kills + 1) for n in range(kills)]
    parts: list[Part] = []
    for mark in [*marks, None]:
        before, began = len(_ended(output)), time.monotonic()
        log = output.parent / f"batch-{len(parts)}.log"
        with log.open("wb") as said:
            batch = subprocess.Popen(
                command.batch(season, output, jobs),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            code = _watch(batch, output, mark)
        parts.append(Part(time.monotonic() - began, code, before, len(_ended(output))))
    return parts


def _watch(batch: subprocess.Popen[bytes], output: Path, mark: int | None) -> int | None:
    """Wait for the end of a batch; return None where it was killed at its mark."""
    try:
        while (code := batch.poll()) is None:
            if mark is not None and len(_ended(output)) >= mark:
                return None
            time.sleep(0.2)
        return code
    finally:
        if batch.poll() is None:
            _kill_tree(batch.pid)
            batch.wait()


def _kill_tree(pid: int) -> None:
    """End a process at once, and all that it started: as when the power goes."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for one in (parent, *parent.children(recursive=True)):
            with suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)


def _ended(output: Path) -> dict[str, list[str]]:
    """Return episode -> the states in which its attempts ended, in their order."""
    found: dict[str, list[str]] = {}
    for event in Journal(_batch(output) / "journal.jsonl").events():
        if event["kind"] == "ended":
            found.setdefault(event["episode"], []).append(event["state"])
    return found


def _batch(output: Path) -> Path:
    return output / BATCHES / NAME


# --- what came of it --------------------------------------------------------------------------


def judge(command: Command, made: Sequence[Path], output: Path, parts: Sequence[Part], check: int) -> Season:
    """Read the batch's report, and make `check` episodes alone to compare them."""
    report: dict[str, Any] = json.loads((_batch(output) / "report.json").read_bytes())
    clips = [clip for clip in made if not clip.name.startswith("bad")]
    good = {row["episode"] for row in report["rows"] if Path(row["source"]) in clips}
    lost: list[str] = []
    reasons: dict[str, str] = {}
    for row in report["rows"]:
        name, state = row["episode"], row["state"]
        if (name in good) != (state in DONE):
            lost.append(f"{name} {row['language']}: {state}")
        elif name not in good:
            reasons[name] = next(iter(row["errors"]), "")
            lost += [] if row["errors"] and row["next_command"] else [f"{name}: no reason or next command"]
        elif not Path(_batch(output) / row["dub"]).is_file():
            lost.append(f"{name} {row['language']}: no file")
    wanted = len(made) * len(command.languages.split(","))
    if len(report["rows"]) != wanted:
        lost.append(f"{len(report['rows'])} results of {wanted}")
    ends = _ended(output)
    lost += [
        f"{name}: made {len(ends[name])} times" for name in sorted(good & ends.keys()) if len(ends[name]) > 1
    ]
    return Season(
        tuple(parts),
        report["counts"],
        reasons,
        tuple(lost),
        _compare(command, clips, output, check),
    )


def _compare(
    command: Command, good: Sequence[Path], output: Path, check: int
) -> dict[str, tuple[Difference, ...]]:
    alone = output.parent / "alone"
    shutil.rmtree(alone, ignore_errors=True)
    found = {}
    for clip in good[:: max(1, len(good) // check)][:check] if check else ():
        subprocess.run(command.run(clip, alone), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        found[clip.stem] = differences(alone / clip.stem, output / clip.stem)
    return found


def report(season: Season) -> str:
    """Return what happened, as text."""
    lines = [f"{'part':>4} {'seconds':>8} {'ends before':>11} {'after':>6}  end"]
    for number, part in enumerate(season.parts, 1):
        end = "killed" if part.code is None else f"exit code {part.code}"
        lines.append(f"{number:>4} {part.seconds:>8.0f} {part.before:>11} {part.after:>6}  {end}")
    lines.append(", ".join(f"{count} {state}" for state, count in sorted(season.states.items())))
    lines += [f"{name}: {' '.join(reason.split())}" for name, reason in sorted(season.reasons.items())]
    lines += [f"LOST {one}" for one in season.lost]
    for episode, found in season.compared.items():
        lines.append(f"{episode} made alone: {'same bytes' if not found else f'{len(found)} files differ'}")
        lines += [f"  {one.what}: {one.path}" for one in found]
    return "\n".join([*lines, "all there" if season.ok else "NOT ALL RIGHT"])


def parse(arguments: list[str]) -> argparse.Namespace:
    mark = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.season", description=__doc__)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--folder", type=Path, required=True, help="An empty folder to work in.")
    parser.add_argument("--to", default="pt-BR,pt-PT", metavar="LANG,...", help="Languages (pt-BR,pt-PT).")
    parser.add_argument("--episodes", type=int, default=47, metavar="N", help="Good episodes (47).")
    parser.add_argument("--poisoned", type=int, default=3, metavar="N", help="Bad files (3).")
    parser.add_argument(
        "--kills", type=int, default=2, metavar="N", help="How often the batch is killed (2)."
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="Episodes at a time (2).")
    parser.add_argument("--check", type=int, default=6, metavar="N", help="Episodes to make alone (6).")
    parser.epilog = "Everything after -- is handed to dubkit batch and dubkit run."
    chosen = parser.parse_args(arguments[:mark])
    chosen.extra = tuple(arguments[mark + 1 :])
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Cut, run, kill, go on, compare, print; 1 where something is lost or differs."""
    chosen = parse(sys.argv[1:] if arguments is None else arguments)
    folder: Path = chosen.folder.resolve()
    command = Command(chosen.to, chosen.extra)
    made = make_season(chosen.clips, folder / "season", chosen.episodes, chosen.poisoned)
    output = folder / "output"
    parts = run_season(command, folder / "season", output, chosen.jobs, chosen.kills)
    season = judge(command, made, output, parts, chosen.check)
    sys.stdout.write(report(season) + "\n")
    return 0 if season.ok else 1


if __name__ == "__main__":
    sys.exit(main())
