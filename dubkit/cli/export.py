"""`dubkit export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import languages, open_session, place_option
from dubkit.cli.pack import pack_options, pack_order, write_pack
from dubkit.cli.sources import source_of
from dubkit.cli.subtitles import burn_film, subtitle_options, subtitle_wish
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
    "--out",
    type=click.Path(path_type=Path),
    help="File to write; stdout when left out. For --pack a new folder (or ZIP file) instead.",
)
@click.option("--speaker", default="", metavar="SPEAKER", help="Cue sheet of one speaker, by name or id.")
@subtitle_options
@pack_options
@place_option
def command(
    video: str,
    name: str | None,
    lang: str,
    out: Path | None,
    speaker: str,
    output: Path | str,
    **more: Any,
) -> None:
    """Write subtitles, turns, all lines or a script of VIDEO, hand edits included.

    `run --use` takes each of them back: subtitles and lines for transcribe or translate, turns for diarize.
    A cue sheet (cue-sheet, cue-sheet-html) is what actors record from. --subtitles lays subtitles out for
    reading; without it, each line is one cue.

    With --pack studio, everything that a studio is handed goes into a new folder: films with every finished
    language, sound and stems, texts, reports, and where all of it comes from. Exit code 3: it is written, and
    somebody should look at what is said.
    """
    from dubkit.episode.export import export, export_files
    from dubkit.studio import episode_context

    order = pack_order(more, lang, out)
    if order is not None:
        if name or speaker or more["subtitles"] or more["burn_in"]:
            raise click.UsageError("--pack writes all files; leave out the options of single ones.")
        write_pack(video, order, output)
    if out is not None and out.is_dir():
        raise click.UsageError(f"--out {out}: this is a folder. Name a file.")
    wish = subtitle_wish(more, lang)
    if not more["burn_in"]:
        name = name or _named_by(out, "srt" if wish else "")
    elif name:
        raise click.UsageError("--format is for files, and --burn-in writes a film.")
    if wish is not None and name and FORMATS.records[name].write_cues is None:
        raise click.UsageError(
            f"--subtitles is for subtitles, not for {name}: {', '.join(writable('cues'))}."
        )
    if speaker and name and FORMATS.records[name].written != "sheet":
        raise click.UsageError(f"--speaker is for cue sheets, not for {name}.")
    source = source_of(video, {})
    session = open_session({}, output, source)
    language = languages((lang,))[0] if lang else ""
    context = episode_context(session, source)
    if wish is not None and more["burn_in"]:
        return burn_film(context.fresh(language), wish, out, _tell)
    assert name is not None, "only a film has no format"
    if out is None and wish is None:
        return click.echo(export(context, language, name, speaker), nl=False)
    beside = out.absolute().parent if out is not None else None
    files = export_files(context, language, name, speaker, beside=beside, subtitles=wish, tell=_tell)
    if out is None:
        return click.echo(files[0], nl=False)
    for number, content in enumerate(files, 1):
        file = out if number == 1 else out.with_name(f"{out.stem}.{number}{out.suffix}")
        file.write_bytes(content)
        click.echo(str(file))


def _tell(said: Remark) -> None:
    place = f"{said.place}: " if said.place else ""
    click.echo(f"{place}{said.sentence}", err=True)


def _named_by(out: Path | None, usual: str = "") -> str:
    """Return the format that the suffix of a file names; without a file, the usual one."""
    format = format_of(out, lambda format: format.written is not None) if out else FORMATS.get(usual)
    if format is None:
        raise click.UsageError(f"Which format? Give --format, one of: {', '.join(writable())}.")
    return format.name
