"""What the network costs against the published packages: `python -m benchmarks.ltx`.

On the CPU everything is a ratio of one run: contenders take turns with one thread, and a figure is the
median of its rounds. Counts have no spread. With `--device cuda` rates are measured beside the ceilings of
the same machine in the same run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from benchmarks.ltx import costs
from benchmarks.ltx import gpu as ltx_gpu
from benchmarks.ltx.models import FULL, MEDIUM, TINY, Size, make_inputs, ours
from benchmarks.ltx.references import diffusers_model, reference, run_diffusers
from benchmarks.pipeline.command import machine, report
from benchmarks.pipeline.measure import Comparison, Contender, Figure, interleaved, single

PARTS = ("forward", "blocks", "operations", "repeats", "loading")
STEPS = 30

LOAD = """
import sys, torch
from pathlib import Path
from torch import nn
from dubkit.ltx.weights import Checkpoint, load

class Layers(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2048, 2048, bias=False) for _ in range(50))

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024

with torch.device("meta"):
    model = Layers()
before = peak()
load(model, Checkpoint(Path(sys.argv[1])), "", "cpu", torch.bfloat16)
print(peak() - before)
"""


def forward(size: Size, rounds: int) -> list[Figure]:
    """Time one forward pass of a plain clip, and of a dub with references, against the packages.

    The packages mask nothing between the streams; a dub's masks are what our target rows replace.
    """
    found: list[Figure] = []
    for references, kind in ((False, "clip"), (True, "dub with references")):
        inputs, model = make_inputs(size, 1, references=references), ours(size)
        weights = model.state_dict()
        peer = diffusers_model(size, weights)
        taken = Comparison(
            f"forward, {size.name}, {kind}",
            interleaved(
                {
                    "dubkit": Contender(costs.dub_pass(model, inputs, rows=references)),
                    "ltx-core": Contender(costs.reference_pass(reference(size, weights), inputs)),
                    "diffusers": Contender(partial(run_diffusers, peer, inputs, 0.7)),
                },
                rounds,
            ),
        )
        for name in ("dubkit", "ltx-core", "diffusers"):
            found += taken.each(name, name, unit="ms")
        for name in ("ltx-core", "diffusers"):
            found += taken.ratio(f"dubkit to {name}", "dubkit", name)
    return found


def blocks(size: Size) -> Iterator[Figure]:
    """Count what one block does, beside ltx-core's."""
    for references, kind in ((False, "clip"), (True, "dub with references")):
        part = f"one block, {size.name}, {kind}"
        for name, cost in (
            ("dubkit", costs.our_block_cost(size, references=references)),
            ("ltx-core", costs.reference_block_cost(size, references=references)),
        ):
            yield single(part, f"{name}, operations", "kernels", cost.operators)
            yield single(part, f"{name}, written", "x tokens", cost.tensors_written)


def operations(size: Size) -> Iterator[Figure]:
    """Hold the counted operations of a dub's pass against the closed form."""
    found, part = costs.flops(size, references=True), f"operations of a pass, {size.name}"
    yield single(part, "counted", "MFLOP", found.counted / 1e6)
    yield single(part, "closed form", "MFLOP", found.formula / 1e6)
    yield single(part, "counted minus closed form", "FLOP", found.counted - found.formula)
    yield single(part, "text, once for a prompt", "MFLOP", found.text_counted / 1e6)
    yield single(part, "text, minus closed form", "FLOP", found.text_counted - found.text_formula)


def repeats(size: Size) -> Iterator[Figure]:
    """Count what does not depend on the step, over the steps of a clip."""
    part = f"{STEPS} passes over a clip, {size.name}"
    for name, count in (
        ("dubkit", costs.our_repeats(size, STEPS)),
        ("ltx-core", costs.reference_repeats(size, STEPS)),
    ):
        yield single(part, f"{name}, rows through the AdaLN MLPs", "rows", count.rows)
        yield single(part, f"{name}, rotary tables built", "tables", count.tables)


def loading(folder: Path) -> Iterator[Figure]:
    """Measure the peak of host memory while 420 MB of weights are loaded, mapped pages included."""
    from safetensors.torch import save_file

    path = folder / "weights.safetensors"
    weights = {f"layers.{n}.weight": torch.randn(2048, 2048).bfloat16() for n in range(50)}
    size = sum(w.nbytes for w in weights.values())
    save_file(weights, path)
    del weights
    done = subprocess.run([sys.executable, "-c", LOAD, str(path)], capture_output=True, text=True, check=True)
    yield single("loading", "weights", "MB", size / 1e6)
    yield single("loading", "largest tensor", "MB", 2048 * 2048 * 2 / 1e6)
    yield single("loading", "peak memory above before", "MB", int(done.stdout) / 1e6)


def on_cpu(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Measure the chosen parts on one thread."""
    torch.set_num_threads(1)
    for part in chosen.parts:
        sys.stderr.write(f"measuring {part}\n")
        if part == "forward":
            yield from forward(TINY, 10 * chosen.rounds)
            yield from forward(MEDIUM, chosen.rounds)
        elif part == "blocks":
            yield from (figure for size in (TINY, MEDIUM) for figure in blocks(size))
        elif part == "operations":
            yield from (figure for size in (TINY, MEDIUM, FULL) for figure in operations(size))
        elif part == "repeats":
            yield from repeats(TINY)
        else:
            with tempfile.TemporaryDirectory(prefix="loading-") as folder:
                yield from loading(Path(folder))


def on_gpu(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Measure rates with random weights of the published size."""
    device = torch.device(chosen.device)
    sys.stderr.write(f"measuring on {torch.cuda.get_device_name(device)}\n")
    yield from ltx_gpu.measure(ltx_gpu.Bench(device, chosen.rounds), whole=not chosen.one_block)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ltx", description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu (ratios), or cuda (rates beside ceilings).")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="Parts on the CPU.")
    parser.add_argument("--one-block", action="store_true", help="On a GPU leave the 48 blocks out (38 GB).")
    parser.add_argument(
        "--rounds", type=int, default=11, metavar="N", help="Rounds; ten times as many if tiny."
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="Print JSON instead of a table.")
    chosen = parser.parse_args(arguments)
    if chosen.device != "cpu" and not torch.cuda.is_available():
        parser.error(f"there is no device {chosen.device} on this machine")
    if chosen.rounds < 1:
        parser.error("--rounds counts from 1")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    chosen = parse(arguments)
    found = list(on_cpu(chosen) if chosen.device == "cpu" else on_gpu(chosen))
    if chosen.as_json:
        sys.stdout.write(json.dumps({"machine": machine(), "figures": [asdict(f) for f in found]}, indent=2))
    else:
        sys.stdout.write(f"{machine()}, torch {torch.__version__}\n\n{report(found)}")
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
