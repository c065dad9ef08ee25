"""Kill a dub at random moments and resume it: `python -m benchmarks.killtest CLIP --kills 20 --seed 1`.

One run is left alone. In another folder the same command is started, killed with all its children (SIGKILL)
at a random moment, and started again, until it has been killed often enough and then finishes. Every file
must be byte for byte what the unbroken run wrote, and nothing may be left over.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shlex
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import DEFAULT_COMMAND, Finished, run

RUN_TIMES = (".dubkit/history.jsonl", ".dubkit/lock", ".dubkit/holder.json")
"""Files that say when and by whom something ran; everything else must be the same."""

DONE = (0, 3)
ATTEMPTS_PER_KILL = 20

Runner = Callable[[Path, float | None], Finished]
"""Runs the dub into a folder; kills it after so many seconds, None lets it finish."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not what the unbroken run wrote."""

    path: str
    what: str
    """`missing`, `left over` or `differs`."""


@dataclass(frozen=True, slots=True)
class Round:
    """One folder, from empty to finished: how often it was killed, and how it differs."""

    kills: int
    moments: tuple[float, ...]
    """Seconds after each start at which it was killed."""
    differences: tuple[Difference, ...]
    failure: str = ""

    @property
    def ok(self) -> bool:
        return not self.differences and not self.failure


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder whose content must not depend on the run."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_file() and not relative.endswith(RUN_TIMES):
            digests[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


def differences(unbroken: Path, killed: Path) -> tuple[Difference, ...]:
    """Compare two output folders file by file."""
    wanted, found = contents(unbroken), contents(killed)
    result = []
    for path in sorted(wanted.keys() | found.keys()):
        if path not in found:
            result.append(Difference(path, "missing"))
        elif path not in wanted:
            result.append(Difference(path, "left over"))
        elif wanted[path] != found[path]:
            result.append(Difference(path, "differs"))
    return tuple(result)


def killed_rounds(
    runner: Runner, folder: Path, unbroken: Path, duration: float, kills: int, chance: random.Random
) -> list[Round]:
    """Kill and resume in fresh folders until `kills` kills were made; the last folder is finished too.

    A run that ends before its moment has nothing left to kill, so the next one starts from nothing again.
    """
    rounds: list[Round] = []
    made, attempts = 0, 0
    while made < kills and attempts < kills * ATTEMPTS_PER_KILL:
        current = folder / f"{len(rounds):03d}"
        moments: list[float] = []
        finished: Finished | None = None
        while finished is None and made < kills:
            attempts += 1
            moment = chance.uniform(0.0, duration)
            ended = runner(current, moment)
            if ended.code is None:
                made += 1
                moments.append(moment)
            else:
                finished = ended
        if finished is None:
            finished = runner(current, None)
        rounds.append(_finished_round(unbroken, current, tuple(moments), finished))
    if made < kills:
        rounds.append(Round(0, (), (), f"only {made} of {kills} kills came before the end of a run"))
    return rounds


def _finished_round(unbroken: Path, current: Path, moments: tuple[float, ...], finished: Finished) -> Round:
    failure = ""
    if finished.code not in DONE or finished.traceback:
        last = (finished.errors.strip().splitlines() or ["no message"])[-1]
        failure = f"exit code {finished.code}: {last}"
    return Round(len(moments), moments, differences(unbroken, current), failure)


def report(rounds: list[Round], files: int, duration: float) -> str:
    """Return the table of all rounds and the verdict."""
    lines = [
        f"unbroken run: {duration:.1f} s, {files} files",
        f"{'round':>5} {'kills':>5} {'files':>7}  moments (s)",
    ]
    for number, found in enumerate(rounds):
        state = "same" if found.ok else f"{len(found.differences)} !"
        moments = " ".join(f"{moment:.2f}" for moment in found.moments)
        lines.append(f"{number:>5} {found.kills:>5} {state:>7}  {moments}")
        if found.failure:
            lines.append(f"      {found.failure}")
        lines += [f"      {difference.what}: {difference.path}" for difference in found.differences]
    kills = sum(found.kills for found in rounds)
    verdict = "identical" if all(found.ok for found in rounds) else "DIFFERENT"
    lines.append(f"{kills} kills in {len(rounds)} rounds: {verdict}")
    return "\n".join(lines)


def parse(arguments: list[str]) -> argparse.Namespace:
    # Split by hand: argparse gives a second positional its (empty) share as soon as it sees CLIP.
    mark = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.killtest", description=__doc__)
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="How often to kill (20).")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="Seed of the random moments (0).")
    parser.add_argument("--to", default="pt-BR", metavar="LANG", help="Target language (pt-BR).")
    parser.add_argument("--output", type=Path, metavar="DIR", help="Keep the folders here.")
    parser.add_argument("--command", default=DEFAULT_COMMAND, help=argparse.SUPPRESS)
    parser.epilog = "Everything after -- is handed to dubkit run."
    chosen = parser.parse_args(arguments[:mark])
    chosen.extra = arguments[mark + 1 :]
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Run, kill, resume, compare, print; 1 on any difference."""
    chosen = parse(sys.argv[1:] if arguments is None else arguments)
    command = shlex.split(chosen.command)

    def runner(folder: Path, limit: float | None) -> Finished:
        return run(
            [*command, str(chosen.clip.resolve()), "--to", chosen.to, "--output", str(folder), *chosen.extra],
            folder.parent / "logs" / folder.name,
            limit,
        )

    with tempfile.TemporaryDirectory(prefix="killtest-") as temporary:
        root = chosen.output or Path(temporary)
        unbroken = root / "unbroken"
        whole = runner(unbroken, None)
        if whole.code not in DONE:
            sys.stdout.write(f"The unbroken run failed with exit code {whole.code}:\n{whole.errors}\n")
            return 1
        chance = random.Random(chosen.seed)
        rounds = killed_rounds(runner, root / "killed", unbroken, whole.seconds, chosen.kills, chance)
        sys.stdout.write(report(rounds, len(contents(unbroken)), whole.seconds) + "\n")
    return 0 if all(found.ok for found in rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
