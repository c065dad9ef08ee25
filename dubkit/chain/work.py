"""Run one stage: find what is due, do it, keep what people changed, and tell what was noticed."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dubkit.chain.chain import Request
from dubkit.chain.noticing import placed, stage_remarks
from dubkit.chain.plan import (
    Todo,
    amount_of_work,
    expect_seconds,
    find_todo,
    is_forced,
    requested_names,
    select_requested,
)
from dubkit.chain.sink import StoreSink
from dubkit.chain.stage import EPISODE, Item, Stage
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.errors import DiskFull, DubkitError, ItemFailed, OutputLost
from dubkit.progress import Ended, Progress, Speeds, StageStart
from dubkit.types import Remark, remark
from dubkit.types.telling import Noticed

if TYPE_CHECKING:
    from dubkit.chain.executor import Workforce

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StageResult:
    """What one stage did."""

    stage: str
    language: str
    ran: tuple[str, ...]
    reused: int
    failed: Mapping[str, str]
    noticed: tuple[Noticed, ...]
    """What the records of its items say, also of those that were used again."""
    seconds: float


def run_stage(
    stage: Stage,
    context: Context,
    request: Request,
    progress: Progress,
    speeds: Speeds,
    rest: float,
    ahead: frozenset[str],
    executor: Workforce | None = None,
) -> StageResult:
    store, language = context.store, context.language
    items = stage.items(context)
    found = [
        entry
        for entry in find_todo(stage, context, items, is_forced(stage, request))
        if entry.item.id not in ahead
    ]
    todo = select_requested(stage, context, request, found)
    if stage.takes:
        todo = [t for t in todo if not _adopt(t, context, stage.result_language(language))]
    began = time.monotonic()
    seconds = 0.0
    kept: list[Remark] = []
    if todo:
        share, work = len(todo) / len(items), [t.item for t in todo]
        if not stage.light:
            seconds_to_expect = expect_seconds(stage, speeds, amount_of_work(stage, context, work, share))
            progress.start(StageStart(stage.name, language, len(todo), len(items), seconds_to_expect, rest))
        kept += _keep_hand_changes(stage, context, todo)
        sink = StoreSink(
            context, {t.item.id: t.parts for t in todo}, progress, stage.result_language(language)
        )
        ended: Ended = "stopped"
        try:
            work_on(stage, context, work, sink, executor)
            ended = "done"
        except Exception:
            ended = "failed"
            raise
        finally:
            seconds = time.monotonic() - began
            if not stage.light:
                progress.finish(seconds, ended, len(sink.handled) - len(sink.finished))
        kept += sink.noticed
        speeds.learn(stage.name, seconds, amount_of_work(stage, context.fresh(), work, share))
        store.note(
            {"at": time.time(), "stage": stage.name, "language": language, "items": len(todo), "s": seconds}
        )
    removed = _forget_old(stage, context, items)
    if stage.assemble and (todo or removed or not store.has(stage.artifact, language)):
        kept += _assemble(stage, context.fresh())
    ran = [t.item.id for t in todo]
    here = context.fresh()
    # What is wrong with other lines is not told by a run that is about some.
    about = requested_names(here, request).union(ran) if request.lines else {item.id for item in items}
    noticed = [*_said(stage, here, items, about), *placed(kept, here, stage.name)]
    return _result(stage, here, items, ran, noticed, seconds)


def work_on(
    stage: Stage,
    context: Context,
    items: Sequence[Item],
    sink: StoreSink,
    executor: Workforce | None = None,
) -> None:
    """Work on items of a stage, in this process or where an executor does it; each is finished or failed.

    Raises the error of the stage where nothing was finished, and DiskFull and MemoryError as they come.
    """
    for item in items:
        if item.problem:
            sink.fail(item.id, DubkitError(item.problem))
    items = [item for item in items if not item.problem]
    if not items:
        return
    try:
        if executor is None:
            stage.run(context, items, sink)
        else:
            executor.run(stage, context, items, sink)
    except OutputLost:
        raise
    except DubkitError as error:
        # What the stage had not finished has failed with it; what it had finished stays.
        for item in items:
            if item.id not in sink.handled:
                sink.fail(item.id, error)
        if not any(item.id in sink.finished for item in items):
            raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(context.store.root) from error
        _go_on_without(error, stage, context, items, sink)
    except MemoryError:
        raise
    except Exception as error:  # a part of another package can raise anything
        _go_on_without(error, stage, context, items, sink)
    unhandled = [item.id for item in items if item.id not in sink.handled]
    if unhandled:
        raise AssertionError(f"stage {stage.name} left items without a result: {unhandled}")


MOST_BROKEN = 3
"""Items in a row that break when each runs by itself, after which the rest is not tried."""


def _go_on_without(
    error: Exception, stage: Stage, context: Context, items: Sequence[Item], sink: StoreSink
) -> None:
    """Run by itself every item that an unforeseen error has left, so that only what breaks fails.

    Raises the error where the item is the whole episode, and ItemFailed where nothing was finished.
    """
    if items[0].id == EPISODE:
        raise error
    log.debug("stage %s", stage.name, exc_info=error)
    left, broken = [item for item in items if item.id not in sink.handled], 0
    for item in left:
        if len(left) == 1 or broken == MOST_BROKEN:
            sink.fail(item.id, ItemFailed(item.id, error))
            continue
        before = len(sink.finished)
        with sink.attempt(item.id):
            stage.run(context, [item], sink)
        broken = 0 if len(sink.finished) > before else broken + 1
    if not sink.finished:
        raise ItemFailed(items[0].id, error) from error


def _adopt(todo: Todo, context: Context, home: str) -> bool:
    """Bring back the take that a person chose, or an earlier one that was made with the same key."""
    store, item = context.store, todo.item
    if item.problem:
        return False
    if item.take:
        record = store.take_record(item.take, home)
        if record is None:
            return False
        value = record.value
        if isinstance(value, dict) and "id" in value:
            value = {**value, "id": item.id}  # a new transcript may have given the line another number
        said = tuple(replace(r, place=item.id) if r.place == record.item else r for r in record.remarks)
        record = replace(
            record, item=item.id, key=todo.parts.key, parts=todo.parts, value=value, remarks=said
        )
    elif todo.reason == "forced":
        return False
    else:
        record = store.adopt_take(item.id, todo.parts.key, home)
        if record is None:
            return False
    store.save_record(record, home)
    return True


def _keep_hand_changes(stage: Stage, context: Context, todo: Sequence[Todo]) -> list[Remark]:
    language = stage.result_language(context.language)
    records = (context.store.record(stage.recorded, entry.item.id, language) for entry in todo)
    return [said for record in records for said in _keep_aside(context.store, record)]


def _keep_aside(store: EpisodeStore, record: Record | None) -> list[Remark]:
    """Keep what a person changed of an item's files under another name, and say so."""
    said = []
    for ref in store.changed_by_hand(record) if record else ():
        copy = store.keep_aside(ref.path)
        said.append(remark("hand-changed", hand_changed(ref.path, copy.name)))
    return said


