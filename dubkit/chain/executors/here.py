"""Work in this process, one stage after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from dubkit.chain.executor import Executor, Workplace

if TYPE_CHECKING:
    from dubkit.chain.sink import StoreSink
    from dubkit.chain.stage import Item, Stage
    from dubkit.episode.context import Context

Answer = TypeVar("Answer")


class ThisProcess:
    """Does everything in this process, in the thread that asks for it."""

    def run(self, stage: Stage, context: Context, items: Sequence[Item], sink: StoreSink) -> None:
        """Work on items of a stage."""
        stage.run(context, items, sink)

    def submit(self, job: Callable[[], Answer]) -> Future[Answer]:
        """Do a job at once; its error is that of the future."""
        future: Future[Answer] = Future()
        try:
            future.set_result(job())
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing was started."""


def _open(_place: Workplace) -> ThisProcess:
    return ThisProcess()


EXECUTOR = Executor(name="here", title="this process", open=_open)
