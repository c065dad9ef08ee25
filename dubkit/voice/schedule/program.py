"""A block of lines as a linear programme.

Every row compares two moments or one moment with the clock, so that all corners of the programme are whole
milliseconds: what a solver gives needs no rounding, and no limit breaks by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from dubkit.voice.schedule.asked import Limits, Utterance
from dubkit.voice.schedule.blocks import BREATH_MS, Block, same_speaker_pairs, turns
from dubkit.voice.schedule.weights import (
    BREATHE_MS,
    BREATHLESS,
    CLASH,
    MISSED,
    OVER,
    OVERLAP_MS,
    Piece,
    costs,
    ties,
)

TIE, HEAVY_TIE = 1e-2, 1e-4
"""Share by which a cost is raised to break ties: below OVER, and from it on, where it must not add a
millisecond."""


class Program:
    """Columns with their costs and bounds, and the rows between them.

    Several blocks are as many programmes side by side: what is best for one does not touch the others.
    """

    def __init__(self, blocks: Sequence[Block], limits: Limits) -> None:
        self.columns: list[tuple[float, float, float]] = []
        """Cost, least and most."""
        self.first: list[int] = []
        """First column of each block."""
        self.moments: list[list[tuple[int, int]]] = []
        """Columns of start and end of each line, by block."""
        self._equal = _Rows()
        self._below = _Rows()
        for block in blocks:
            self._block(block, limits)

    def _block(self, block: Block, limits: Limits) -> None:
        self.first.append(len(self.columns))
        self._ties, self._ranks = ties(len(block.lines)), _ranks(block.lines)
        moments = [
            self._line(line, rank, block, limits) for line, rank in zip(block.lines, self._ranks, strict=True)
        ]
        self.moments.append(moments)
        self._pairs(block.lines, moments)

    def _line(self, line: Utterance, rank: float, block: Block, limits: Limits) -> tuple[int, int]:
        fixed = line.fixed_start_ms
        begin = (block.begin_ms, block.end_ms) if fixed is None else (fixed, fixed)
        last = block.end_ms if fixed is None else max(block.end_ms, fixed + 1)
        if line.fixed_length_ms is not None:
            last = max(last, begin[1] + line.fixed_length_ms)
        start, end = self._moment(*begin), self._moment(min(block.begin_ms, begin[0]), last)
        if line.fixed_length_ms is not None:
            self._equal.add([(end, 1.0), (start, -1.0)], line.fixed_length_ms)
            if fixed is not None:
                return start, end
        cost = costs(line, limits)
        if fixed is None:
            terms = [(start, 1.0), *self._pieces(cost.later, -1.0), *self._pieces(cost.earlier, 1.0)]
            self._equal.add(terms, line.start_ms)
        if line.fixed_length_ms is not None:
            return start, end
        terms = [(end, 1.0), *self._pieces(cost.ends_later, -1.0), *self._pieces(cost.ends_earlier, 1.0)]
        self._equal.add(terms, line.end_ms)
        shorter, longer = self._pieces(cost.shorter, 1.0, rank), self._pieces(cost.longer, -1.0)
        self._equal.add([(end, 1.0), (start, -1.0), *shorter, *longer], line.natural_ms)
        return start, end

    def _pairs(self, lines: Sequence[Utterance], moments: Sequence[tuple[int, int]]) -> None:
        for (before, _), (after, _) in pairwise(moments):
            self._apart(before, after, 0, (Piece(CLASH),))
        for one, other in same_speaker_pairs(lines):
            breath = min(BREATHE_MS, max(BREATH_MS, lines[other].start_ms - lines[one].end_ms))
            shorter = (Piece(1.5, breath - BREATH_MS), Piece(BREATHLESS, BREATH_MS), Piece(CLASH))
            self._apart(moments[one][1], moments[other][0], -breath, shorter)
        for one, other, overlap in turns(lines):
            pieces = (Piece(2.0, max(0, OVERLAP_MS - overlap)), Piece(MISSED))
            self._apart(moments[one][1], moments[other][0], overlap, pieces)

    def _apart(self, before: int, after: int, overlap: int, pieces: tuple[Piece, ...]) -> None:
        """Let one moment be after another by no more than an overlap, or by what its pieces cost."""
        self._below.add([(before, 1.0), (after, -1.0), *self._pieces(pieces, -1.0)], overlap)

    def _moment(self, low: int, high: int) -> int:
        self.columns.append((0.0, low, high))
        return len(self.columns) - 1

    def _pieces(
        self, pieces: Sequence[Piece], sign: float, rank: float | None = None
    ) -> list[tuple[int, float]]:
        """Add a column for each piece; among heavy ones a lower rank is used first."""
        return [(self._piece(piece, rank), sign) for piece in pieces if piece.width != 0]

    def _piece(self, piece: Piece, rank: float | None) -> int:
        tie = next(self._ties)
        if piece.weight >= OVER:
            raised = HEAVY_TIE * (tie if rank is None else rank + tie / (10 * len(self._ranks)))
        else:
            raised = TIE * tie
        most = math.inf if piece.width is None else piece.width
        self.columns.append((piece.weight * (1 + raised), 0.0, most))
        return len(self.columns) - 1

    def equal(self) -> tuple[Any, list[float]]:
        """Return the rows that hold exactly, as a matrix and its right side."""
        return self._equal.matrix(len(self.columns)), self._equal.right

    def below(self) -> tuple[Any, list[float]]:
        """Return the rows that bound from above, as a matrix and its right side."""
        return self._below.matrix(len(self.columns)), self._below.right


class _Rows:
    """Rows of a matrix, and its right side."""

    def __init__(self) -> None:
        self.right: list[float] = []
        self._columns: list[int] = []
        self._values: list[float] = []
        self._begins = [0]

    def add(self, terms: Sequence[tuple[int, float]], right: float) -> None:
        """Add a row of columns and their factors."""
        for column, value in terms:
            self._columns.append(column)
            self._values.append(value)
        self._begins.append(len(self._columns))
        self.right.append(right)

    def matrix(self, columns: int) -> Any:
        """Return the rows as a sparse matrix of so many columns."""
        from scipy.sparse import csr_array  # type: ignore[import-untyped]

        return csr_array((self._values, self._columns, self._begins), shape=(len(self.right), columns))


def _ranks(lines: Sequence[Utterance]) -> list[float]:
    """Return 0 for the longest line up to 1 for the shortest: an excess is heard least in a long line."""
    order = sorted(range(len(lines)), key=lambda place: (-lines[place].natural_ms, place))
    ranks = [0.0] * len(lines)
    for rank, place in enumerate(order):
        ranks[place] = rank / len(lines)
    return ranks
