"""Decide which items of which stages must run, and name the reason of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dubkit.chain.chain import Chain, Request
from dubkit.chain.stage import EPISODE, Item, Stage
from dubkit.episode.context import IMPORTS, Context
from dubkit.episode.store import Parts, Record, file_digest, reason_to_run
from dubkit.errors import ArtifactDamaged
from dubkit.progress import Speeds


@dataclass(frozen=True, slots=True)
class Todo:
    """An item that must run, and why."""

    item: Item
    parts: Parts
    reason: str


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What one stage would do."""

    stage: str
    language: str
    total: int
    """Number of items; 0 while it is not known yet."""
    reasons: Mapping[str, str]
    """Item -> why it would run."""
    waits_for: str = ""
    """Stage whose new result decides whether more items run."""
    seconds: tuple[float, float] = (0.0, 0.0)


def make_parts(stage: Stage, context: Context, item: Item) -> Parts:
    """Collect everything the key of an item is made from."""
    return _parts(stage, context, item, _imported(stage, context))


def _imported(stage: Stage, context: Context) -> dict[str, str]:
    """Return the input of all items of a stage that is the user's own file, if there is one."""
    file = context.user_file(stage.name) if stage.accepts and not stage.folder else None
    if file is None:
        return {}
    return {"use": context.store.artifact_digest(f"{IMPORTS}/{file.name}", context.language)}


def _parts(stage: Stage, context: Context, item: Item, imported: Mapping[str, str]) -> Parts:
    names = stage.depends if item.settings is None else item.settings
    settings = {name: context.settings.value(name) for name in names}
    inputs = {**item.inputs, **imported}
    return Parts(stage.recorded, stage.version, settings, inputs, dict(item.edits), dict(item.models))


def find_todo(stage: Stage, context: Context, items: Sequence[Item], forced: bool) -> list[Todo]:
    """Return the items that must run, each with its one reason."""
    todo = []
    imported = _imported(stage, context)
    for item in items:
        parts = _parts(stage, context, item, imported)
        record = context.store.record(stage.recorded, item.id, stage.result_language(context.language))
        whole = record is None or context.store.whole(record.files)
        if whole and record is not None and _is_held(item, record):
            continue
        reason = reason_to_run(record, parts, forced=forced, files_whole=whole)
        if reason:
            todo.append(Todo(item, parts, reason))
    return todo


def is_forced(stage: Stage, request: Request) -> bool:
    """Tell whether a request makes all items of a stage again."""
    return stage.name in request.force or stage.part_of in request.force


def select_requested(stage: Stage, context: Context, request: Request, todo: Sequence[Todo]) -> list[Todo]:
    """Return the part of a stage's work that a request is about: all of it, or some lines and their clips."""
    todo = [t for t in todo if f"{context.language}/{t.item.id}" not in request.leave]
    if not request.lines or stage.joint:
        return todo
    clips, names = context.planned_clips, requested_names(context, request)
    # Items of no single line or clip (the cast, the mix, the negative prompt) belong to all of them.
    others = {line.id for _, line in context.lines} | {n for c in clips for n in (c.id, c.window)}
    return [t for t in todo if t.item.id in names or t.item.id not in others]


def requested_names(context: Context, request: Request) -> set[str]:
    """Return the items that belong to the lines of a request alone: the lines, their clips and windows."""
    names = set(request.lines)
    for clip in context.planned_clips:
        if names & set(clip.lines):
            names |= {clip.id, clip.window}
    return names


def _is_held(item: Item, record: Record) -> bool:
    """Tell whether a locked item keeps its result, whatever else changed."""
    if item.held is None or record.error:
        return False
    return all(record.parts.inputs.get(name) == item.inputs.get(name) for name in item.held)


def plan(
    chain: Chain, context: Context, request: Request, speeds: Speeds, length: float = 0.0
) -> list[StagePlan]:
    """Return what a run would do; nothing is changed.

    `length` is that of the source in seconds, for the times of an episode that is not probed yet.
    """
    chain.check(request)
    context = with_folders(chain, context, request)
    plans: list[StagePlan] = []
    due_stages: dict[str, set[str]] = {"": set()}
    for language, stages in chain.scopes(request, context):
        here = context.fresh(language)
        due_stages.setdefault(language, set())
        ahead: set[str] = set()
        for stage in stages:
            if chain.skips(stage, request):
                continue
            upstream = [n for n in stage.needs if n in due_stages[""] or n in due_stages[language]]
            last = upstream[-1] if upstream else ""
            planned = _plan_stage(stage, here, request, last, speeds, length, ahead)
            if stage.part_of:
                ahead |= planned.reasons.keys()
            if planned.reasons or planned.waits_for:
                due_stages[language].add(stage.name)
            if not stage.light:
                plans.append(planned)
    return plans


def with_folders(chain: Chain, context: Context, request: Request) -> Context:
    """Return the episode as it is once the folders of a request are taken over."""
    given = {name: path for name, path in request.uses.items() if chain.find(name, "--use").folder}
    return replace(context, given=given) if given else context


def _plan_stage(
    stage: Stage,
    context: Context,
    request: Request,
    upstream: str,
    speeds: Speeds,
    length: float,
    ahead: Collection[str],
) -> StagePlan:
    forced = is_forced(stage, request)
    waits_for = upstream
    try:
        items = stage.items(context)
        due = select_requested(stage, context, request, find_todo(stage, context, items, forced))
        done_before = ahead if not stage.part_of else ()
        reasons = {todo.item.id: todo.reason for todo in due if todo.item.id not in done_before}
    except (ArtifactDamaged, FileNotFoundError):
        if not upstream:
            raise
        items, reasons = (), {}
    if (
        stage.name in request.uses
        and not stage.folder
        and _other_file(stage, context, request.uses[stage.name])
    ):
        reasons = {item.id: "your own file" for item in items} or {EPISODE: "your own file"}
    if len(items) == 1 and upstream and not reasons:
        reasons = {items[0].id: f"input changes: {upstream}"}
    share = len(reasons) / len(items) if items else 1.0 if waits_for else 0.0
    work = [item for item in items if item.id in reasons]
    low, high = (
        expect_seconds(stage, speeds, amount_of_work(stage, context, work, share, length))
        if share
        else (0.0, 0.0)
    )
    return StagePlan(stage.name, context.language, len(items), reasons, waits_for, (low, high))


def _other_file(stage: Stage, context: Context, file: Path | None) -> bool:
    """Tell whether a file of the user's is another one than the run before was given."""
    before = context.user_file(stage.name)
    if file is None or before is None:
        return file is not before
    return before.suffix != file.suffix.lower() or file_digest(before) != file_digest(file)


def amount_of_work(
    stage: Stage, context: Context, items: Sequence[Item], share: float, length: float = 0.0
) -> float:
    """Return the amount of work in some items, which are `share` of all, in the unit of the stage's speed.

    `length` stands for the length of an episode that is not probed yet, in seconds.
    """
    if stage.work is None:
        return (episode_seconds(context) or length) * share
    return stage.work(context, items) if items else 0.0


def expect_seconds(stage: Stage, speeds: Speeds, amount: float) -> tuple[float, float]:
    """Return the shortest and longest time in seconds that a stage takes for an amount of work."""
    return speeds.expect(stage.name, amount, stage.pace)


def episode_seconds(context: Context) -> float:
    """Return the length of the episode; 0 before it is probed."""
    return float(context.episode.duration) if context.store.has("episode.json") else 0.0
