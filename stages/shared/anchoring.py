"""After transcription: tie hand edits to their segments."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.episode.context import Context
from dubkit.episode.edits.log import EditLog
from dubkit.progress import Progress


def anchor_edits(context: Context, languages: Sequence[str], progress: Progress) -> None:
    """Note the moment of new edits; which of them no longer fit is said at the end of the run."""
    edited = set(context.shared_edits.segments)
    for language in languages:
        edited |= set(context.fresh(language).language_edits.lines)
    EditLog(context.store).note_anchors(sorted(edited), context.transcript.segments)
