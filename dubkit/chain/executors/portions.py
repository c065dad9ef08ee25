"""The work of a stage in portions: what a worker does with one, and what the run makes of what it tells.

A worker opens the same episode folder, and writes records and files into it by itself. It tells the run what
is finished, and no result passes between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dubkit.chain.sink import StoreSink
from dubkit.chain.stage import Item, Stage
from dubkit.chain.work import work_on
from dubkit.cores import limit_cores
from dubkit.engines.kept import KEPT
from dubkit.episode.context import Context
from dubkit.episode.store import Parts, Record
from dubkit.errors import DubkitError, OutputLost
from dubkit.progress import Silent
from dubkit.registry import resolve

Tell = Callable[[Any], None]

Group = tuple[Item, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Some groups of items of a stage, with all that is needed to work on them."""

    stages: str
    """Reference to the stages by name."""
    stage: str
    context: Context
    groups: tuple[Group, ...]
    parts: Mapping[str, Parts]
    cores: int = 0
    """Cores that its worker may use; 0 is all."""

    @property
    def items(self) -> list[Item]:
        """All items, in order."""
        return [item for group in self.groups for item in group]

    def of(self, groups: Sequence[Group]) -> Portion:
        """Return a portion of some of its groups."""
        return replace(self, groups=tuple(groups))


@dataclass(frozen=True, slots=True)
class PortionEnd:
    """How the work on a portion ended."""

    set_aside: tuple[tuple[str, str], ...] = ()
    """Files that people changed and that were kept under another name, and that name."""
    error: DubkitError | None = None
    """Why nothing of it could be finished; recorded as the failure of its items."""


# --- the worker's side ------------------------------------------------------------------------


class TellingSink(StoreSink):
    """Writes results into the episode folder, and tells the run of each."""

    def __init__(self, portion: Portion, language: str, tell: Tell) -> None:
        super().__init__(portion.context, portion.parts, Silent(), language)
        self._tell = tell

    def say(self, text: str) -> None:
        self._tell(("say", text))

    def advance(self, share: float) -> None:
        self._tell(("advance", share))

    def mirror(self, item: str, *, finished: bool) -> None:
        super().mirror(item, finished=finished)
        self._tell(("ended", item, finished))


def do_portion(portion: Portion, tell: Tell) -> PortionEnd:
    """Work on a portion; models stay open for the next one of the same stage."""
    stage: Stage | None = resolve(portion.stages).get(portion.stage)
    if stage is None:
        raise DubkitError(
            f"The worker has no stage {portion.stage}.\n"
            "Install the same version of dubkit, with the same packages, on every machine."
        )
    KEPT.begin(stage.name, portion.cores)
    limit_cores(portion.cores)
    sink, store = (
        TellingSink(portion, stage.result_language(portion.context.language), tell),
        portion.context.store,
    )
    error: DubkitError | None = None
    try:
        work_on(stage, portion.context, portion.items, sink)
    except OutputLost:
        raise
    except DubkitError as problem:
        error = problem
    return PortionEnd(tuple(store.set_aside), error)


def groups_of(stage: Stage, context: Context, items: Sequence[Item]) -> list[Group]:
    """Return the groups of items that workers may do; none where the work stays in one process."""
    return [tuple(group) for group in stage.apart(context, items)] if stage.apart else []


# --- the run's side ---------------------------------------------------------------------------


def no_report(_name: str, _done: int, _total: int) -> None:
    """Report nothing of a model that a worker fetches."""


PORTIONS_EACH = 6
"""Portions for each worker: small enough that all end at about the same time."""


