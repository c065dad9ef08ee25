"""The chain: run the stages of one episode in any number of languages.

Shared stages run once, then the stages of each language. A stage runs only on the items whose result
is missing or out of date (`dubkit.chain.plan`); a failed item is recorded and the rest go on.
"""

from __future__ import annotations

import errno
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dubkit.chain.chain import Chain, Request
from dubkit.chain.plan import (
    Todo,
    amount_of_work,
    episode_seconds,
    expect_seconds,
    find_todo,
    select_requested,
)
from dubkit.chain.sink import StoreSink
from dubkit.chain.stage import Item, Stage
from dubkit.episode.context import IMPORTS, Context
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.errors import DiskFull, DubkitError
from dubkit.progress import Progress, Speeds, StageStart

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StageResult:
    """What one stage did."""

    stage: str
    language: str
    ran: tuple[str, ...]
    reused: int
    failed: Mapping[str, str]
    degraded: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class Outcome:
    """What a run did to one episode."""

    store: EpisodeStore
    stages: list[StageResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Why a stage, and with it the episode or a language, could not finish."""

    @property
    def ran(self) -> dict[str, int]:
        """Stage -> number of items that ran."""
        counts: dict[str, int] = {}
        for result in self.stages:
            if result.ran:
                counts[result.stage] = counts.get(result.stage, 0) + len(result.ran)
        return counts

    @property
    def degraded(self) -> tuple[str, ...]:
        """Every fall-back and failed item, each once."""
        notes: list[str] = []
        for result in self.stages:
            notes.extend(result.degraded)
            notes.extend(
                f"{result.stage} {item} failed: {error.splitlines()[0]}"
                for item, error in result.failed.items()
            )
        return tuple(dict.fromkeys(notes))

    @property
    def exit_code(self) -> int:
        """0 done, 1 something the user can fix, 3 finished but failed or degraded items remain."""
        return 1 if self.errors else 3 if self.degraded else 0


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
    for language, stages in scopes:
        for position, stage in enumerate(stages):
            here = context.fresh(language)
            try:
                if chain.skips(stage, request):
                    _require_artifact(stage, here, request)
                else:
                    rest = _later_seconds(stages[position + 1 :], here, speeds)
                    outcome.stages.append(_run_stage(stage, here, request, progress, speeds, rest))
                if stage.after is not None:
                    stage.after(here.fresh(), request.languages, progress)
            except DiskFull:
                raise
            except DubkitError as error:
                outcome.errors.append(str(error))
                if not language:
                    return outcome
                break
    return outcome


def _require_artifact(stage: Stage, context: Context, request: Request) -> None:
    """Raise DubkitError where a stage that the run skips has left no artifact."""
    if stage.artifact and not context.store.has(stage.artifact, context.language):
        raise DubkitError(
            f"--from {request.start} needs {context.store.path(stage.artifact, context.language)}, "
            "which is not there.\n"
            f"Run without --from, or start at {stage.name}."
        )


def _later_seconds(stages: Sequence[Stage], context: Context, speeds: Speeds) -> float:
    """Return the seconds to expect for later stages whose work is known by the length of the episode."""
    seconds = episode_seconds(context)
    return sum(sum(expect_seconds(stage, speeds, seconds)) / 2 for stage in stages if stage.work is None)


def _run_stage(
    stage: Stage, context: Context, request: Request, progress: Progress, speeds: Speeds, rest: float
) -> StageResult:
    store, language = context.store, context.language
    items = stage.items(context)
    todo = select_requested(context, request, find_todo(stage, context, items, stage.name in request.force))
    if stage.takes:
        todo = [t for t in todo if not _adopt(t, context, stage.result_language(language))]
    began = time.monotonic()
    seconds = 0.0
    if todo:
        share, due = len(todo) / len(items), [t.item for t in todo]
        if not stage.light:
            seconds_to_expect = expect_seconds(stage, speeds, amount_of_work(stage, context, due, share))
            progress.start(StageStart(stage.name, language, len(todo), len(items), seconds_to_expect, rest))
        _keep_hand_changes(stage, context, todo, progress)
        sink = StoreSink(
            context, {t.item.id: t.parts for t in todo}, progress, stage.result_language(language)
        )
        try:
            _work(stage, context, due, sink)
        finally:
            seconds = time.monotonic() - began
            if not stage.light:
                progress.finish(seconds)
        speeds.learn(stage.name, seconds, amount_of_work(stage, context.fresh(), due, share))
        store.note(
            {"at": time.time(), "stage": stage.name, "language": language, "items": len(todo), "s": seconds}
        )
    removed = _forget_old(stage, context, items)
    if stage.assemble and (todo or removed or not store.has(stage.artifact, language)):
        _assemble(stage, context.fresh(), progress)
    return _result(stage, context, items, [t.item.id for t in todo], seconds)


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
        raise
    unhandled = [item.id for item in items if item.id not in sink.handled]
    if unhandled:
        raise AssertionError(f"stage {stage.name} left items without a result: {unhandled}")


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
        record = replace(record, item=item.id, key=todo.parts.key, parts=todo.parts, value=value)
    elif todo.reason == "forced":
        return False
    else:
        record = store.adopt_take(item.id, todo.parts.key, home)
        if record is None:
            return False
    store.save_record(record, home)
    return True


def _keep_hand_changes(stage: Stage, context: Context, todo: Sequence[Todo], progress: Progress) -> None:
    for entry in todo:
        record = context.store.record(stage.name, entry.item.id, stage.result_language(context.language))
        for ref in context.store.changed_by_hand(record) if record else ():
            copy = context.store.keep_aside(ref.path)
            progress.note(f"{ref.path} was changed by hand; the changed file is kept as {copy.name}.")


ASSEMBLED = "@artifact"


def _assemble(stage: Stage, context: Context, progress: Progress) -> None:
    store, language = context.store, context.language
    assert stage.assemble is not None
    record = store.record(stage.name, ASSEMBLED, language)
    for ref in store.changed_by_hand(record) if record else ():
        copy = store.keep_aside(ref.path)
        progress.note(f"{ref.path} was changed by hand; the changed file is kept as {copy.name}.")
    stage.assemble(context)
    parts = Parts(stage.name, stage.version)
    store.save_record(Record(ASSEMBLED, "", parts, (store.ref(stage.artifact, language),)), language)


def _forget_old(stage: Stage, context: Context, items: Sequence[Item]) -> bool:
    if stage.shared:
        return False  # what this language does not need, another one may
    current = {item.id for item in items} | {ASSEMBLED}
    old = [name for name in context.store.records(stage.name, context.language) if name not in current]
    for name in old:
        context.store.forget(stage.name, name, context.language)
    return bool(old)


def _result(
    stage: Stage, context: Context, items: Sequence[Item], ran: Sequence[str], seconds: float
) -> StageResult:
    failed: dict[str, str] = {}
    degraded: list[str] = []
    for item in items:
        record = context.store.record(stage.name, item.id, stage.result_language(context.language))
        if record is None:
            continue
        if record.error:
            failed[item.id] = record.error
        degraded.extend(f"{stage.name}: {note}" for note in record.degraded)
    if stage.light:
        ran = ()
    reused = len(items) - len(ran)
    return StageResult(
        stage.name, context.language, tuple(ran), reused, failed, tuple(dict.fromkeys(degraded)), seconds
    )


def _keep_import(context: Context, stage: Stage, file: Path | None, languages: tuple[str, ...]) -> None:
    """Copy the user's file into the episode, where it outranks the stage's own work until `--use STAGE=`."""
    scopes = [""] if stage.scope == "episode" else list(languages)
    for language in scopes:
        old = context.fresh(language).user_file(stage.name)
        if file is None:
            if old is not None:
                old.unlink()
            continue
        name = f"{IMPORTS}/{stage.name}{file.suffix.lower()}"
        with context.store.writing(name, language) as temporary:
            shutil.copyfile(file, temporary)
        if old is not None and old != context.store.path(name, language):
            old.unlink()
