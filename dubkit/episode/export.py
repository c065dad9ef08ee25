"""An episode in the formats that other programs read, with its hand edits."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.context import Context
from dubkit.episode.cue_sheet import sheet_rows
from dubkit.episode.script import script_of
from dubkit.episode.subtitle_kinds import SubtitleWish, subtitle_cues
from dubkit.episode.subtitles import source_cues, target_cues
from dubkit.episode.timeline import timeline_of
from dubkit.errors import DubkitError
from dubkit.formats.content import Heading, LineRow
from dubkit.formats.format import FORMATS, Format, writable
from dubkit.formats.timeline import parts, with_reels
from dubkit.formats.writing import write
from dubkit.types.remarks import Remark, Tell, remark


def export(
    context: Context, language: str, name: str, speaker: str = "", *, beside: Path | None = None
) -> bytes:
    """Return the episode as a file of the format `name`; `language` empty is the source's.

    A cue sheet may be of one speaker, by id or name. `beside` is the folder that the file will stand in:
    takes are named by their way from there, else from the episode's folder.

    Raises DubkitError for a format that dubkit does not write, when the stage that makes its content
    has not run, and for what goes to several files.
    """
    files = export_files(context, language, name, speaker, beside=beside)
    if len(files) > 1:
        raise DubkitError(
            f"This cast goes to {len(files)} files of the format {name!r}.\n"
            "Name the first one with --out: the others stand beside it. Or choose the format otio."
        )
    return files[0]


def export_files(
    context: Context,
    language: str,
    name: str,
    speaker: str = "",
    *,
    beside: Path | None = None,
    subtitles: SubtitleWish | None = None,
    tell: Tell | None = None,
) -> list[bytes]:
    """Do the same as `export` for what may go to several files; `tell` takes remarks.

    `subtitles` are of a kind of their own in place of one cue for each line.
    """
    format = FORMATS.get(name)
    if format is None or format.written is None:
        raise DubkitError(f"{name!r} is not a format that dubkit writes. It writes: {', '.join(writable())}.")
    if format.written in ("sheet", "timeline") and not language:
        what = "A cue sheet" if format.written == "sheet" else "A timeline"
        raise DubkitError(f"{what} is of a target language.\nAdd --lang, such as --lang pt-BR.")
    turns = format.written == "turns"
    needed = "diarization.json" if turns else "translation.json" if language else "transcript.json"
    home = "" if turns else language
    if not context.store.has(needed, home):
        options = f" --to {language}" if language else " --until transcribe"
        raise DubkitError(
            f"{context.store.path(needed, home)} is not there yet.\n"
            f"Run first: dubkit run {context.source}{options}"
        )
    fresh = context.fresh(language)
    if subtitles is not None and format.written == "cues":
        heading = Heading(context.episode.name, "" if subtitles.kind == "source" else language)
        return [write(format, "cues", subtitle_cues(fresh, subtitles, tell), heading)]
    if format.written == "timeline":
        return _timelines(fresh, format, beside, tell)
    return [_write(fresh, format, speaker, beside)]


def _timelines(context: Context, format: Format, beside: Path | None, tell: Tell | None) -> list[bytes]:
    timeline = timeline_of(context, beside, tell)
    if not timeline.sounds:
        raise DubkitError(
            f"No line of {context.language} is spoken yet, so there is no timeline.\n"
            f"Run first: dubkit run {context.source} --to {context.language}"
        )
    said: list[Remark] = []
    if format.reel_length:
        timeline, said = with_reels(timeline, format.reel_length)
    each = parts(timeline, format.sound_tracks)
    if len(each) > 1:
        sentence = f"{len(timeline.sounds)} tracks of sound are in {len(each)} files."
        said.append(remark("timeline-split", sentence))
    for one in said:
        if tell is not None:
            tell(one)
    heading = Heading(context.episode.name, context.language)
    return [write(format, "timeline", part, heading) for part in each]


def _write(context: Context, format: Format, speaker: str, beside: Path | None) -> bytes:
    heading = Heading(context.episode.name, context.language)
    if format.written == "script":
        return write(format, "script", script_of(context, beside), heading)
    if format.written == "rows":
        return write(format, "rows", line_rows(context), heading)
    if format.written == "sheet":
        return write(format, "sheet", sheet_rows(context, speaker), heading)
    if format.written == "cues":
        cues = target_cues(context) if context.language else source_cues(context)
        return write(format, "cues", cues, heading)
    return write(format, "turns", context.diarization.turns, heading)


def line_rows(context: Context) -> list[LineRow]:
    """Return one row per segment; `text` is the line of the language, or the segment's own."""
    if not context.language:
        return [
            {"id": s.id, "start": s.start, "end": s.end, "speaker": s.speaker, "text": s.text}
            for s in context.segments
        ]
    routes = context.routes
    return [
        {
            "id": s.id,
            "start": s.start,
            "end": s.end,
            "speaker": s.speaker,
            "text": line.text,
            "source": s.text,
            "route": routes.get(line.id, line.route),
            "flags": " ".join(line.flags),
            **_remarks(context, line.id),
        }
        for s, line in context.lines
    ]


def _remarks(context: Context, line: str) -> dict[str, str]:
    """Return a person's remarks on a line; empty where there are none."""
    edit = context.placed.lines.get(line)
    return {name: (getattr(edit, name) if edit else None) or "" for name in ("voice", "delivery", "note")}
