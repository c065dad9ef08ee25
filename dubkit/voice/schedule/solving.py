"""Solve the blocks of an episode.

A block is solved once, and where something in it is too dense a second time for the least that any placement
needs: only what that proves is reported as too long.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from dubkit.types import ScheduledLine
from dubkit.voice.schedule.asked import Limits, Utterance
from dubkit.voice.schedule.blocks import Block, blocks
from dubkit.voice.schedule.program import Program
from dubkit.voice.schedule.weights import OVER

Method = Literal["highs-ds", "highs-ipm"]

FIRST = 1e-3
"""Factor of the light costs where the heavy ones must come first without fail."""

NOTHING = 0.5
"""Cost that comes from rounding: a whole millisecond of anything heavy costs two hundred."""


def solver_name() -> str:
    """Return what solves the schedule, with its version."""
    import scipy  # type: ignore[import-untyped]

    return f"scipy {scipy.__version__} HiGHS"


def schedule_lines(
    lines: Sequence[Utterance],
    limits: Limits,
    *,
    wanted: Collection[str] | None = None,
    method: Method = "highs-ds",
) -> list[ScheduledLine]:
    """Return when each line is spoken, and for how long, in the order of their blocks.

    No line is lost or cut. The same lines and limits give the same schedule, with either method. A line of
    which `too_long_ms` is above 0 is faster than the fastest acceptable pace because every placement that
    keeps to the starts, to the speakers' order and to their silence makes it or its neighbours so.

    Args:
        wanted: lines whose blocks are scheduled; None schedules all.
    """
    due = [
        block
        for block in blocks(lines, limits)
        if wanted is None or any(line.id in wanted for line in block.lines)
    ]
    return solve_blocks(due, limits, method) if due else []


def solve_blocks(blocks: Sequence[Block], limits: Limits, method: Method = "highs-ds") -> list[ScheduledLine]:
    """Return the schedule of some blocks, in the order of their lines: that of each as if it were alone."""
    found = _solved(blocks, limits, method)
    dense = [block for block, own in zip(blocks, found, strict=True) if own.heavy > NOTHING]
    if dense:
        least = {
            b.id: own.heavy for b, own in zip(dense, _solved(dense, limits, method, light=0.0), strict=True)
        }
        over = [
            block
            for block, own in zip(blocks, found, strict=True)
            if block.id in least and own.heavy > least[block.id] + NOTHING
        ]
        if over:
            again = dict(zip([b.id for b in over], _solved(over, limits, method, light=FIRST), strict=True))
            found = [again.get(block.id, own) for block, own in zip(blocks, found, strict=True)]
    return [
        _scheduled(line, block, limits, start, end)
        for block, own in zip(blocks, found, strict=True)
        for line, (start, end) in zip(block.lines, own.spans, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Solved:
    """Starts and ends of a block's lines, and what they cost that is heavy."""

    spans: list[tuple[int, int]]
    heavy: float


def _solved(blocks: Sequence[Block], limits: Limits, method: Method, light: float = 1.0) -> list[_Solved]:
    """Solve some blocks, the light costs multiplied by a factor."""
    import numpy as np
    from scipy.optimize import linprog  # type: ignore[import-untyped]

    program = Program(blocks, limits)
    weights, low, high = np.array(program.columns).T
    weights = np.where(weights >= OVER, weights, weights * light)
    equal, right = program.equal()
    below, most = program.below()
    bounded: dict[str, Any] = {"A_ub": below, "b_ub": most} if most else {}
    bounds = np.column_stack([low, high])
    result = linprog(weights, A_eq=equal, b_eq=right, bounds=bounds, method=method, **bounded)
    assert result.x is not None, f"every block has a schedule: {result.message}"
    heavy = np.where(weights >= OVER, weights * result.x, 0.0)
    return [
        _Solved([(round(result.x[a]), round(result.x[b])) for a, b in moments], float(part.sum()))
        for moments, part in zip(program.moments, np.split(heavy, program.first[1:]), strict=True)
    ]


def _scheduled(line: Utterance, block: Block, limits: Limits, start: int, end: int) -> ScheduledLine:
    fastest = min(line.natural_ms, ceil(line.natural_ms / limits.fastest))
    too_long = 0 if line.fixed_length_ms is not None else max(0, fastest - (end - start))
    return ScheduledLine(
        id=line.id,
        start_ms=start,
        length_ms=end - start,
        natural_ms=line.natural_ms,
        source_start_ms=line.start_ms,
        source_end_ms=line.end_ms,
        block=block.id,
        seen=bool(line.seen),
        fixed=line.fixed_start_ms is not None,
        too_long_ms=too_long,
    )
