"""`dubkit series`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dubkit.cli.options import output_option

if TYPE_CHECKING:
    from dubkit.series.corrections import Suggestion
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


ONE = click.argument("number", metavar="ID")


@command.command(name="suggestions")
@PLACE
@output_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def suggestions_command(place: Path, output: Path, as_json: bool) -> None:
    """Show corrections that people made in three lines or more of the series: they could be terms."""
    found = _suggestions(open_series(place), output)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    for one in found:
        where = ", ".join(dict.fromkeys(episode for episode, _ in one.lines))
        source = f" for “{one.source}”" if one.source else ""
        said = f"“{one.wrong}” → “{one.right}”{source}, {len(one.lines)} lines in {where}"
        click.echo(f"{one.id}  {one.language}: {said}")
    if not found:
        click.echo("No correction was made three times.")


@command.command(name="accept")
@ONE
@PLACE
@output_option
@click.option("--source", default="", metavar="WORD", help="The word of the source that it is about.")
def accept_command(number: str, place: Path, output: Path, source: str) -> None:
    """Add the suggestion ID to series.toml as a term."""
    from dubkit.series.learning import accept

    series = open_series(place)
    click.echo(accept(series, _find(series, output, number), source).rstrip())
    click.echo(f"Added to {series.file}. The next run follows it.", err=True)


@command.command(name="refuse")
@ONE
@PLACE
@output_option
def refuse_command(number: str, place: Path, output: Path) -> None:
    """Never show the suggestion ID again."""
    from dubkit.series.learning import refuse

    series = open_series(place)
    suggestion = _find(series, output, number)
    refuse(series, suggestion)
    click.echo(f"“{suggestion.wrong}” → “{suggestion.right}” is not suggested again.")


def _suggestions(series: Series, output: Path) -> list[Suggestion]:
    from dubkit.cli.options import open_session
    from dubkit.review.corrections import series_suggestions

    return series_suggestions(open_session({}, output), series)


def _find(series: Series, output: Path, number: str) -> Suggestion:
    """Return a suggestion by its id. Raises DubkitError where there is none."""
    from dubkit.errors import DubkitError

    found = _suggestions(series, output)
    for one in found:
        if one.id == number:
            return one
    known = ", ".join(one.id for one in found) or "none"
    raise DubkitError(f"{number}: no such suggestion; there are {known}.\nSee: dubkit series suggestions")
