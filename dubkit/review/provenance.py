"""Provenance of a line: everything that its result was made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dubkit.episode.context import Context
from dubkit.episode.edits import LineEdit
from dubkit.episode.edits.events import undone_numbers
from dubkit.episode.edits.log import EditLog
from dubkit.episode.store import Record
from dubkit.review.history import sentence
from dubkit.review.takes import clips_of
from dubkit.studio import chain


@dataclass(frozen=True, slots=True)
class ProvenanceStep:
    """One step in making a line: its key, and the parts of the key."""

    stage: str
    item: str
    key: str
    settings: dict[str, Any]
    models: dict[str, str]
    edits: dict[str, Any]
    inputs: dict[str, str]
    degraded: tuple[str, ...]
    error: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a line was made from."""

    prompt: str
    engine: str
    voice: str
    seed: int | None
    models: dict[str, str]
    edits: tuple[str, ...]
    """Edits of the line that are in force, oldest first, in words."""
    stages: tuple[ProvenanceStep, ...]


def explain(context: Context, line: str) -> Provenance:
    """Return the provenance of a line."""
    steps = tuple(_steps(context, line))
    record = context.record("speak", line)
    value = record.value if record and isinstance(record.value, dict) else {}
    edit = context.placed.lines.get(line) or LineEdit()
    models: dict[str, str] = {}
    for step in steps:
        models |= step.models
    return Provenance(
        prompt=_prompt(context, line),
        engine=str(value.get("engine", "")),
        voice=str(value.get("voice", "")),
        seed=value.get("seed", edit.seed),
        models=models,
        edits=tuple(_edits(context, line)),
        stages=steps,
    )


def _prompt(context: Context, line: str) -> str:
    if not context.store.has("prompts.json", context.language):
        return ""
    return next((prompt.text for prompt in context.prompts.prompts if prompt.id == line), "")


def _edits(context: Context, line: str) -> Iterator[str]:
    homes = context.placed.homes
    names = {name for name in (*homes, line) if homes.get(name, line) == line}
    events = EditLog(context.store).events()
    back = undone_numbers(events)
    for event in events:
        if event.undoes or event.number in back:
            continue
        for change in event.changes:
            if change.item in names and change.language in ("", context.language):
                who = f" ({event.who})" if event.who else ""
                yield f"{event.number}: {sentence(change, homes)}{who}"


def _steps(context: Context, line: str) -> Iterator[ProvenanceStep]:
    own = clips_of(context, line) if context.has_clips else ()
    clips = [clip for clip in context.planned_clips if clip.id in own]
    for stage in chain().stages:
        home = stage.result_language(context.language) if stage.scope == "language" else ""
        for item in (line, *(name for clip in clips for name in (clip.id, clip.window))):
            record = context.store.record(stage.name, item, home)
            # The qc stage names its groups by their first line, so its record is not about this one.
            if record is not None and stage.name != "qc":
                chosen = record.parts.edits.get("take")
                # For a chosen take, show what it was made from, not that it was chosen.
                made = context.store.take_record(chosen, home) if chosen else None
                yield _step(stage.name, made or record)


def _step(stage: str, record: Record) -> ProvenanceStep:
    parts = record.parts
    return ProvenanceStep(
        stage, record.item, record.key, parts.settings, parts.models, parts.edits, parts.inputs,
        tuple(r.sentence for r in record.said if r.weight != "note"), record.error,
    )  # fmt: skip
