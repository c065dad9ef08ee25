"""Subtitles of an episode: its cues, and the files of them that stand beside the artifacts."""

from __future__ import annotations

from dubkit.episode.context import Context
from dubkit.episode.store import Parts, Record, file_digest, fitting_name
from dubkit.formats.content import Cue, Heading
from dubkit.formats.format import FORMATS, subtitle_formats
from dubkit.formats.writing import write

STAGE, ITEM = "subtitles", "episode"
"""Where the record of the files is kept; no stage of the chain has this name."""


def source_cues(context: Context) -> list[Cue]:
    """Return the segments as subtitle cues in the source language."""
    return [Cue(s.start, s.end, s.text, s.speaker) for s in context.segments if s.text]


def target_cues(context: Context) -> list[Cue]:
    """Return the lines as subtitle cues in the target language; an untranslated line has none."""
    return [Cue(s.start, s.end, line.text, s.speaker) for s, line in context.lines if line.text]


def keep_source_subtitles(context: Context) -> list[str]:
    """Bring `<episode>.srt` and what else `stitch.subs_format` asks for up to date; return the names."""
    return _keep(context.fresh(""), source_cues(context.fresh("")), fitting_name(context.episode.name))


def keep_target_subtitles(context: Context) -> list[str]:
    """Do the same with `<episode>.<language>.srt` in the folder of the language; return the names."""
    return _keep(context, target_cues(context), f"{fitting_name(context.episode.name)}.{context.language}")


def _keep(context: Context, cues: list[Cue], stem: str) -> list[str]:
    """Write the files anew when their cues or formats are others; files of a format not asked for go.

    A file that a person changed stays until then, and is kept under another name after it.
    """
    formats = subtitle_formats(context.settings.stitch.subs_format)
    names = [stem + format.suffixes[0] for format in formats]
    store, language = context.store, context.language
    # A format of another package may write otherwise in its next version.
    versions = {f.name: FORMATS.package(f.name) for f in formats}
    parts = Parts(STAGE, 1, inputs={"cues": context.digest(cues), "files": context.digest([names, versions])})
    before = store.record(STAGE, ITEM, language)
    if before is not None and before.key == parts.key and all(store.has(name, language) for name in names):
        return names
    for ref in before.files if before else ():
        path = store.path(ref.path)
        if path.is_file() and file_digest(path) != ref.sha256:
            store.keep_aside(ref.path)
    for name, format in zip(names, formats, strict=True):
        with store.writing(name, language) as temporary:
            temporary.write_bytes(write(format, "cues", cues, Heading(context.episode.name, language)))
    refs = tuple(store.ref(name, language) for name in names)
    store.save_record(Record(ITEM, parts.key, parts, refs), language)
    return names
