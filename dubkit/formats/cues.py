"""Subtitle files beside the artifacts, kept in step with the hand edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.episode.context import Context

if TYPE_CHECKING:
    from dubkit.formats.subtitles import Cue


def source_cues(context: Context) -> list[Cue]:
    """Return the segments as subtitle cues in the source language."""
    from dubkit.formats.subtitles import Cue

    return [Cue(s.start, s.end, s.text, s.speaker) for s in context.segments if s.text]


def target_cues(context: Context) -> list[Cue]:
    """Return the lines as subtitle cues in the target language; an untranslated line has none."""
    from dubkit.formats.subtitles import Cue

    return [Cue(s.start, s.end, line.text, s.speaker) for s, line in context.lines if line.text]


def write_source_subtitles(context: Context) -> list[str]:
    """Write `<stem>.srt` and `.vtt`; return their names."""
    return _write(context, source_cues(context), context.episode.name, "")


def write_target_subtitles(context: Context) -> list[str]:
    """Write `<stem>.<language>.srt` and `.vtt` into the language's folder; return their names."""
    stem = f"{context.episode.name}.{context.language}"
    return _write(context, target_cues(context), stem, context.language)


def _write(context: Context, cues: list[Cue], stem: str, language: str) -> list[str]:
    from dubkit.formats.subtitles import write_srt, write_vtt

    wanted = context.settings.stitch.subs_format
    names: list[str] = []
    for suffix, write in ((".srt", write_srt), (".vtt", write_vtt)):
        if wanted in (suffix[1:], "both"):
            with context.store.writing(stem + suffix, language) as temporary:
                write(cues, temporary)
            names.append(stem + suffix)
    return names
