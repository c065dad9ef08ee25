"""`dubkit series`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dubkit.series.place import Series

PLACE = click.argument("place", type=click.Path(path_type=Path), default=Path("."), metavar="[SERIES]")


@click.group(name="series")
def command() -> None:
    """Keep the words of a series: terms, forms of address, style, pronunciations, titles.

    SERIES is a series.toml, its folder, or a folder or film below it; left out, the folder you are in.

    \b
    dubkit series init Season1
    dubkit series check Season1
    """


def open_series(place: Path) -> Series:
    """Return the series of a place. Raises DubkitError where there is none."""
    from dubkit.errors import DubkitError
    from dubkit.series.place import FILE, find_series

    if place.is_file() and place.suffix == ".toml":
        found = find_series(place, place)
    else:
        found = find_series(place / FILE if place.is_dir() else place)
    if found is None:
        raise DubkitError(
            f"{place}: there is no {FILE} here or in a folder above.\n"
            f"Write one: dubkit series init {place if place.is_dir() else place.parent}"
        )
    return found


@command.command(name="init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("."))
@click.option("--title", default="", help="Title of the series.")
def init_command(folder: Path, title: str) -> None:
    """Write a series.toml into FOLDER, with every kind of entry as a comment to fill in."""
    from dubkit.series.template import write_template

    click.echo(str(write_template(folder, title or folder.resolve().name)))


@command.command(name="show")
@PLACE
@click.option("--to", "language", default="", metavar="LANG", help="Only what counts in this language.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show_command(place: Path, language: str, as_json: bool) -> None:
    """Show what the series says."""
    from dubkit.series.telling import told, values
    from dubkit.translate.language import normalise

    series, tag = open_series(place), normalise(language) if language else ""
    if as_json:
        click.echo(json.dumps({"file": str(series.file), **values(series.words)}, ensure_ascii=False))
        return
    click.echo(str(series.file))
    for line in told(series.words, tag):
        click.echo(f"  {line}")


@command.command(name="check")
@PLACE
def check_command(place: Path) -> None:
    """Read series.toml as a run does, and show entries that contradict each other.

    Exit codes: 0 it is in order, 1 it cannot be used, 3 two entries contradict each other.
    """
    from dubkit.series.telling import contradictions

    series = open_series(place)
    found = contradictions(series.words)
    for sentence in found:
        click.echo(f"Doubtful: {sentence}", err=True)
    if found:
        raise SystemExit(3)
    click.echo(f"{series.file} is in order.")
