"""Measure contenders side by side: interleaved rounds, medians of paired ratios, the spread beside them."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of doing the work. `prepare` runs before each round and is not measured."""

    run: Callable[[], object]
    prepare: Callable[[], object] = _nothing


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one round: on the clock, and of all cores together, child processes included."""

    wall: float
    cpu: float


Costs = Mapping[str, Sequence[Cost]]
"""Contender -> its cost in each round; equal positions were measured in the same round."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One cell of the table: the median of several rounds, and the smallest and largest of them."""

    part: str
    name: str
    clock: str
    """`wall` or `cpu`; empty for what is counted."""
    unit: str
    median: float
    low: float
    high: float
    rounds: int


def interleaved(
    contenders: Mapping[str, Contender], rounds: int, *, warm: bool = True
) -> dict[str, list[Cost]]:
    """Measure every contender once in each round.

    With `warm`, one round before them is not counted: it fills caches. The first place goes round, so that
    what the machine does besides hits all alike.
    """
    names = list(contenders)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(-1 if warm else 0, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            cost = _measured(contenders[name])
            if number >= 0:
                costs[name].append(cost)
    return costs


def _measured(contender: Contender) -> Cost:
    contender.prepare()
    cpu, wall = _cpu(), time.perf_counter()
    contender.run()
    return Cost(time.perf_counter() - wall, _cpu() - cpu)


def _cpu() -> float:
    """Processor seconds of this process and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Turns the costs of one interleaved measurement into figures of one part of the table."""

    part: str
    costs: Costs

    def ratio(self, name: str, of: str, to: str) -> list[Figure]:
        """Return how many times as long `of` takes as `to`, by the clock and in processor time."""
        return [
            self._figure(name, clock, "x", [_over(a, b) for a, b in self._pairs(of, to, clock)])
            for clock in ("wall", "cpu")
        ]

    def beyond(self, name: str, of: str, to: str) -> list[Figure]:
        """Return how many milliseconds longer `of` takes than `to`."""
        return [
            self._figure(name, clock, "ms", [(a - b) * 1000 for a, b in self._pairs(of, to, clock)])
            for clock in ("wall", "cpu")
        ]

    def each(self, name: str, of: str, count: float = 1, unit: str = "ms per item") -> list[Figure]:
        """Return the milliseconds of `of`, divided by `count`."""
        return [
            self._figure(name, clock, unit, [getattr(c, clock) * 1000 / count for c in self.costs[of]])
            for clock in ("wall", "cpu")
        ]

    def _pairs(self, of: str, to: str, clock: str) -> list[tuple[float, float]]:
        pairs = zip(self.costs[of], self.costs[to], strict=True)
        return [(getattr(a, clock), getattr(b, clock)) for a, b in pairs]

    def _figure(self, name: str, clock: str, unit: str, values: Sequence[float]) -> Figure:
        middle = statistics.median(values)
        return Figure(self.part, name, clock, unit, middle, min(values), max(values), len(values))


def _over(a: float, b: float) -> float:
    # Processor time is counted in steps; work below one step counts as one microsecond.
    return a / max(b, 1e-6)


def single(part: str, name: str, unit: str, value: float) -> Figure:
    """Return a figure that is counted once and has no spread."""
    return Figure(part, name, "", unit, value, value, value, 1)
