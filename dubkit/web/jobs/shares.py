"""How much of a whole job is done, and how long the rest takes, from the expected times of its stages."""

from __future__ import annotations

from collections.abc import Mapping

from dubkit.chain.chain import Request
from dubkit.chain.plan import expect_seconds
from dubkit.chain.stage import Setup, Stage
from dubkit.progress import Speeds, StageStart
from dubkit.studio import chain

MINUTE = 60.0
"""Length in seconds of the episode that stages are weighed on before the real one is known."""


class Shares:
    """The stages of a job in order, with their weights."""

    def __init__(self, request: Request, setup: Setup, speeds: Speeds) -> None:
        self._order = [
            (language, stage)
            for language, stages in chain().scopes(request, setup)
            for stage in stages
            if not stage.light
        ]
        self._weights = [_weight(stage, speeds) for _, stage in self._order]

    def share(self, start: StageStart, done: float) -> float:
        """Return the share of the job (0 to 1) when all before a stage and `done` of its items are ready;
        0 where the stage is none of the job's."""
        return self.whole({start: done})

    def whole(self, parts: Mapping[StageStart, float]) -> float:
        """Return the share of the whole job (0 to 1) from the stages that began, each with its items that are
        ready.

        What comes before one of them in its language, and did not begin, had nothing to do.
        """
        begun = {
            place: _part(start, n) for start, n in parts.items() if (place := self._place(start)) is not None
        }
        total = sum(self._weights)
        if not begun or not total:
            return 0.0
        last = {self._order[place][0]: place for place in sorted(begun)}
        furthest = max(begun)
        done = 0.0
        for place, (language, _) in enumerate(self._order[: furthest + 1]):
            behind = place < last.get(language, furthest)
            done += self._weights[place] * begun.get(place, 1.0 if behind else 0.0)
        return done / total

    def left(self, start: StageStart, done: float, spent: float) -> float | None:
        """Return the seconds expected until the job ends, or None while nothing tells them.

        Args:
            start: the stage that runs.
            done: how many of its items are ready.
            spent: seconds since it began.
        """
        place = self._place(start)
        if place is None:
            return None
        part, expected = _part(start, done), sum(start.expected) / 2
        here = spent / part * (1 - part) if part > 0.05 and spent > 2.0 else max(0.0, expected - spent)
        ahead = range(place + 1, len(self._order))
        if self._order[place][1].work is not None:
            return here + expected / self._weights[place] * sum(self._weights[i] for i in ahead)
        if any(self._order[i][1].work is not None for i in ahead):
            return None  # the generator's share is unknown until the clips are planned
        same = sum(self._weights[i] for i in ahead if self._order[i][0] == start.language)
        others = sum(self._weights[i] for i in ahead) - same
        scale = start.rest / same if same else expected / self._weights[place]
        return here + start.rest + scale * others

    def _place(self, start: StageStart) -> int | None:
        for place, (language, stage) in enumerate(self._order):
            if (language, stage.name) == (start.language, start.stage):
                return place
        return None


def _weight(stage: Stage, speeds: Speeds) -> float:
    if stage.work is not None:
        return stage.weight
    return max(0.1, sum(expect_seconds(stage, speeds, MINUTE)) / 2)


def _part(start: StageStart, done: float) -> float:
    return min(1.0, done / start.items) if start.items else 1.0
