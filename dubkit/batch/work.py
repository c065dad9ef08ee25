"""The episodes of a batch and what becomes of them: started when there is room, tried again, left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dubkit.batch.child import Child, Command, read_ending, start_child
from dubkit.batch.folder import BatchFolder
from dubkit.batch.journal import Attempt, Cause, EpisodeEntry, Signature, read_history
from dubkit.batch.listing import episode_id
from dubkit.batch.needs import Estimator, FileFacts, file_size
from dubkit.batch.result import EpisodeResult, failed_result, plain
from dubkit.batch.rule import Admission, MachineRoom, RunningWork, WorkNeeds, admit
from dubkit.batch.settings import BatchSettings
from dubkit.batch.verdict import AttemptEnd, judge
from dubkit.episode.folders import folder_name

BUSY_WAIT = 2.0
"""Seconds until an episode that another run has is asked for again; they double up to a minute."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BatchSetup:
    """What a batch is run with."""

    folder: BatchFolder
    languages: tuple[str, ...]
    limits: BatchSettings
    estimator: Estimator
    command: Callable[[Path, Command], Command]
    """Fills in the program and its arguments for a source."""
    measure: Callable[[], MachineRoom]
    tell: Tell
    retry_quarantined: bool = False
    start: Callable[[Command], Child] = start_child
    """Starts an attempt: on this machine, or on a cluster."""


@dataclass(slots=True)
class Running:
    """An episode that runs."""

    entry: EpisodeEntry
    child: Child
    needs: WorkNeeds
    alone: bool

    def work(self) -> RunningWork:
        """Return it as the rule of what may run at once sees it."""
        return RunningWork(self.needs, self.child.held, 0, self.child.command.card)


