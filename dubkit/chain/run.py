"""The chain: run the stages of one episode in any number of languages.

Shared stages run once, then the stages of each language. A stage runs only on the items whose result
is missing or out of date (`dubkit.chain.plan`); a failed item is recorded and the rest go on.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dubkit.chain.chain import Chain, Request
from dubkit.chain.noticing import edit_remarks, notices, placed, stage_remarks
from dubkit.chain.plan import (
    Todo,
    amount_of_work,
    episode_seconds,
    expect_seconds,
    find_todo,
    is_forced,
    requested_names,
    select_requested,
)
from dubkit.chain.sink import StoreSink
from dubkit.chain.source import SourceWatch
from dubkit.chain.stage import EPISODE, Item, Stage
from dubkit.episode.context import IMPORTS, Context, import_name
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.errors import DiskFull, DubkitError, ItemFailed
from dubkit.progress import Ended, Progress, Speeds, StageStart
from dubkit.types import Remark, remark
from dubkit.types.telling import Noticed, in_order, sentences

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


@dataclass(slots=True)
class Outcome:
    """What a run did to one episode."""

    store: EpisodeStore
    stages: list[StageResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Why a stage, and with it the episode or a language, could not finish."""
    edits: list[Noticed] = field(default_factory=list)
    """Hand edits that no longer do what they were made for."""

    @property
    def ran(self) -> dict[str, int]:
        """Stage -> number of items that ran."""
        counts: dict[str, int] = {}
        for result in self.stages:
            if result.ran:
                counts[result.stage] = counts.get(result.stage, 0) + len(result.ran)
        return counts

    @property
    def remarks(self) -> list[Noticed]:
        """All that was noticed, each once, also of results that were used again: the heaviest first."""
        return in_order([*(one for result in self.stages for one in result.noticed), *self.edits])

    @property
    def degraded(self) -> tuple[str, ...]:
        """Every fall-back, doubt and failed item as sentences, lines of which the same is said together."""
        return tuple(sentences(self.remarks))

    @property
    def exit_code(self) -> int:
        """0 done, 1 something the user can fix, 3 finished but failed, degraded or doubtful."""
        return 1 if self.errors else 3 if any(one.weight != "note" for one in self.remarks) else 0


# --- running ----------------------------------------------------------------------------------


def execute(chain: Chain, context: Context, request: Request, progress: Progress, speeds: Speeds) -> Outcome:
    """Run what is missing or out of date. Needs the episode's lock.

    Raises DiskFull; other user errors are recorded in the outcome, so that other languages go on.
    """
    chain.check(request)
    scopes = list(chain.scopes(request, context))
    context.store.clean()
    for name, file in request.uses.items():
        _keep_import(context, chain.find(name, "--use"), file, request.languages)
    outcome = Outcome(context.store)
    before = len(context.store.set_aside)
    try:
        _run_scopes(chain, context, request, scopes, outcome, (progress, speeds))
    finally:
        _tell_of_hand_changes(context.store.set_aside[before:], outcome)
    return outcome


def _tell_of_hand_changes(kept: Sequence[tuple[str, str]], outcome: Outcome) -> None:
    """Say which files of people were kept under another name, where no stage has said so."""
    said = {one.sentence for one in outcome.remarks}
    found = [remark("hand-changed", _hand_changed(path, copy)) for path, copy in kept]
    outcome.edits += [Noticed.of(one, {}, "", "") for one in found if one.sentence not in said]


def _run_scopes(
    chain: Chain,
    context: Context,
    request: Request,
    scopes: Sequence[tuple[str, list[Stage]]],
    outcome: Outcome,
    report: tuple[Progress, Speeds],
) -> None:
    progress, speeds = report
    watch = SourceWatch(context)
    for language, stages in scopes:
        for position, stage in enumerate(stages):
            here = context.fresh(language)
            try:
                watch.check()
                if chain.skips(stage, request):
                    _require_artifact(stage, here, request)
                else:
                    rest = _later_seconds(stages[position + 1 :], here, speeds)
                    ahead = _ran_ahead(chain, stage, language, outcome)
                    outcome.stages.append(_run_stage(stage, here, request, progress, speeds, rest, ahead))
                if stage.after is not None:
                    stage.after(here.fresh(), request.languages, progress)
            except DiskFull:
                raise
            except DubkitError as error:
                outcome.errors.append(str(error))
                if not language or watch.changed:
                    return
                break
        if language:
            _withdraw_reports(chain, context.fresh(language), outcome)
            if not request.lines:
                outcome.edits += edit_remarks(context.fresh(language))
                outcome.edits += notices(chain.taking_part(context), context.fresh(language))
    try:
        watch.check()
    except DubkitError as error:
        outcome.errors = list(dict.fromkeys((*outcome.errors, str(error))))


