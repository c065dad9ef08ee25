"""A batch whose episodes take no work: a small program stands in for `dubkit run`, as its file says.

Started as a program (`python -m tests.support.batch_stand_in FOLDER`) it is a batch that a test can kill.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from dubkit.batch.child import Command
from dubkit.batch.folder import hold_batch
from dubkit.batch.journal import EpisodeEntry
from dubkit.batch.loop import BatchLoop
from dubkit.batch.needs import Estimator
from dubkit.batch.report import BatchTitle
from dubkit.batch.rule import MachineRoom
from dubkit.batch.settings import BatchSettings
from dubkit.batch.work import BatchSetup, BatchWork

PROGRAM = """
import fcntl, json, os, signal, sys, time
source, result, ran = sys.argv[1:4]
words = open(source).read().split()
does, rest = (words or ["done"])[0], words[1:]
def say(what):
    with open(ran, "a") as file:
        file.write(f"{what} {os.path.basename(source)} {time.monotonic():.4f}\\n")
lock = open(source)
def leave(state, errors=(), may_pass=False, busy=False):
    row = {"state": state, "errors": list(errors), "may_pass": may_pass}
    table = {"languages": [dict(row, language=tag) for tag in ("fr", "es")], "busy": busy, "duration": 2.0}
    with open(result + ".new", "w") as file:
        json.dump(table, file)
    os.replace(result + ".new", result)
    say("end")
    sys.exit({"failed": 1, "degraded": 3}.get(state, 0))
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    leave("failed", ["in use"], True, busy=True)
say("begin")
times = sum(line.split()[:2] == ["begin", os.path.basename(source)] for line in open(ran))
if does == "sleep":
    time.sleep(float(rest[0]))
    leave("done")
if does == "poison":
    leave("failed", ["no sound"])
if does == "down":  # a service that answers at the attempt with that number
    leave("done") if times >= int(rest[0]) else leave("failed", ["nothing answers"], True)
if does == "partly":  # as `down`, but the rest of the episode is made meanwhile
    leave("done") if times >= int(rest[0]) else leave("degraded", may_pass=True)
if does == "killed" and times < int(rest[0]):
    os.kill(os.getpid(), signal.SIGKILL)
if does == "memory" and times < int(rest[0]):
    print("MemoryError", flush=True)
    sys.exit(1)
if does == "crash":
    print("Error: dubkit failed with ZeroDivisionError", flush=True)
    sys.exit(1)
if does == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
if does in ("hang", "stubborn"):
    time.sleep(60)
leave("degraded" if does == "degraded" else "done")
"""

ROOMY = MachineRoom(slots=4)


def nothing_told(_text: str) -> None:
    """Say nothing."""


@dataclass(slots=True)
class Shown:
    """What a batch showed."""

    states: list[tuple[str, str]] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    waits: set[str] = field(default_factory=set)

    def ended(self, work: BatchWork, entry: EpisodeEntry) -> None:
        self.states.append((Path(entry.source).name, entry.state))

    def state(self, work: BatchWork) -> None:
        self.running.append(len(work.running))
        self.waits.add(work.waits)


@dataclass(slots=True)
class StandIn:
    """A folder with sources that say what becomes of them."""

    root: Path
    limits: BatchSettings = field(default_factory=lambda: BatchSettings(retry_seconds=0.01))
    room: Callable[[], MachineRoom] = lambda: ROOMY
    card: bool = False
    memory: int = 0
    told: list[str] = field(default_factory=list)

    def source(self, name: str, does: str = "done") -> Path:
        """Write a source that says what its episode does."""
        path = self.root / "Input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(does)
        return path

    def sources(self) -> list[Path]:
        """Return all sources."""
        return sorted((self.root / "Input").iterdir())

    @property
    def ran(self) -> Path:
        """What the programs noted."""
        return self.root / "ran.txt"

    def begun(self, name: str) -> int:
        """Return how often an episode was begun."""
        lines = self.ran.read_text().splitlines() if self.ran.exists() else []
        return sum(line.split()[:2] == ["begin", name] for line in lines)

    def run(
        self, sources: list[Path] | None = None, *, again: bool = False, show: Shown | None = None
    ) -> int:
        """Run the batch to its end; return its exit code."""
        program = self.root / "program.py"
        program.write_text(PROGRAM)

        def command(source: Path, blank: Command) -> Command:
            paths = (str(source), str(blank.result), str(self.ran))
            return replace(blank, arguments=(sys.executable, "-I", "-S", str(program), *paths))

        with hold_batch(self.root / "Output", "season") as folder:
            setup = BatchSetup(
                folder=folder,
                languages=("fr", "es"),
                limits=self.limits,
                estimator=Estimator(self.memory, self.card, 2, 0.0, base_memory=0),
                command=command,
                measure=self.room,
                tell=self.told.append,
                retry_quarantined=again,
            )
            title = BatchTitle(("fr", "es"), "dubkit batch", lambda source, tags: f"dubkit run {source}")
            loop = BatchLoop(setup, title, show or Shown(), pause=0.01, reads_lengths=False)
            return loop.run(self.sources() if sources is None else sources)


if __name__ == "__main__":
    try:
        sys.exit(StandIn(Path(sys.argv[1])).run())
    except KeyboardInterrupt:
        sys.exit(130)
