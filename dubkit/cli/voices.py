"""`dubkit voices`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from dubkit.cli.options import load

if TYPE_CHECKING:
    from dubkit.ops.voices import VoiceRow


@click.group(name="voices")
def command() -> None:
    """List the voice engines, and make the environments of those that need their own."""


@command.command(name="list")
@click.option("--to", "language", default="", metavar="LANG", help="Only engines that speak this language.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_command(language: str, as_json: bool) -> None:
    """List the voice engines: what each can, its licence and size, and whether it can speak here.

    Beside reading, an engine may clone a voice, keep to a length that it is told, and follow a style.
    """
    from dubkit.ops.voices import voice_rows
    from dubkit.studio import open_models

    settings = load({}).settings
    rows = voice_rows(open_models(settings), settings, language)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return
    if not rows:
        click.echo(f"No voice engine speaks {language}.")
        return
    name = max(len(row.name) for row in rows)
    can = max(len(_abilities(row)) for row in rows)
    click.echo(f"{'engine':<{name}} {'here':<4} {'can':<{can}} {'MB':>7}  licence")
    for row in rows:
        here = "yes" if row.here else "no"
        size = f"{row.megabytes:>7.0f}" if row.megabytes else f"{'':>7}"
        click.echo(f"{row.name:<{name}} {here:<4} {_abilities(row):<{can}} {size}  {row.licence}".rstrip())
        click.echo(_indented(row.title + (f", of {row.package}" if row.package else ""), name))
        if row.requires:
            click.echo(_indented(f"Needs {row.requires}.", name))
        if row.hindrance:
            click.echo(_indented(re.sub("^the ", "The ", row.hindrance), name))


def _abilities(row: VoiceRow) -> str:
    return ", ".join(row.abilities) or "reads"


def _indented(text: str, name: int) -> str:
    import textwrap

    lines = " ".join(text.split())
    margin = " " * (name + 1)
    # Commands are copied, so they are not broken.
    return textwrap.fill(
        lines,
        110,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


@command.command(name="install")
@click.argument("name", metavar="NAME")
@click.option("--dry-run", is_flag=True, help="Print the commands and do nothing.")
@click.option(
    "--python", default="", metavar="PATH", help="Python that makes the environment; the one of dubkit."
)
@click.option("--home", default="", metavar="DIR", help="Folder of the environment; one in dubkit's cache.")
def install_command(name: str, dry_run: bool, python: str, home: str) -> None:
    """Make the environment in which the voice engine NAME runs, and try whether it starts.

    One that is there already stays; a half-made one is made anew.
    """
    from dubkit.ops.voices import plan_home
    from dubkit.studio import open_models
    from dubkit.voice.engine import ENGINES
    from dubkit.voice.homes.making import make_home

    settings = load({}).settings
    making = plan_home(open_models(settings), settings, name, python, home)
    engine = ENGINES.records[name]
    click.echo(f"{engine.title}", err=True)
    click.echo(f"  licence: {engine.licence}", err=True)
    click.echo(f"  size: about {making.home.size / 1e9:.1f} GB in {making.folder}", err=True)
    click.echo(f"  weights: {making.home.weights}", err=True)
    if dry_run:
        for line in making.lines:
            click.echo(line)
        return
    made = make_home(making, lambda line: click.echo(f"  {line}", err=True))
    click.echo(f"{name}: version {made.version}, Python {made.python}, in {making.folder}")
    if home:
        click.echo(f'Now name it in dubkit.toml: [{engine.table}] home = "{making.folder}"', err=True)
