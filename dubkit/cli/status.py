"""`dubkit status`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dubkit.cli.options import open_session, place_option
from dubkit.cli.remarks import print_remarks
from dubkit.cli.sources import source_of


@click.command(name="status")
@click.argument("video", metavar="VIDEO")
@place_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(video: str, output: Path | str, as_json: bool) -> None:
    """Show what is finished for VIDEO, and which lines need a look."""
    from dubkit.studio import episode_context, episode_summary

    source = source_of(video, {})
    session = open_session({}, output, source)
    context = episode_context(session, source)
    summary = episode_summary(context)
    if as_json:
        click.echo(json.dumps(summary.as_json(), ensure_ascii=False))
        return
    click.echo(f"{video}: {context.store.shown(context.store.root)}")
    if not summary.stages:
        click.echo("  Nothing yet. Start with: dubkit run VIDEO --to LANG")
    for row in summary.stages:
        label = f"{row.stage} {row.language}".strip()
        failed = f", {row.failed} failed" if row.failed else ""
        click.echo(f"  {label:<18} {row.done} done{failed}")
    for language in summary.languages:
        click.echo(f"  {language.tag}: {language.verdict}")
        for flag in language.flags:
            click.echo(f"    {flag}")
    print_remarks(summary.remarks)
