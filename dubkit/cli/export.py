"""`dubkit export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dubkit.cli.options import languages, open_session, place_option
from dubkit.cli.sources import source_of
from dubkit.formats.format import FORMATS, format_of, writable

if TYPE_CHECKING:
    from dubkit.types import Remark


@click.command(name="export")
@click.argument("video", metavar="VIDEO")
@click.option(
    "--format",
    "name",
    type=click.Choice(writable()),
    help="File format; left out, the ending of --out says it.",
)
@click.option("--lang", default="", metavar="LANG", help="Language of the lines; left out, the source's.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; stdout when left out."
)
@click.option("--speaker", default="", metavar="SPEAKER", help="Cue sheet of one speaker, by name or id.")
@place_option
def command(
    video: str, name: str | None, lang: str, out: Path | None, speaker: str, output: Path | str
) -> None:
    """Write subtitles, turns, all lines or a script of VIDEO, hand edits included.

    `run --use` takes each of them back: subtitles and lines for transcribe or translate, turns for diarize.
    A cue sheet (cue-sheet, cue-sheet-html) is what actors record from.
    """
    from dubkit.episode.export import export, export_files
    from dubkit.studio import episode_context

    name = name or _named_by(out)
    if speaker and FORMATS.records[name].written != "sheet":
        raise click.UsageError(f"--speaker is for cue sheets, not for {name}.")
    source = source_of(video, {})
    session = open_session({}, output, source)
    language = languages((lang,))[0] if lang else ""
    context = episode_context(session, source)
    if out is None:
        click.echo(export(context, language, name, speaker), nl=False)
        return
    files = export_files(context, language, name, speaker, beside=out.absolute().parent, tell=_tell)
    for number, content in enumerate(files, 1):
        file = out if number == 1 else out.with_name(f"{out.stem}.{number}{out.suffix}")
        file.write_bytes(content)
        click.echo(str(file))


def _tell(said: Remark) -> None:
    place = f"{said.place}: " if said.place else ""
    click.echo(f"{place}{said.sentence}", err=True)


def _named_by(out: Path | None) -> str:
    """Return the format that the suffix of a file names."""
    format = format_of(out, lambda format: format.written is not None) if out else None
    if format is None:
        raise click.UsageError(f"Which format? Give --format, one of: {', '.join(writable())}.")
    return format.name
