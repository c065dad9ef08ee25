"""What more workers of an executor give: the same paced items by one of them and by several.

    python -m benchmarks.workers --executor ray --workers 4 --seconds 0.1

An item waits that long and uses hardly any processor time, so that a machine with few cores can show what
handing out costs. The artifacts of both must be the same bytes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dubkit.chain.executor import open_executor
from tests.chain.executors.episodes import artifacts, run_paced, settings, workers
from tests.support.paced_stages import REFERENCE

WARM_UPS = 30
"""Rounds after which workers that have not begun are no longer waited for."""


@dataclass(frozen=True, slots=True)
class Paced:
    """What is measured."""

    executor: str
    seconds: float
    """Of one item."""
    items: int
    rounds: int

    def run(self, root: Path, count: int) -> tuple[list[float], dict[str, bytes]]:
        """Return the seconds of each round with so many workers, and the artifacts of the last one.

        Raises RuntimeError where a worker has not begun.
        """
        chosen = settings(self.executor, workers=count)
        plan = [f"i{number:03} {self.seconds}" for number in range(self.items)]
        took: list[float] = []
        with open_executor(chosen, REFERENCE) as opened:
            for number in range(WARM_UPS):
                warm = root / f"warm{number}"
                run_paced(warm, chosen, *(f"w{n} 0.5" for n in range(count)), executor=opened)
                if len(workers(warm)) == count:
                    break
            else:
                raise RuntimeError(f"Fewer than {count} workers began in {WARM_UPS} rounds.")
            for number in range(self.rounds):
                began = time.monotonic()
                run_paced(root / f"round{number}", chosen, *plan, executor=opened)
                took.append(time.monotonic() - began)
        return took, artifacts(root / f"round{self.rounds - 1}")


def main() -> int:
    """Measure, and print a line for each number of workers and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__.split("\n")[0])
    parser.add_argument("--executor", choices=("ray", "processes"), default="ray")
    parser.add_argument("--workers", type=int, default=4, help="The larger number of workers (4).")
    parser.add_argument("--seconds", type=float, default=0.1, help="Of one item (0.1).")
    parser.add_argument("--items", type=int, default=80, help="In a round (80).")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    paced = Paced(asked.executor, asked.seconds, asked.items, asked.rounds)
    with tempfile.TemporaryDirectory() as name:
        if asked.executor == "ray":
            _start_ray(asked.workers, Path(name))
        one, alone = paced.run(Path(name) / "one", 1)
        many, together = paced.run(Path(name) / "many", asked.workers)
    for count, took in ((1, one), (asked.workers, many)):
        spread = f"{min(took):.2f} to {max(took):.2f}"
        print(f"{count} of {asked.executor}: {statistics.median(took):.2f} s ({spread})")
    print(f"{statistics.median(one) / statistics.median(many):.2f} times as fast with {asked.workers}")
    print("the same bytes" if alone == together else "OTHER BYTES")
    return 0 if alone == together else 1


def _start_ray(count: int, folder: Path) -> None:
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "HOME": str(folder)}
    import ray

    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, namespace="dubkit")


if __name__ == "__main__":
    sys.exit(main())
