"""Models that stay open in a worker process from one portion of a stage's work to the next.

Off in the process that a user starts: there a stage opens its model once for all items, and frees it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, TypeVar

Model = TypeVar("Model")


class KeptModels:
    """What is open in this process, by what it was opened from."""

    def __init__(self) -> None:
        self.on = False
        self.cores = 0
        """Cores that this process may use; 0 is all."""
        self._stage = ""
        self._open: dict[Hashable, tuple[ExitStack, Any]] = {}

    def begin(self, stage: str, cores: int) -> None:
        """Keep models open from now on; those of another stage are freed."""
        if stage != self._stage:
            self.free()
        self.on, self._stage, self.cores = True, stage, cores

    def free(self) -> None:
        """Close everything."""
        for key in list(self._open):
            self.drop(key)

    def drop(self, key: Hashable) -> None:
        """Close one model, if it is open."""
        stack, _ = self._open.pop(key, (ExitStack(), None))
        stack.close()

    def get(self, key: Hashable, open_model: Callable[[], AbstractContextManager[Model]]) -> Model:
        """Return the model of a key; it is opened where it is not yet."""
        if key not in self._open:
            stack = ExitStack()
            self._open[key] = stack, stack.enter_context(open_model())
        model: Model = self._open[key][1]
        return model


KEPT = KeptModels()


@contextmanager
def opened(key: Hashable, open_model: Callable[[], AbstractContextManager[Model]]) -> Iterator[Model]:
    """Give a model: in a worker that of the portion before, where it has the same key, else a new one."""
    if KEPT.on:
        yield KEPT.get(key, open_model)
    else:
        with open_model() as model:
            yield model


def kept(key: Hashable, make: Callable[[], Model]) -> Model:
    """Return what `make` returns: in a worker that of the portion before, where it has the same key."""
    return KEPT.get(key, lambda: nullcontext(make())) if KEPT.on else make()
