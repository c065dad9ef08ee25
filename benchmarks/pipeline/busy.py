"""How much of the machine's cores a dub keeps busy from recognising to speaking, by stage and in all."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from benchmarks.pipeline.measure import Figure, single
from dubkit.chain.chain import Request
from dubkit.config import configure
from dubkit.cores import usable_cores
from dubkit.progress import Ended, Silent, StageStart
from dubkit.studio import dub, open_session

FIRST, LAST = "transcribe", "speak"


@dataclass(frozen=True, slots=True)
class Instant:
    """A time on the clock, and the processor time that was used until then."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Instant:
        """Take the processor time of this process, of its children, and of theirs."""
        ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        cpu = sum(usage.ru_utime + usage.ru_stime for usage in ended)
        for child in psutil.Process().children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.Error:
                continue  # it has ended meanwhile, and counts among those that have
            cpu += times.user + times.system
        return cls(time.perf_counter(), cpu)


@dataclass(frozen=True, slots=True)
class StageSpan:
    """When a stage worked."""

    name: str
    begin: Instant
    end: Instant

    @property
    def wall(self) -> float:
        """Seconds on the clock."""
        return self.end.wall - self.begin.wall

    @property
    def cpu(self) -> float:
        """Processor seconds of everything that worked meanwhile."""
        return self.end.cpu - self.begin.cpu

    def meets(self, other: StageSpan) -> bool:
        """Tell whether the two worked at the same time."""
        return self.begin.wall < other.end.wall and other.begin.wall < self.end.wall


@dataclass
class StageClock(Silent):
    """Progress that notes when each stage begins and ends."""

    spans: list[StageSpan] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _begun: tuple[StageStart, Instant] | None = None

    def beside(self) -> StageClock:
        return StageClock(self.spans, self.notes)

    def start(self, stage: StageStart) -> None:
        self._begun = stage, Instant.now()

    def finish(self, seconds: float, ended: Ended = "done", failed: int = 0) -> None:
        if self._begun is not None:
            stage, begin = self._begun
            self.spans.append(StageSpan(f"{stage.stage} {stage.language}".strip(), begin, Instant.now()))


def measure(
    clip: Path, folder: Path, languages: Sequence[str], values: Mapping[str, str], cores: int = 0
) -> list[Figure]:
    """Dub a clip once, below `folder`, and return how busy the cores were."""
    session = open_session(configure(dict(values), environment={}).settings, folder / "Output")
    clock = StageClock()
    outcome = dub(session, clip, Request(tuple(languages)), clock)
    if outcome.errors:
        raise RuntimeError(f"{clip} could not be dubbed: {' '.join(outcome.errors)}")
    return figures(clock.spans, f"cores, {clip.name} to {', '.join(languages)}", cores or usable_cores())


def figures(spans: Sequence[StageSpan], part: str, cores: int) -> list[Figure]:
    """Return what each stage took, and which share of the cores was busy then; and the same for all.

    Stages that work at the same time have no share of their own. The time between stages counts in all.
    """
    whole = _whole(spans)
    inside = [span for span in spans if whole.meets(span)]
    found: list[Figure] = []
    for span in sorted(inside, key=lambda span: span.begin.wall):
        beside = any(span.meets(other) for other in inside if other is not span)
        found += _times(part, f"{span.name}, beside others" if beside else span.name, span)
        if not beside:
            found.append(single(part, f"{span.name}: cores busy", "%", _share(span, cores)))
    found += _times(part, whole.name, whole)
    return [*found, single(part, f"{whole.name}: busy of {cores} cores", "%", _share(whole, cores))]


def _whole(spans: Sequence[StageSpan]) -> StageSpan:
    """Return the time from the beginning of recognition to the end of the last speech."""
    begins = [span.begin for span in spans if span.name == FIRST]
    ends = [span.end for span in spans if span.name.partition(" ")[0] == LAST]
    if not begins or not ends:
        raise RuntimeError(f"the run has no {FIRST} or no {LAST}: {[span.name for span in spans]}")
    first = min(begins, key=lambda instant: instant.wall)
    return StageSpan(f"from {FIRST} to {LAST}", first, max(ends, key=lambda instant: instant.wall))


def _times(part: str, name: str, span: StageSpan) -> list[Figure]:
    times = {"wall": span.wall, "cpu": span.cpu}
    return [Figure(part, name, clock, "s", value, value, value, 1) for clock, value in times.items()]


def _share(span: StageSpan, cores: int) -> float:
    return 100 * span.cpu / (max(span.wall, 1e-9) * cores)
