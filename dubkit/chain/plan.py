"""Decide which items of which stages must run, and name the reason of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    inputs = dict(item.inputs)
    imported = context.user_file(stage.name) if stage.accepts else None
    if imported is not None:
        inputs["use"] = context.store.artifact_digest(f"{IMPORTS}/{imported.name}", context.language)
    names = stage.depends if item.settings is None else item.settings
    settings = {name: context.settings.value(name) for name in names}
    return Parts(stage.name, stage.version, settings, inputs, dict(item.edits), dict(item.models))


def find_todo(stage: Stage, context: Context, items: Sequence[Item], forced: bool) -> list[Todo]:
    """Return the items that must run, each with its one reason."""
    todo = []
    for item in items:
        parts = make_parts(stage, context, item)
        record = context.store.record(stage.name, item.id, stage.result_language(context.language))
        whole = record is None or context.store.whole(record.files)
        if whole and record is not None and _is_held(item, record):
            continue
        reason = reason_to_run(record, parts, forced=forced, files_whole=whole)
        if reason:
            todo.append(Todo(item, parts, reason))
    return todo


def select_requested(context: Context, request: Request, todo: Sequence[Todo]) -> list[Todo]:
    """Return the part of a stage's work that a request is about: all of it, or some lines and their clips."""
    if not request.lines:
        return list(todo)
    clips = context.planned_clips
    names = set(request.lines)
    for clip in clips:
        if names & set(clip.lines):
            names |= {clip.id, clip.window}
    # Items of no single line or clip (the cast, the mix, the negative prompt) belong to all of them.
    others = {line.id for _, line in context.lines} | {n for c in clips for n in (c.id, c.window)}
    return [t for t in todo if t.item.id in names or t.item.id not in others]


def _is_held(item: Item, record: Record) -> bool:
    """Tell whether a locked item keeps its result, whatever else changed."""
    if item.held is None or record.error:
        return False
    return all(record.parts.inputs.get(name) == item.inputs.get(name) for name in item.held)


def plan(chain: Chain, context: Context, request: Request, speeds: Speeds) -> list[StagePlan]:
    """Return what a run would do; nothing is changed."""
    chain.check(request)
    plans: list[StagePlan] = []
    due_stages: dict[str, set[str]] = {"": set()}
    for language, stages in chain.scopes(request, context):
        here = context.fresh(language)
        due_stages.setdefault(language, set())
        for stage in stages:
            if chain.skips(stage, request):
                continue
            upstream = [n for n in stage.needs if n in due_stages[""] or n in due_stages[language]]
            planned = _plan_stage(stage, here, request, upstream[-1] if upstream else "", speeds)
            if planned.reasons or planned.waits_for:
                due_stages[language].add(stage.name)
            if not stage.light:
                plans.append(planned)
    return plans


def _plan_stage(stage: Stage, context: Context, request: Request, upstream: str, speeds: Speeds) -> StagePlan:
    forced = stage.name in request.force
    waits_for = upstream
    try:
        items = stage.items(context)
        due = select_requested(context, request, find_todo(stage, context, items, forced))
        reasons = {todo.item.id: todo.reason for todo in due}
    except (ArtifactDamaged, FileNotFoundError):
        if not upstream:
            raise
        items, reasons = (), {}
    if stage.name in request.uses and _other_file(stage, context, request.uses[stage.name]):
        reasons = {item.id: "your own file" for item in items} or {EPISODE: "your own file"}
    if len(items) == 1 and upstream and not reasons:
        reasons = {items[0].id: f"input changes: {upstream}"}
    share = len(reasons) / len(items) if items else 1.0 if waits_for else 0.0
    work = [item for item in items if item.id in reasons]
    low, high = (
        expect_seconds(stage, speeds, amount_of_work(stage, context, work, share)) if share else (0.0, 0.0)
    )
    return StagePlan(stage.name, context.language, len(items), reasons, waits_for, (low, high))


def _other_file(stage: Stage, context: Context, file: Path | None) -> bool:
    """Tell whether a file of the user's is another one than the run before was given."""
    before = context.user_file(stage.name)
    if file is None or before is None:
        return file is not before
    return before.suffix != file.suffix.lower() or file_digest(before) != file_digest(file)


def amount_of_work(stage: Stage, context: Context, items: Sequence[Item], share: float) -> float:
    """Return the amount of work in some items, which are `share` of all, in the unit of the stage's speed."""
    if stage.work is None:
        return episode_seconds(context) * share
    return stage.work(context, items) if items else 0.0


def expect_seconds(stage: Stage, speeds: Speeds, amount: float) -> tuple[float, float]:
    """Return the shortest and longest time in seconds that a stage takes for an amount of work."""
    return speeds.expect(stage.name, amount, stage.pace)


def episode_seconds(context: Context) -> float:
    """Return the length of the episode; 0 before it is probed."""
    return float(context.episode.duration) if context.store.has("episode.json") else 0.0
