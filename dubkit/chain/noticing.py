"""What is to be said of an episode: remarks of records, failures, and hand edits out of place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dubkit.chain.stage import Stage
from dubkit.episode.context import Context
from dubkit.episode.edits import lock_conflict
from dubkit.episode.places import item_names
from dubkit.episode.store import Record
from dubkit.errors import DubkitError
from dubkit.types import Remark, remark
from dubkit.types.telling import FOR_NOW, Noticed, failure


def stage_remarks(stage: Stage, context: Context, records: Iterable[Record]) -> list[Noticed]:
    """Return what records of a stage say, each once, failures included.

    Where they say nothing, the stage is asked what its artifacts of earlier versions hold.
    """
    records = list(records)
    said = [_failure_of(record, stage) for record in records if record.error]
    remarks = [one for record in records if not record.error for one in record.said]
    if not remarks and stage.recall is not None and any(not record.error for record in records):
        remarks = list(_recalled(stage, context))
    return placed([*said, *remarks], context, stage.recorded)


def _failure_of(record: Record, stage: Stage) -> Remark:
    for_now = any(one.code == FOR_NOW for one in record.remarks)
    return failure(record.item, stage.title or stage.recorded, record.error, for_now=for_now)


def edit_remarks(context: Context) -> list[Noticed]:
    """Return what is to be said of the hand edits of a language: those that no longer fit, and locks."""
    if not context.store.has("transcript.json"):
        return []
    edits = context.placed
    said = [
        remark("edit-without-line", f"The edit of {item} has no segment any more and changes nothing.")
        for item in sorted(edits.orphans)
    ]
    said += [remark("edit-out-of-place", sentence) for sentence in edits.remarks]
    for segment in context.segments:
        edit = edits.lines.get(segment.id)
        conflict = lock_conflict(edit.lock, segment) if edit and edit.lock else ""
        if conflict:
            said.append(
                remark("lock-conflict", f"It is locked and stays as it is, but {conflict}.", segment.id)
            )
    return placed(said, context, "")


def notices(stages: Iterable[Stage], context: Context) -> list[Noticed]:
    """Return what stages say of the files that lie in the folder of a language now."""
    found: list[Noticed] = []
    for stage in stages:
        if stage.notices is not None:
            found += placed(stage.notices(context), context, stage.name)
    return found


def _recalled(stage: Stage, context: Context) -> Sequence[Remark]:
    assert stage.recall is not None
    try:
        return stage.recall(context)
    except DubkitError:
        return ()  # a damaged artifact is reported by whoever needs it


def placed(said: Sequence[Remark], context: Context, stage: str) -> list[Noticed]:
    """Put remarks of a stage in their places, as people name these."""
    try:
        names = item_names(context) if said else {}
    except DubkitError:
        names = {}
    return [Noticed.of(one, names, stage, context.language) for one in dict.fromkeys(said)]
