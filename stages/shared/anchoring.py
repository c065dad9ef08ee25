"""After transcription: tie hand edits to their segments, and report those that no longer apply."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.episode.context import Context
from dubkit.episode.edits import lock_conflict
from dubkit.episode.edits.log import EditLog
from dubkit.progress import Progress


def anchor_edits(context: Context, languages: Sequence[str], progress: Progress) -> None:
    """Note the moment of new edits, and tell the user which edits no longer have a segment."""
    edited = set(context.shared_edits.segments)
    orphans: set[str] = set()
    remarks: dict[str, None] = {}
    for language in languages:
        here = context.fresh(language)
        edited |= set(here.language_edits.lines)
        orphans |= set(here.placed.orphans)
        remarks |= dict.fromkeys(here.placed.remarks)
        for segment in here.segments:
            edit = here.placed.lines.get(segment.id)
            conflict = lock_conflict(edit.lock, segment) if edit and edit.lock else ""
            if conflict:
                progress.note(f"{segment.id} is locked and stays as it is, but {conflict}.")
    EditLog(context.store).note_anchors(sorted(edited), context.transcript.segments)
    for item in sorted(orphans):
        progress.note(
            f"The edit of {item} no longer has a segment; it stays in edits.json and changes nothing."
        )
    for remark in remarks:
        progress.note(remark)
