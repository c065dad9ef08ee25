"""What reviewers are told of corrections that they make again and again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from dubkit.cli.options import open_session

if TYPE_CHECKING:
    from dubkit.episode.context import Context


def say_suggestions(context: Context) -> None:
    """Print on stderr the corrections of the series in this language that could be entries."""
    if context.series is None:
        return
    from dubkit.errors import DubkitError
    from dubkit.review.corrections import series_suggestions

    try:
        found = series_suggestions(open_session({}, context.store.root.parent), context.series)
    except DubkitError as error:  # what was asked for is done
        click.echo(f"Warning: {error}", err=True)
        return
    for one in found:
        if one.language != context.language:
            continue
        words = ("dubkit", "series", "accept", one.id, str(context.series.file))
        command = shlex.join((*words, "--output", str(context.store.root.parent)))
        click.echo(
            f"Made in {len(one.lines)} lines: “{one.wrong}” → “{one.right}”. For the series: {command}",
            err=True,
        )
