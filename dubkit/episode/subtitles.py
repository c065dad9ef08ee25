"""Subtitles of an episode: its cues, and the files of them that stand beside the artifacts."""

from __future__ import annotations

from dubkit.episode.context import Context
from dubkit.formats.content import Cue, Heading
from dubkit.formats.format import subtitle_formats
from dubkit.formats.writing import write


def source_cues(context: Context) -> list[Cue]:
    """Return the segments as subtitle cues in the source language."""
    return [Cue(s.start, s.end, s.text, s.speaker) for s in context.segments if s.text]


def target_cues(context: Context) -> list[Cue]:
    """Return the lines as subtitle cues in the target language; an untranslated line has none."""
    return [Cue(s.start, s.end, line.text, s.speaker) for s, line in context.lines if line.text]


def write_source_subtitles(context: Context) -> list[str]:
    """Write `<episode>.srt` and what else `stitch.subs_format` asks for; return the names."""
    return _write(context, source_cues(context), context.episode.name, "")


def write_target_subtitles(context: Context) -> list[str]:
    """Write the same as `<episode>.<language>.srt` into the folder of the language; return the names."""
    stem = f"{context.episode.name}.{context.language}"
    return _write(context, target_cues(context), stem, context.language)


def _write(context: Context, cues: list[Cue], stem: str, language: str) -> list[str]:
    names: list[str] = []
    for format in subtitle_formats(context.settings.stitch.subs_format):
        name = stem + format.suffixes[0]
        with context.store.writing(name, language) as temporary:
            temporary.write_bytes(write(format, "cues", cues, Heading(context.episode.name, language)))
        names.append(name)
    return names