def _withdraw_reports(chain: Chain, context: Context, outcome: Outcome) -> None:
    """Take away what describes results that this run has replaced and not described anew."""
    results = [result for result in outcome.stages if result.language == context.language]
    worked = {result.stage for result in results if result.ran}
    described = {result.stage for result in results if not result.failed}
    for stage in chain.taking_part(context):
        if not stage.describes or stage.name in described or not worked.intersection(stage.needs):
            continue
        for record in context.store.records(stage.name, context.language).values():
            if record.files:
                context.store.withdraw(record, context.language)


def _require_artifact(stage: Stage, context: Context, request: Request) -> None:
    """Raise DubkitError where a stage that the run skips has left no artifact, and would leave one."""
    if stage.artifact and not context.store.has(stage.artifact, context.language) and stage.items(context):
        raise DubkitError(
            f"--from {request.start} needs {context.store.path(stage.artifact, context.language)}, "
            "which is not there.\n"
            f"Run without --from, or start at {stage.name}."
        )


def _later_seconds(stages: Sequence[Stage], context: Context, speeds: Speeds) -> float:
    """Return the seconds to expect for later stages whose work is known by the length of the episode."""
    seconds = episode_seconds(context)
    return sum(sum(expect_seconds(stage, speeds, seconds)) / 2 for stage in stages if stage.work is None)


def _ran_ahead(chain: Chain, stage: Stage, language: str, outcome: Outcome) -> frozenset[str]:
    """Return the items of a stage that a part of it has worked on in this run."""
    parts = {part.name for part in chain.stages if part.part_of == stage.name}
    results = (result for result in outcome.stages if result.stage in parts and result.language == language)
    return frozenset(item for result in results for item in result.ran)


def _run_stage(
    stage: Stage,
    context: Context,
    request: Request,
    progress: Progress,
    speeds: Speeds,
    rest: float,
    ahead: frozenset[str],
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
            _work(stage, context, work, sink)
            ended = "done"
        except Exception:
            ended = "failed"
            raise
        finally:
            seconds = time.monotonic() - began
            if not stage.light:
                progress.finish(seconds, ended, len(sink.handled) - len(sink.finished))
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


def _work(stage: Stage, context: Context, items: Sequence[Item], sink: StoreSink) -> None:
    for item in items:
        if item.problem:
            sink.fail(item.id, DubkitError(item.problem))
    items = [item for item in items if not item.problem]
    if not items:
        return
    try:
        stage.run(context, items, sink)
    except DiskFull:
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
        said.append(remark("hand-changed", _hand_changed(ref.path, copy.name)))
    return said


def _hand_changed(path: str, copy: str) -> str:
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


def _keep_import(context: Context, stage: Stage, file: Path | None, languages: tuple[str, ...]) -> None:
    """Copy the user's file into the episode, where it outranks the stage's own work until `--use STAGE=`."""
    scopes = [""] if stage.scope == "episode" else list(languages)
    for language in scopes:
        if stage.folder:
            assert stage.accepts is not None
            context.store.replace_folder(f"{IMPORTS}/{stage.name}", file, stage.accepts(), language)
            continue
        old = context.fresh(language).user_file(stage.name)
        if file is None:
            if old is not None:
                old.unlink()
            context.store.path(import_name(stage.name), language).unlink(missing_ok=True)
            continue
        name = f"{IMPORTS}/{stage.name}{file.suffix.lower()}"
        with context.store.writing(name, language) as temporary:
            shutil.copyfile(file, temporary)
        called = os.fsencode(file.name).decode("utf-8", "replace")
        context.store.write_bytes(import_name(stage.name), called.encode(), language)
        if old is not None and old != context.store.path(name, language):
            old.unlink()
