"""Modulation by noise level, computed once for each distinct level instead of once for each token.

A clip has tens of thousands of tokens and two or three noise levels: that of the step, 0 for what is
kept, and what lies between for softly kept references. The result is the same; the original spends a
per cent of its work and gigabytes of memory on one evaluation per token.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAX_RUNS = 8
"""Above so many runs of equal level, vectors are gathered for each token instead."""


class Run(NamedTuple):
    """Tokens `start` to `stop` have the level of this row."""

    start: int
    stop: int
    row: int


class Levels(NamedTuple):
    """The distinct noise levels of one stream's tokens."""

    values: Tensor
    """[L] float32 in [0, 1]."""
    runs: tuple[Run, ...]
    rows: Tensor
    """[T] row of each token."""

    @classmethod
    def of(cls, timesteps: Tensor) -> Levels:
        """Read [T] noise levels, or anything that flattens to it."""
        values, rows = torch.unique(timesteps.flatten().float(), return_inverse=True)
        run_rows, counts = torch.unique_consecutive(rows, return_counts=True)
        runs, start = [], 0
        for row, count in zip(run_rows.tolist(), counts.tolist(), strict=True):
            runs.append(Run(start, start + count, row))
            start += count
        return cls(values, tuple(runs), rows)

    @classmethod
    def uniform(cls, level: float, tokens: int, device: torch.device | None = None) -> Levels:
        """Return one level for all tokens."""
        rows = torch.zeros(tokens, dtype=torch.long, device=device)
        return cls(torch.tensor([level], device=device), (Run(0, tokens, 0),), rows)

    def scaled(self, sigma: float) -> Levels:
        """Return the levels of a step, where these are denoise masks: mask times `sigma`."""
        return self._replace(values=self.values * sigma)

    def within(self, start: int, stop: int) -> Levels:
        """Return the levels of some of the tokens."""
        runs = (Run(max(r.start, start), min(r.stop, stop), r.row) for r in self.runs)
        kept = tuple(Run(r.start - start, r.stop - start, r.row) for r in runs if r.start < r.stop)
        return Levels(self.values, kept, self.rows[start:stop])


class Rows(NamedTuple):
    """Modulation vectors [L, k, width], one set for each distinct level, and which tokens take which."""

    table: Tensor
    levels: Levels

    def plus(self, base: Tensor) -> Rows:
        """Add a block's own [k, width] table."""
        return self._replace(table=self.table + base)

    def within(self, start: int, stop: int) -> Rows:
        """Return the vectors of some of the tokens."""
        whole = start == 0 and stop == self.levels.rows.shape[0]
        return self if whole else self._replace(levels=self.levels.within(start, stop))

    def modulate(self, x: Tensor, *, scale: int, shift: int) -> Tensor:
        """Return x times one row plus another, [B, T, width]; scale rows hold 1 + scale."""
        table, runs = self.table, self.levels.runs
        if len(runs) == 1:
            return torch.addcmul(table[runs[0].row, shift], x, table[runs[0].row, scale])
        if len(runs) > MAX_RUNS:
            rows = self.levels.rows
            return torch.addcmul(table[rows, shift], x, table[rows, scale])
        out = torch.empty_like(x)
        for start, stop, row in runs:
            part = out[:, start:stop]
            torch.addcmul(table[row, shift], x[:, start:stop], table[row, scale], out=part)
        return out

    def add_gated(self, x: Tensor, update: Tensor, *, gate: int) -> None:
        """Add an update [B, T, width] (or one vector for all tokens) times one row to x, in place."""
        if len(self.levels.runs) > MAX_RUNS:
            x.addcmul_(update, self.table[self.levels.rows, gate])
            return
        for start, stop, row in self.levels.runs:
            part = update if update.ndim == 1 else update[:, start:stop]
            x[:, start:stop].addcmul_(part, self.table[row, gate])


def sinusoid(times: Tensor, width: int = 256) -> Tensor:
    """Return [L, width] float32 embeddings of [L] times, cosines first (frequencies 1 to 1/10000)."""
    half = width // 2
    # At time 1000 the last bit of a frequency shows: keep the original's order of operations.
    steps = torch.arange(half, dtype=torch.float32, device=times.device)
    angles = times.float()[:, None] * torch.exp(-math.log(10000) * steps / half)
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


class _TimestepEmbedder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(256, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, times: Tensor) -> Tensor:
        hidden = sinusoid(times).to(self.linear_1.weight.dtype)
        return self.linear_2(F.silu(self.linear_1(hidden)))  # type: ignore[no-any-return]


class AdaLN(nn.Module):
    """Embed noise levels and project them to `count` modulation vectors each."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.emb = nn.ModuleDict({"timestep_embedder": _TimestepEmbedder(width)})
        self.linear = nn.Linear(width, count * width)

    def forward(self, times: Tensor, scale_rows: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
        """Return vectors [L, count, width] and embeddings [L, width] of [L] scaled levels.

        1 is added to `scale_rows` here, once per step, instead of in every block.
        """
        embedded: Tensor = self.emb["timestep_embedder"](times)
        table = torch.unflatten(self.linear(F.silu(embedded)), -1, (self.count, -1))
        for row in scale_rows:
            table[:, row] += 1
        return table, embedded
