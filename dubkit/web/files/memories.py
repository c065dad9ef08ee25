"""What the server remembers of episodes, so that twenty people who review one do not each read it anew."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from fastapi import Request

from dubkit.episode.remembering import SETTLED_NS, Memory
from dubkit.web.files.stamps import Stamp, episode_stamp

T = TypeVar("T")

MOST_EPISODES = 20
MOST_ANSWERS = 50
"""Answers that are kept of one episode."""

KEPT_SECONDS = 10.0
"""Age up to which an answer is taken that also depends on what lies outside the episode's folder."""


@dataclass(slots=True)
class _Answer:
    stamp: Stamp | None
    """None where the last change was too young for the next one to be seen by its time."""
    began: float
    """When the work for it began."""
    value: Any


@dataclass(slots=True)
class EpisodeMemory:
    """What is remembered of one episode."""

    store: Memory = field(default_factory=Memory)
    _answers: OrderedDict[Hashable, _Answer] = field(default_factory=OrderedDict)
    _working: dict[Hashable, Lock] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def answer(self, root: Path, question: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` returned for this question, unless the episode has changed since.

        Of several who ask the same at once, one works, and the others take an answer that was begun after
        they had asked.
        """
        asked = time.monotonic()
        with self._lock:
            lock = self._working.setdefault(question, Lock())
        with lock:
            stamp, kept = episode_stamp(root), self._answers.get(question)
            began = time.monotonic()
            if kept is not None and (
                kept.began >= asked or (kept.stamp == stamp and began - kept.began < KEPT_SECONDS)
            ):
                found: T = kept.value
                return found
            value = work()
            self._keep(question, _Answer(stamp if _is_settled(stamp) else None, began, value))
            return value

    def _keep(self, question: Hashable, answer: _Answer) -> None:
        with self._lock:
            self._answers[question] = answer
            self._answers.move_to_end(question)
            while len(self._answers) > MOST_ANSWERS:
                old, _ = self._answers.popitem(last=False)
                self._working.pop(old, None)


class Memories:
    """The memories of the episodes that were asked for last."""

    def __init__(self) -> None:
        self._episodes: OrderedDict[Path, EpisodeMemory] = OrderedDict()
        self._lock = Lock()

    def of(self, root: Path) -> EpisodeMemory:
        """Return the memory of an episode by its folder."""
        with self._lock:
            memory = self._episodes.setdefault(root, EpisodeMemory())
            self._episodes.move_to_end(root)
            while len(self._episodes) > MOST_EPISODES:
                self._episodes.popitem(last=False)
            return memory


def memories(request: Request) -> Memories:
    """Return the memories of the application that answers."""
    found: Memories = request.app.state.memories
    return found


def _is_settled(stamp: Stamp) -> bool:
    """Tell whether the last change is long enough ago for the next one to have another time."""
    return time.time_ns() - max((at for _, at in stamp), default=0) > SETTLED_NS