@dataclass(slots=True)
class BatchWork:
    """The episodes of a batch in the order in which they came."""

    setup: BatchSetup
    entries: dict[str, EpisodeEntry] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    waits: str = ""
    """Why the next episode does not start."""
    _due: dict[str, float] = field(default_factory=dict)
    _busy: dict[str, float] = field(default_factory=dict)
    _alone: set[str] = field(default_factory=set)
    _peaks: dict[str, int] = field(default_factory=dict)
    _given_up: list[EpisodeEntry] = field(default_factory=list)
    """Episodes that were never started, since the last look."""
    _room: tuple[float, MachineRoom] | None = None

    # what there is to do

    def open(self, sources: Iterable[Path]) -> None:
        """Take up a batch where it was: what is finished stays so, unless all was or the file has changed."""
        history = read_history(self.setup.folder.journal)
        self.entries = history.episodes
        self.setup.folder.journal.write("opened", pid=os.getpid())
        for entry in self.entries.values():
            self._take_up(entry)
        self.add(sources)

    def _take_up(self, entry: EpisodeEntry) -> None:
        entry.attempts = 0
        changed = Signature.of(Path(entry.source)) != entry.signature
        if changed:
            entry.failures = 0
        if changed or entry.state not in ("done", "degraded"):
            entry.state = "waiting"
        if entry.failures < self.setup.limits.quarantine_after:
            return
        if self.setup.retry_quarantined:
            entry.failures = 0
            self.setup.folder.journal.write("released", episode=entry.id)
        else:
            entry.state = "quarantined"

    def add(self, sources: Iterable[Path]) -> int:
        """Take sources that are new, or that changed since they were done; return how many."""
        count = 0
        for source in sources:
            name = episode_id(source)
            entry = self.entries.get(name)
            if entry is None:
                self.setup.folder.journal.write("listed", episode=name, source=os.fspath(source))
                self.entries[name] = EpisodeEntry(name, os.fspath(source))
                count += 1
            elif entry.over and entry.signature != Signature.of(source):
                entry.state, entry.failures, entry.attempts, entry.seconds = "waiting", 0, 0, 0.0
                count += 1
        return count

    @property
    def waiting(self) -> list[EpisodeEntry]:
        """The episodes that have not run, or run again."""
        return [entry for entry in self.entries.values() if entry.state == "waiting"]

    # starting

    def start_what_fits(self) -> int:
        """Start the waiting episodes that may run now, in order; return how many.

        None overtakes one that waits for memory or a disk, which would never get its turn otherwise.
        """
        started, self.waits = 0, ""
        moment = time.monotonic()
        taken = {self._folder(one.entry) for one in self.running.values()}
        for entry in self.waiting:
            folder = self._folder(entry)
            if folder in taken:
                continue  # two sources with one name get their folders in order
            taken.add(folder)
            if self._due.get(entry.id, 0.0) > moment:
                continue
            answer = self._ask(entry)
            if answer.never:
                self._give_up(entry, "disk", f"Not started: {answer.why}. Free some space, and run again.")
            elif not answer.start:
                self.waits = answer.why
                break
            elif self._start(entry, answer):
                started += 1
        return started

    def _folder(self, entry: EpisodeEntry) -> str:
        return folder_name(Path(entry.source)).casefold()

    def _ask(self, entry: EpisodeEntry) -> Admission:
        others = list(self.running.values())
        if others and (entry.id in self._alone or any(one.alone for one in others)):
            return Admission(False, "it waits until it can run alone")
        return admit(self.needs(entry), [one.work() for one in others], self._measured())

    def _measured(self) -> MachineRoom:
        """Return the room as it was measured a moment ago: what has started since is counted by its needs."""
        moment = time.monotonic()
        if self._room is None or moment - self._room[0] > 0.5:
            self._room = (moment, self.setup.measure())
        return self._room[1]

    def facts(self, entry: EpisodeEntry) -> FileFacts:
        """Return what is known of the source of an episode."""
        return FileFacts(file_size(Path(entry.source)), entry.seconds)

    def needs(self, entry: EpisodeEntry) -> WorkNeeds:
        """Return what an episode needs."""
        return self.setup.estimator.needs(self.facts(entry), known_peak=self._peaks.get(entry.id, 0))

    def _start(self, entry: EpisodeEntry, answer: Admission) -> bool:
        entry.signature = Signature.of(Path(entry.source))
        if not os.path.exists(entry.source):
            self._give_up(entry, "gone", f"{entry.source}: no such file.\nPut it back, or check the path.")
            return False
        if answer.why:
            self.setup.tell(f"{Path(plain(entry.source)).name}: {answer.why}")
        entry.attempts, entry.state = entry.attempts + 1, "running"
        folder = self.setup.folder
        blank = Command((), folder.log(entry.id, entry.attempts), folder.result(entry.id), card=answer.card)
        self.setup.folder.journal.begun(entry)
        child = self.setup.start(self.setup.command(Path(entry.source), blank))
        alone = bool(answer.why) or entry.id in self._alone
        self.running[entry.id] = Running(entry, child, self.needs(entry), alone)
        return True

    def _give_up(self, entry: EpisodeEntry, cause: Cause, sentence: str) -> None:
        entry.state, entry.failures = "failed", entry.failures + (cause == "gone")
        entry.last = Attempt(entry.attempts, cause, failed_result(self.setup.languages, sentence))
        self.setup.folder.journal.ended(entry)
        self._given_up.append(entry)

    # ending

    def collect(self) -> list[EpisodeEntry]:
        """Return the episodes whose attempt has ended, after deciding what becomes of each."""
        ended, self._given_up = self._given_up, []
        for name, one in list(self.running.items()):
            code = one.child.poll()
            limit = self.setup.limits.timeout_minutes * 60
            if code is None and limit and one.child.seconds > limit:
                one.child.expire()
            if code is not None:
                del self.running[name]
                one.child.clear()
                self._settle(one, code)
                ended.append(one.entry)
        return ended

    def _settle(self, one: Running, code: int) -> None:
        entry, child = one.entry, one.child
        end = AttemptEnd(*_ending(child, code))
        if end.result is not None and end.result.busy:
            return self._wait_for_other(entry)
        if child.stopping and (end.result is None or end.result.state == "failed"):
            entry.state, entry.attempts = "waiting", entry.attempts - 1
            return None
        again = entry.attempts < self.setup.limits.attempts
        verdict = judge(end, child, self.setup.languages, again=again)
        self._busy.pop(entry.id, None)
        if verdict.result.duration:
            entry.seconds = verdict.result.duration
        self._learn(entry, child, verdict.result)
        if verdict.state == "waiting":
            # What was killed is begun again soon; a service needs time to come back.
            first = (
                self.setup.limits.retry_seconds if end.result else min(1.0, self.setup.limits.retry_seconds)
            )
            wait = first * 2 ** (entry.attempts - 1)
            self._due[entry.id] = time.monotonic() + wait
            if verdict.alone:
                self._alone.add(entry.id)
        elif verdict.state == "failed":
            entry.failures += verdict.counts
        else:
            entry.failures = 0
        log = child.command.log.relative_to(self.setup.folder.path).as_posix()
        seconds, peak = round(child.seconds, 1), child.peak
        entry.state = verdict.state
        entry.last = Attempt(entry.attempts, end.cause, verdict.result, seconds, peak, log)
        self.setup.folder.journal.ended(entry)
        return None

    def _learn(self, entry: EpisodeEntry, child: Child, result: EpisodeResult) -> None:
        self._peaks[entry.id] = max(child.peak, self._peaks.get(entry.id, 0))
        if result.state != "failed" and result.worked:
            self.setup.estimator.learn(self.facts(entry), child.seconds, child.peak)

    def _wait_for_other(self, entry: EpisodeEntry) -> None:
        """Ask for an episode again later, because another run has it now."""
        wait = min(60.0, 2 * self._busy.get(entry.id, BUSY_WAIT / 2))
        self._busy[entry.id] = wait
        self._due[entry.id] = time.monotonic() + wait
        entry.state, entry.attempts = "waiting", entry.attempts - 1

    # the whole

    def seconds_left(self) -> float:
        """Return the seconds until all is done, as far as they can be told."""
        estimator = self.setup.estimator
        alone = [estimator.seconds(self.facts(entry)) for entry in self.waiting]
        begun = [
            max(0.0, estimator.seconds(self.facts(one.entry)) - one.child.seconds)
            for one in self.running.values()
        ]
        beside = max(1, min(len(self.running) or 1, len(alone) + len(begun)))
        return max([*begun, (sum(alone) + sum(begun)) / beside])

    def exit_code(self) -> int:
        """Return 0 done, 1 something failed, 3 something is degraded."""
        states = {entry.state for entry in self.entries.values()}
        return 1 if states & {"failed", "quarantined"} else 3 if "degraded" in states else 0


def _ending(child: Child, code: int) -> tuple[Cause, int, EpisodeResult | None]:
    cause, result = read_ending(child, code)
    return cause, code, result


def in_state(entries: Iterable[EpisodeEntry], *states: str) -> Sequence[EpisodeEntry]:
    """Return the episodes in any of some states."""
    return [entry for entry in entries if entry.state in states]