def hand_changed(path: str, copy: str) -> str:
    return f"{path} was changed by hand; the changed file is kept as {copy}."


ASSEMBLED = "@artifact"


def _assemble(stage: Stage, context: Context) -> list[Remark]:
    store, language = context.store, context.language
    assert stage.assemble is not None
    kept = _keep_aside(store, store.record(stage.name, ASSEMBLED, language))
    stage.assemble(context)
    parts = Parts(stage.name, stage.version)
    store.save_record(Record(ASSEMBLED, "", parts, (store.ref(stage.artifact, language),)), language)
    return kept


def _forget_old(stage: Stage, context: Context, items: Sequence[Item]) -> bool:
    if stage.shared or stage.part_of:
        return False  # what this language, or this part of a stage, does not need, another one may
    current = {item.id for item in items} | {ASSEMBLED}
    old = [name for name in context.store.records(stage.name, context.language) if name not in current]
    for name in old:
        context.store.forget(stage.name, name, context.language)
    return bool(old)


def _records(stage: Stage, context: Context, items: Sequence[Item]) -> list[Record]:
    language = stage.result_language(context.language)
    found = (context.store.record(stage.recorded, item.id, language) for item in items)
    return [record for record in found if record is not None]


def _said(stage: Stage, context: Context, items: Sequence[Item], about: Collection[str]) -> list[Noticed]:
    return stage_remarks(stage, context, _records(stage, context, [i for i in items if i.id in about]))


def _result(
    stage: Stage,
    context: Context,
    items: Sequence[Item],
    ran: Sequence[str],
    noticed: Sequence[Noticed],
    seconds: float,
) -> StageResult:
    failed = {record.item: record.error for record in _records(stage, context, items) if record.error}
    if stage.light:
        ran = ()
    reused = len(items) - len(ran)
    return StageResult(
        stage.name, context.language, tuple(ran), reused, failed, tuple(dict.fromkeys(noticed)), seconds
    )
