"""`dubkit export`."""

from __future__ import annotations

from pathlib import Path

import click

from dubkit.cli.options import languages, load, model_store, output_option


@click.command(name="export")
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["srt", "vtt", "rttm", "csv", "json"]),
    required=True,
    help="What to write.",
)
@click.option("--lang", default="", metavar="LANG", help="Language of the lines; the source's when left out.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write, else stdout.")
@output_option
def command(video: Path, kind: str, lang: str, out: Path | None, output: Path) -> None:
    """Write subtitles (srt, vtt), turns (rttm) or all lines (csv, json) of VIDEO, hand edits included.

    Each can be given back with `run --use`: a csv, json, srt or vtt to transcribe or translate, an rttm to
    diarize.
    """
    from dubkit.formats.export import export
    from dubkit.progress import Speeds
    from dubkit.studio import Session, episode_context

    settings = load({}, video).settings
    session = Session(settings, output, model_store(settings), Speeds())
    language = languages((lang,))[0] if lang else ""
    written = export(episode_context(session, video), language, kind)
    if out is None:
        click.echo(written, nl=False)
    else:
        out.write_text(written, "utf-8")
        click.echo(str(out))