class Spread:
    """The work of a stage while workers do it: its portions, and what came back."""

    def __init__(self, stage: Stage, context: Context, sink: StoreSink, stages: str) -> None:
        self.stage, self.sink, self.store, self.stages = stage, sink, context.store, stages
        self.language = stage.result_language(context.language)
        fetching = no_report if context.fetching is not None else None
        self.context = replace(context, fetching=fetching)
        self._shares: dict[str, float] = {}
        self._errors: list[DubkitError] = []
        self._takes_before: dict[str, set[str]] = {}
        self._stamps: dict[str, tuple[int, ...]] = {}

    def portions(self, groups: Sequence[Group], workers: int, cores: int) -> list[Portion]:
        """Return the work in portions, in order."""
        items = [item for group in groups for item in group]
        self._stamps = {item.id: self._stamp(item) for item in items}
        if self.stage.takes:
            self._takes_before = {item.id: self._takes(item) for item in items}
        size = max(1, len(groups) // (workers * PORTIONS_EACH))
        parts = self.sink.parts
        return [
            Portion(
                self.stages,
                self.stage.name,
                self.context,
                tuple(groups[first : first + size]),
                {item.id: parts[item.id] for group in groups[first : first + size] for item in group},
                cores,
            )
            for first in range(0, len(groups), size)
        ]

    def hear(self, portion: Portion, told: Any) -> None:
        """Take note of what a worker tells."""
        kind, *values = told
        if kind == "ended":
            item, finished = values
            self._shares.pop(portion.items[0].id, None)
            self.sink.mirror(item, finished=finished)
        elif kind == "say":
            self.sink.say(values[0])
        elif kind == "advance":
            self._shares[portion.items[0].id] = values[0]
            self.look()

    def look(self) -> None:
        """Report progress, which also asks whether to go on."""
        self.sink.advance(sum(self._shares.values()))

    def again(self, portion: Portion) -> list[Portion]:
        """Return what is left of a portion whose worker died, by group: one must not harm the others."""
        for item in portion.items:
            if item.id not in self.sink.handled:
                self._look_for(item)
        self._shares.pop(portion.items[0].id, None)
        left = [tuple(i for i in group if i.id not in self.sink.handled) for group in portion.groups]
        return [portion.of([group]) for group in left if group]

    def ended(self, portion: Portion, result: PortionEnd | Exception) -> None:
        """Take note of how the work on a portion ended. Raises what is no error of its items."""
        self._shares.pop(portion.items[0].id, None)
        if isinstance(result, PortionEnd):
            self.store.set_aside += result.set_aside
            self._errors += [result.error] if result.error is not None else []
            return
        if isinstance(result, OutputLost) or not isinstance(result, DubkitError):
            raise result
        self._errors.append(result)
        for item in portion.items:
            if item.id not in self.sink.handled:
                self.sink.fail(item.id, result)

    def end(self) -> None:
        """Raise the first error where nothing at all was finished."""
        if self._errors and not self.sink.finished:
            raise self._errors[0]

    def _look_for(self, item: Item) -> None:
        """Take note of an item that a dead worker finished and could not tell of."""
        if self._stamp(item) != self._stamps.get(item.id):
            record = self.store.record(self.stage.recorded, item.id, self.language)
            if record is not None:
                self.sink.mirror(item.id, finished=not record.error)
        elif (record := self._finished_take(item)) is not None:
            self.store.save_record(record, self.language)
            self.sink.mirror(item.id, finished=True)

    def _stamp(self, item: Item) -> tuple[int, ...]:
        return self.store.record_stamp(self.stage.recorded, item.id, self.language)

    def _takes(self, item: Item) -> set[str]:
        return {folder.name for folder in self.store.take_folders(item.id, self.language)}

    def _finished_take(self, item: Item) -> Record | None:
        """Return the record of a take that is whole, made in this run, and not yet that of its item."""
        if not self.stage.takes:
            return None
        key = self.sink.parts[item.id].key
        for name in sorted(self._takes(item) - self._takes_before.get(item.id, set()), reverse=True):
            record = self.store.take_record(f"{item.id}/{name}", self.language)
            if record is not None and record.key == key and not record.error:
                return record
        return None
