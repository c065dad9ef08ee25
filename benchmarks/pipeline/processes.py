"""Whole processes against a bare interpreter: a run with nothing to do, plan, --help and the import."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.pipeline.measure import Comparison, Contender, Figure, interleaved, single

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = "pt-BR"
STEP = 1.3
"""Seconds from line to line; espeak says "Linha 100." in less."""

DONE = (0, 3)
BARE = ("-c", "pass")
START = "process start"

HEAVY = (
    "torch",
    "numpy",
    "scipy",
    "sklearn",
    "cv2",
    "av",
    "onnxruntime",
    "ctranslate2",
    "faster_whisper",
    "httpx",
    "jinja2",
    "rich",
)


@dataclass(frozen=True, slots=True)
class Episode:
    """A finished episode of many lines, and the command that has nothing left to do on it."""

    arguments: tuple[str, ...]
    folder: Path
    lines: int

    @property
    def plan(self) -> tuple[str, ...]:
        """The same question without the work."""
        return (*self.arguments[:2], "plan", *self.arguments[3:])


def measure_start(folder: Path, rounds: int) -> list[Figure]:
    """Return what `import dubkit.cli` and `dubkit --help` take beyond `python -c pass`."""
    commands = {"bare": BARE, "import": ("-c", "import dubkit.cli"), "help": ("-m", "dubkit", "--help")}
    compared = Comparison(START, interleaved(_processes(commands, folder), rounds))
    figures = compared.each("python -c pass", "bare", unit="ms")
    for name, key in (("import dubkit.cli", "import"), ("dubkit --help", "help")):
        figures += compared.each(name, key, unit="ms")
        figures += compared.beyond(f"{name}, beyond python -c pass", key, "bare")
        figures += compared.ratio(f"{name} to python -c pass", key, "bare")
    return [*figures, *_imported(START, "dubkit --help", commands["help"], folder)]


def measure_noop(episode: Episode, rounds: int) -> list[Figure]:
    """Return what a run and a plan with nothing to do take beyond `python -c pass`."""
    part = f"nothing to do, {episode.lines} lines"
    commands = {"bare": BARE, "run": episode.arguments, "plan": episode.plan}
    compared = Comparison(part, interleaved(_processes(commands, episode.folder), rounds))
    figures = []
    for name, key in (("dubkit run", "run"), ("dubkit plan", "plan")):
        figures += compared.beyond(f"{name}, beyond python -c pass", key, "bare")
        figures += compared.ratio(f"{name} to python -c pass", key, "bare")
        figures += _imported(part, name, commands[key], episode.folder)
    return figures


def finished_episode(clip: Path, folder: Path, lines: int, extra: tuple[str, ...] = ()) -> Episode:
    """Dub `clip` with `lines` lines of subtitles of its own, and check that nothing is left to do."""
    source, target, turns = folder / "lines.en.srt", folder / "lines.pt.srt", folder / "turns.csv"
    _write_cues(source, "Line {}.", lines)
    _write_cues(target, "Linha {}.", lines)
    turns.write_text(f"start,end,speaker\n0,{lines * STEP:.2f},spk1\n", "utf-8")
    arguments = (
        *("-m", "dubkit", "run", str(clip.resolve()), "--to", LANGUAGE, "--src-lang", "en"),
        *("--output", str(folder / "Output"), "--model-cache", str(folder / "models")),
        *("--tts-provider", "espeak", "--set", "qc.round_trip=false", *extra),
    )
    files = (("diarize", turns), ("transcribe", source), ("translate", target))
    uses = [word for stage, file in files for word in ("--use", f"{stage}={file}")]
    _run((*arguments, *uses), folder)
    again = _run(arguments, folder)
    if b"nothing to do" not in again.stdout:
        raise RuntimeError(f"the second run did something: {again.stdout.decode()}")
    return Episode(arguments, folder, lines)


def loops_for(lines: int, clip_seconds: float) -> int:
    """Return how often a clip must be played to hold so many lines."""
    return max(1, math.ceil((lines * STEP + 1) / clip_seconds))


def _write_cues(file: Path, text: str, lines: int) -> None:
    cues = (
        f"{n + 1}\n{_stamp(n * STEP)} --> {_stamp(n * STEP + 0.9 * STEP)}\n{text.format(n + 1)}\n"
        for n in range(lines)
    )
    file.write_text("\n".join(cues), "utf-8")


def _stamp(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"


def _processes(commands: dict[str, tuple[str, ...]], folder: Path) -> dict[str, Contender]:
    return {name: Contender(partial(_run, words, folder)) for name, words in commands.items()}


def _run(arguments: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the interpreter as an installed program runs: compiled once, no settings of whoever measures."""
    ours = ("DUBKIT_", "OPENAI_", "HF_")
    kept = {n: v for n, v in os.environ.items() if not n.startswith(ours) and n != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode not in DONE:
        raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.decode()}")
    return done


def _imported(part: str, name: str, arguments: tuple[str, ...], folder: Path) -> list[Figure]:
    """Count what a command imports, as the interpreter itself tells."""
    told = _run(("-X", "importtime", *arguments), folder).stderr.decode(errors="replace")
    modules = set(re.findall(r"^import time:.*\| +(\S+)$", told, re.MULTILINE))
    heavy = [package for package in HEAVY if package in modules]
    return [
        single(part, f"{name}, imports torch", "modules", sum(m.split(".")[0] == "torch" for m in modules)),
        single(part, f"{name}, all imports (large: {', '.join(heavy) or 'none'})", "modules", len(modules)),
    ]
