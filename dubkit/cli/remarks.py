"""Remarks on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dubkit.types.telling import Noticed


def print_remarks(noticed: Iterable[Noticed], *, more: str = "") -> None:
    """Print remarks on stderr, each once; with `more`, only a few of a kind, and the number of the others."""
    from dubkit.types.telling import ALIKE, told

    for one in told(noticed, most=ALIKE if more else 0, more=more):
        click.echo(f"{one.label}: {one.text}", err=True)
