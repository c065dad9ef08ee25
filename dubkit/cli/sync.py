"""`dubkit sync`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from dubkit.cli.options import load, output_option
from dubkit.errors import DubkitError

WORDS = {"same": "nothing to do", "fetched": "fetched from the store", "sent": "sent to the store"}


@click.command(name="sync")
@click.argument("url", metavar="URL")
@click.argument("episodes", nargs=-1, metavar="[EPISODE]...")
@output_option
@click.option(
    "--take",
    type=click.Choice(["folder", "store"]),
    help="Where an episode has changed on both sides, whose changes stay.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, one object per episode.")
def command(
    url: str,
    episodes: tuple[str, ...],
    output: Path,
    take: Literal["folder", "store"] | None,
    as_json: bool,
) -> None:
    """Keep the episodes of a folder and of the store at URL alike; EPISODE is the name of a folder in them.

    What changed on one side since the last sync goes to the other, removed files too. An episode that changed
    on both sides is left as it is, and named. For what works in a folder alone, such as the web server:

    \b
    dubkit sync s3://studio/season1
    dubkit serve
    dubkit sync s3://studio/season1
    """
    from dubkit.remote.objects import Objects, is_url
    from dubkit.remote.sync import SyncedFolder

    if not is_url(url):
        raise click.BadParameter(
            f"{url} is no URL of a store, such as s3://bucket/season1.", param_hint="URL"
        )
    objects = Objects(url, load({}).settings.store)
    objects.open()
    folder = SyncedFolder(objects, output)
    failed = False
    for name in dict.fromkeys(episodes) or folder.names():
        try:
            one = folder.sync(name, take or "", on_wait=lambda text: click.echo(text, err=True))
        except DubkitError as error:
            failed = True
            click.echo(f"Error: {name}: {error}", err=True)
            continue
        if as_json:
            click.echo(json.dumps(asdict(one)))
        else:
            count = f", {one.files} files" if one.files else ""
            click.echo(f"{name}: {WORDS[one.done]}{count}")
    raise SystemExit(1 if failed else 0)
