"""The chain: run the stages of one episode in any number of languages.

Shared stages run once, then the stages of each language. A stage runs only on the items whose result
is missing or out of date (`dubkit.chain.plan`); a failed item is recorded and the rest go on.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.chain import Chain, Request
from dubkit.chain.noticing import edit_remarks, notices
from dubkit.chain.plan import (
    episode_seconds,
    expect_seconds,
)
from dubkit.chain.side_by_side import Handlers, Work, go_through
from dubkit.chain.source import SourceWatch
from dubkit.chain.stage import Stage
from dubkit.chain.steps import Room, Step, steps_of
from dubkit.chain.work import StageResult, hand_changed, run_stage
from dubkit.episode.context import IMPORTS, Context, import_name
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError
from dubkit.progress import Progress, Speeds
from dubkit.types import remark
from dubkit.types.telling import Noticed, in_order, sentences

if TYPE_CHECKING:
    from dubkit.chain.executor import Workforce

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LanguageFailure:
    """Why a language of an episode, or (empty) the episode, could not finish."""

    language: str
    sentence: str
    may_pass: bool = False
    """Whether it may be over when the same run is made again later."""


@dataclass(slots=True)
class Outcome:
    """What a run did to one episode."""

    store: EpisodeStore
    stages: list[StageResult] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Why a stage, and with it the episode or a language, could not finish."""
    failures: list[LanguageFailure] = field(default_factory=list)
    """The same, each with its language."""
    edits: list[Noticed] = field(default_factory=list)
    """Hand edits that no longer do what they were made for."""

    def fail(self, language: str, error: DubkitError) -> None:
        """Record why a language, or (empty) the episode, cannot finish."""
        self.errors.append(str(error))
        self.failures.append(LanguageFailure(language, str(error), error.may_pass))

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


def execute(
    chain: Chain,
    context: Context,
    request: Request,
    progress: Progress,
    speeds: Speeds,
    executor: Workforce | None = None,
) -> Outcome:
    """Run what is missing or out of date. Needs the episode's lock.

    An `executor` works on the items; without one, this process does. Raises DiskFull; other user errors are
    recorded in the outcome, so that other languages go on.
    """
    chain.check(request)
    scopes = list(chain.scopes(request, context))
    context.store.clean()
    for name, file in request.uses.items():
        _keep_import(context, chain.find(name, "--use"), file, request.languages)
    outcome = Outcome(context.store)
    before = len(context.store.set_aside)
    try:
        _run_scopes(chain, context, request, scopes, outcome, (progress, speeds, executor))
    finally:
        _tell_of_hand_changes(context.store.set_aside[before:], outcome)
    return outcome


def _tell_of_hand_changes(kept: Sequence[tuple[str, str]], outcome: Outcome) -> None:
    """Say which files of people were kept under another name, where no stage has said so."""
    said = {one.sentence for one in outcome.remarks}
    found = [remark("hand-changed", hand_changed(path, copy)) for path, copy in kept]
    outcome.edits += [Noticed.of(one, {}, "", "") for one in found if one.sentence not in said]


def _run_scopes(
    chain: Chain,
    context: Context,
    request: Request,
    scopes: Sequence[tuple[str, list[Stage]]],
    outcome: Outcome,
    report: tuple[Progress, Speeds, Workforce | None],
) -> None:
    progress, speeds, executor = report
    watch = SourceWatch(context)
    results: dict[int, StageResult] = {}
    failures: dict[int, LanguageFailure] = {}
    edits: dict[str, list[Noticed]] = {}

    def begin(step: Step) -> Work:
        watch.check()
        ahead = _ran_ahead(chain, step, results.values())

        def work(shown: Progress) -> None:
            here = context.fresh(step.language)
            if chain.skips(step.stage, request):
                _require_artifact(step.stage, here, request)
            else:
                rest = _later_seconds(step.later, here, speeds)
                results[step.place] = run_stage(
                    step.stage, here, request, shown, speeds, rest, ahead, executor
                )
            follow(step.stage, here.fresh(), request, shown)

        return work

    def end(step: Step) -> None:
        outcome.stages = [results[place] for place in sorted(results)]

    def fail(step: Step, error: DubkitError) -> bool:
        end(step)
        failures[step.place] = LanguageFailure(step.language, str(error), error.may_pass)
        outcome.failures = [failures[place] for place in sorted(failures)]
        outcome.errors = [failure.sentence for failure in outcome.failures]
        return not step.language or watch.changed

    def close(language: str) -> None:
        here = context.fresh(language)
        _withdraw_reports(chain, here, outcome)
        if not request.lines:
            edits[language] = edit_remarks(here) + notices(chain.taking_part(context), here)
        outcome.edits = [one for tag in request.languages for one in edits.get(tag, ())]

    # A run that is about some lines asks across stages which items belong to them.
    apart = context.settings.overlap and not request.lines
    room = Room.of_machine() if apart else Room(1)
    steps = steps_of(chain, scopes, context if apart else None)
    if not go_through(steps, room, progress, Handlers(begin, end, fail, close)):
        return
    try:
        watch.check()
    except DubkitError as error:
        if str(error) not in outcome.errors:
            outcome.fail("", error)


def follow(stage: Stage, context: Context, request: Request, progress: Progress) -> None:
    """Do what a stage wants done when its results are there."""
    if stage.after is not None:
        stage.after(context, request.languages, progress)


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


def _ran_ahead(chain: Chain, step: Step, results: Iterable[StageResult]) -> frozenset[str]:
    """Return the items of a stage that a part of it has worked on in this run."""
    parts = {part.name for part in chain.stages if part.part_of == step.stage.name}
    done = (result for result in results if result.stage in parts and result.language == step.language)
    return frozenset(item for result in done for item in result.ran)


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
