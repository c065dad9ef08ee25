"""Try odd inputs by thousands: `python -m benchmarks.fuzz [AREA...]`.

Each input is made from the seed, the area and its number: `--only` tries one that failed again.
The exit code is 1 if any ends in something other than a result or an error for users.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection

from benchmarks.fuzz.areas import AREAS

SECONDS = 60
"""The most that one try may take."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; see the module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}; all without one")
    parser.add_argument("--seed", type=int, default=4711)
    parser.add_argument("--count", type=int, help="tries of each area; its own number without one")
    parser.add_argument("--only", type=int, metavar="N", help="try input N alone, and print what comes of it")
    options = parser.parse_args(arguments)
    unknown = set(options.areas) - set(AREAS)
    if unknown:
        parser.error(f"there is no area {min(unknown)}; there is {', '.join(AREAS)}")
    failed = 0
    for area in options.areas or AREAS:
        if options.only is not None:
            print(AREAS[area][0](options.seed, options.only))
            continue
        count = options.count or AREAS[area][1]
        problems = list(failures(area, options.seed, count))
        failed += len(problems)
        print(f"{area}: {count} tries with seed {options.seed}, {len(problems)} wrong", flush=True)
        for last, numbers in _alike(problems).items():
            print(f"  {last}\n    inputs {', '.join(map(str, numbers[:12]))}", flush=True)
    return 1 if failed else 0


def failures(area: str, seed: int, count: int) -> Iterator[tuple[int, str]]:
    """Yield number and error of each input of an area that goes wrong.

    The tries run in a process of their own: one that dies or hangs is a failure like any other.
    """
    number = 0
    while number < count:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_work, args=(area, seed, number, count, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            while number < count:
                if not ours.poll(SECONDS):
                    yield number, f"still running after {SECONDS} s"
                    break
                error = ours.recv()
                if error:
                    yield number, error
                number += 1
        except EOFError:
            process.join()
            yield number, f"the process died with code {process.exitcode}"
        finally:
            process.kill()
            process.join()
        number += 1


def _work(area: str, seed: int, first: int, count: int, pipe: Connection) -> None:
    sys.stderr = open("/dev/null", "w")  # noqa: SIM115 - libraries of C write there, too
    for number in range(first, count):
        try:
            AREAS[area][0](seed, number)
            pipe.send("")
        except BaseException as error:  # whatever it is, it is the result
            frame = traceback.extract_tb(error.__traceback__)[-1]
            pipe.send(f"{type(error).__name__}: {str(error)[:200]} ({frame.filename}:{frame.lineno})")


def _alike(problems: Sequence[tuple[int, str]]) -> dict[str, list[int]]:
    """Group failures by place and kind of error, the most frequent first."""
    places = Counter(_place(error) for _, error in problems)
    first = {place: next(error for _, error in problems if _place(error) == place) for place in places}
    return {
        first[place]: [number for number, error in problems if _place(error) == place]
        for place, _ in places.most_common()
    }


def _place(error: str) -> str:
    return error.partition(":")[0] + error.rpartition("(")[2]
