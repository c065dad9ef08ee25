"""Try every case of a folder: `python -m benchmarks.trials FOLDER`.

A folder holds `cases.toml` and the files that its cases use; `docs/cases.md` describes the form. Each case
runs in a folder of its own. The exit code is 1 if any case fails, and 2 if the cases cannot be read.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.trials.attempt import Attempt, as_json, attempt
from benchmarks.trials.case import BadCase, Case, read_cases


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; see the module."""
    options = _options(arguments)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell ignores it for what it starts in the background; what is tried would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        cases = [
            (folder, case)
            for folder in options.folders
            for case in read_cases(folder)
            if fnmatch.fnmatch(case.name, options.only)
        ]
        if not cases:
            raise BadCase(f"no case is called {options.only}")
        with _workplace(options.keep) as workplace:
            attempts = _try_all(cases, workplace, options.jobs)
    except BadCase as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    failed = [each for each in attempts if each.problems]
    left_out = [each for each in attempts if each.left_out]
    passed = len(attempts) - len(failed) - len(left_out)
    print(f"{passed} passed, {len(failed)} failed, {len(left_out)} left out")
    if options.json:
        options.json.write_text(json.dumps(as_json(attempts), ensure_ascii=False, indent=2), "utf-8")
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trials", description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a folder with cases.toml")
    parser.add_argument("--only", default="*", metavar="GLOB", help="try the cases with such names")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="try N cases at once")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave what the cases make in DIR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results into FILE too")
    return parser.parse_args(arguments)


def _try_all(cases: Sequence[tuple[Path, Case]], workplace: Path, jobs: int) -> list[Attempt]:
    def one(numbered: tuple[int, tuple[Path, Case]]) -> Attempt:
        number, (home, case) = numbered
        folder = workplace / f"{number:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        return attempt(case, home.resolve(), folder.resolve())

    attempts = []
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for each in pool.map(one, enumerate(cases, 1)):
            _show(each)
            attempts.append(each)
    return attempts


def _show(each: Attempt) -> None:
    word = "FAIL" if each.problems else "left out" if each.left_out else "pass"
    print(f"{word:<8} {each.seconds:6.1f} s  {each.case}", flush=True)
    for problem in each.problems or ([each.left_out] if each.left_out else []):
        print(f"         {problem}", flush=True)


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="cases-") as folder:
        yield Path(folder)
