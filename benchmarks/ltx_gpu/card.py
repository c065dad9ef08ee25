"""Everything that a machine with a card can prove, one after the other, and the page that keeps it.

Each step is a command of its own, so that one that dies does not take the others with it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pipeline.command import machine

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "benchmarks" / "RESULTS.gpu.md"
SAMPLE = ROOT / "Input" / "sample.mp4"
PROMPT = 'The man is speaking French, saying: "Bonjour et bienvenue."'
SHOWN_LINES = 60
"""Of what a step says, from its end."""
FLAGS = {
    "checkpoint": "--checkpoint-path",
    "distilled": "--distilled-lora-path",
    "spatial": "--spatial-upsampler-path",
    "dubbing": "--lora",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to prove, and the command that proves it."""

    title: str
    command: tuple[str, ...]
    """Empty where it cannot be tried here; `note` says why."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended."""

    step: Step
    code: int | None
    """Exit code; None where the step was left out."""
    seconds: float
    said: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to prove it with."""

    weights: Path | None
    """A folder with the published files; without one the clip is made with tiny random weights."""
    golden: Path | None
    """A folder of reference tensors for `benchmarks.parity`."""
    clip: Path
    rounds: int
    scratch: Path
    """For tiny weights and clips."""


def steps(wanted: Wanted) -> list[Step]:
    """Return the steps in order, quick ones first."""
    python, tiny = (sys.executable, "-m"), wanted.scratch / "tiny"
    weights = wanted.weights or tiny
    kind = "the published weights" if wanted.weights else "tiny random weights, which make noise"
    tests = "tests/ltx", "tests/dubbing", "tests/engines"
    measured = *python, "benchmarks.ltx", "--device", "cuda", "--rounds", str(wanted.rounds)
    return [
        Step("Tiny weights", (*python, "dubkit", "models", "make-tiny", str(tiny), "--force")),
        Step("The card against the processor", (*python, "benchmarks.ltx_gpu", "--compare", str(tiny))),
        Step("Tests", (*python, "pytest", "-q", "-p", "no:cacheprovider", *tests)),
        Step("The original's numbers", (*python, "benchmarks.parity", str(wanted.golden), "--bad"))
        if wanted.golden
        else Step("The original's numbers", (), "No folder of reference tensors was given (--golden)."),
        Step("Speed beside the card's ceilings", measured),
        *(
            Step(f"A clip with {kind}: {title}", clip_command(wanted, weights, *extra))
            for title, extra in (
                ("30 steps and 2", ()),
                ("float8", ("--enable-fp8",)),
                ("preview", ("--recipe", "preview")),
            )
        ),
    ]


def clip_command(wanted: Wanted, weights: Path, *extra: str) -> tuple[str, ...]:
    """Return the command that dubs the clip on the card."""
    from dubkit.models.tiny.files import GEMMA, NAMES

    named = [part for role, flag in FLAGS.items() for part in (flag, str(weights / NAMES["2"][role]))]
    out = wanted.scratch / f"clip{''.join(extra)}.mp4"
    return (
        *(sys.executable, "-m", "dubkit", "justdubit", *named, "--gemma-root", str(weights / GEMMA)),
        *("--video-conditioning", str(wanted.clip), "1.0", "--prompt", PROMPT, "--device", "cuda"),
        *("--output-path", str(out), *extra),
    )


def run(step: Step) -> Outcome:
    """Run a step; what it says is kept, and shown as it ends."""
    if not step.command:
        return Outcome(step, None, 0.0, step.note)
    sys.stderr.write(f"{step.title}: {shlex.join(step.command)}\n")
    begun = time.monotonic()
    done = subprocess.run(
        step.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    seconds = time.monotonic() - begun
    sys.stderr.write(f"  exit code {done.returncode} after {seconds:.0f} s\n")
    return Outcome(step, done.returncode, seconds, done.stdout)


def page(card_name: str, outcomes: Sequence[Outcome]) -> str:
    """Return the page of results, as they are."""
    import torch

    now = datetime.now(UTC).date().isoformat()
    lines = [
        "# Measured on a graphics card",
        "",
        f"{now}, {card_name}, torch {torch.__version__}, CUDA {torch.version.cuda}; {machine()}.",
        "Written by `make gpu`; nothing here was edited.",
        "",
        "| step | result | seconds |",
        "| --- | --- | --- |",
        *(f"| {x.step.title} | {verdict(x)} | {x.seconds:.0f} |" for x in outcomes),
    ]
    for outcome in outcomes:
        said = outcome.said.rstrip().splitlines()[-SHOWN_LINES:]
        lines += ["", f"## {outcome.step.title}", ""]
        if outcome.step.command:
            lines += ["```sh", shlex.join(outcome.step.command), "```", "", "```text", *said, "```"]
        else:
            lines += said
    return "\n".join(lines) + "\n"


def verdict(outcome: Outcome) -> str:
    """Return how a step ended in a word or two."""
    if outcome.code is None:
        return "not tried"
    return "passed" if outcome.code == 0 else f"failed ({outcome.code})"
