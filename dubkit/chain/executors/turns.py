"""Hand portions to actors in turn: a free one takes the next, one that dies is replaced."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dubkit.chain.executors.pool import ATTEMPTS, LOOK_SECONDS
from dubkit.chain.executors.portions import Portion, Spread
from dubkit.errors import DubkitError

WAIT_SECONDS = 30.0
"""How long a run waits for its first worker before it says what it waits for."""


class ClusterWorkerLost(DubkitError):
    """The worker of a cluster that did some items died, as often as they were begun."""

    may_pass = True

    def __init__(self, error: Exception) -> None:
        reason = " ".join(str(error).split())[:300]
        super().__init__(
            f"The worker died {ATTEMPTS} times in the middle of it: {reason}\n"
            "Run the same command again: it resumes. Look at the memory of the cluster's machines."
        )


class FolderNotShared(DubkitError):
    """A machine of the cluster does not see the episode."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}.\nEvery machine of the cluster needs the output folder, the source and the models "
            "at the same paths, for example on a network file system."
        )


@dataclass(slots=True)
class Turns:
    """One stage on a cluster."""

    spread: Spread
    portions: Sequence[Portion]
    start: Callable[[], Any]
    """Start an actor."""
    check: Callable[[Any], Any]
    """Ask an actor what its machine lacks; returns a reference to the answer."""
    waiting: Callable[[], None]
    """Called when no actor is there after a while."""
    lost: Callable[[Exception], None]
    actors: list[Any] = field(default_factory=list)
    """All that were started or taken over, and live."""
    _todo: deque[tuple[Portion, int]] = field(default_factory=deque)
    _refs: dict[Any, tuple[Any, Portion | None, int]] = field(default_factory=dict)
    """Reference to an answer -> actor, its portion (None: it is asked if it is ready), how often begun."""
    _deaths: int = 0

    def take(self, actors: Sequence[Any], count: int) -> list[Any]:
        """Do all portions with `count` actors, some of them there already; return those that live."""
        self.actors, self._todo = list(actors), deque((portion, 0) for portion in self.portions)
        self.actors += [self.start() for _ in range(count - len(self.actors))]
        for actor in self.actors:
            self._refs[self.check(actor)] = actor, None, 0
        began, said, most = time.monotonic(), False, 2 * count
        while self._todo or any(portion for _, portion, _ in self._refs.values()):
            if not self._refs or self._deaths > most:
                self._give_up()
                break
            self._hear()
            at_work = any(portion for _, portion, _ in self._refs.values())
            if at_work:
                began = time.monotonic()
            elif not said and time.monotonic() - began > WAIT_SECONDS:
                self.waiting()
                said = True
        return self.actors

    def _hear(self) -> None:
        import ray

        done, _ = ray.wait(list(self._refs), timeout=LOOK_SECONDS)
        self.spread.look()
        for ref in done:
            actor, portion, begun = self._refs.pop(ref)
            try:
                answer = ray.get(ref)
            except ray.exceptions.RayActorError as error:
                self._lose(actor, portion, begun, error)
                continue
            if portion is None:
                if answer:
                    raise FolderNotShared(answer)
            else:
                told, end = answer
                for one in told:
                    self.spread.hear(portion, one)
                self.spread.ended(portion, end)
            self._give(actor)

    def _give(self, actor: Any) -> None:
        if self._todo:
            portion, begun = self._todo.popleft()
            self._refs[actor.do.remote(portion)] = actor, portion, begun + 1

    def _lose(self, actor: Any, portion: Portion | None, begun: int, error: Exception) -> None:
        self.actors.remove(actor)
        self.lost(error)
        if portion is None:
            self._deaths += 1
        else:
            left = self.spread.again(portion)
            if begun < ATTEMPTS:
                self._todo.extendleft((part, begun) for part in reversed(left))
            elif left:
                self.spread.ended(portion, ClusterWorkerLost(error))
        if self._todo:
            fresh = self.start()
            self.actors.append(fresh)
            self._refs[self.check(fresh)] = fresh, None, 0

    def _give_up(self) -> None:
        for portion, _ in self._todo:
            self.spread.ended(portion, DubkitError("No worker of the cluster stays alive: see `ray status`."))
        self._todo.clear()
