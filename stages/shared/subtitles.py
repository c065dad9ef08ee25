"""Subtitle files beside the artifacts: kept up to date whenever the texts are there, worked on or not."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.episode.context import Context
from dubkit.episode.subtitles import keep_source_subtitles, keep_target_subtitles
from dubkit.progress import Progress
from stages.shared.anchoring import anchor_edits


def after_transcription(context: Context, languages: Sequence[str], progress: Progress) -> None:
    """Tie hand edits to their segments, and write the subtitles of the source."""
    anchor_edits(context, languages, progress)
    keep_source_subtitles(context)


def after_translation(context: Context, _languages: Sequence[str], _progress: Progress) -> None:
    """Write the subtitles of the language."""
    keep_target_subtitles(context)
