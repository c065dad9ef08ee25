"""`dubkit export --pack`: the files that a studio is handed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from dubkit.cli.options import languages, open_session
from dubkit.cli.sources import source_of

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What the command line asks for."""

    name: str
    languages: str
    """Tags as they were typed, with commas; empty for all that are finished."""
    out: Path | None
    zipped: bool


def pack_options(function: F) -> F:
    """Add `--pack` and `--zip`."""
    from dubkit.deliver.deliverable import pack_names

    function = click.option("--zip", "zipped", is_flag=True, help="Of a pack: write one ZIP file.")(function)
    return click.option(
        "--pack",
        type=click.Choice(pack_names()),
        help="Write everything that is handed over in the finished languages; --lang pt-BR,es takes some, "
        "the first one as default track.",
    )(function)


def pack_order(flags: Mapping[str, Any], lang: str, out: Path | None) -> PackOrder | None:
    """Return what is asked for; None where it is no pack."""
    if not flags["pack"]:
        if flags["zipped"]:
            raise click.UsageError("--zip is for packs. Add --pack studio.")
        return None
    return PackOrder(flags["pack"], lang, out, flags["zipped"])


def write_pack(video: str, order: PackOrder, output: Path | str) -> NoReturn:
    """Write a pack, print its place, and exit with 3 where somebody should look at something."""
    from dubkit.deliver.pack import pack
    from dubkit.studio import episode_context, with_last_settings

    source = source_of(video, {})
    session = open_session({}, output, source)
    opened = episode_context(session, source)
    session = with_last_settings(session, opened.store)
    context = episode_context(session, source)
    ending = ".zip" if order.zipped else ""
    name = f"{context.store.root.name}.{order.name}{ending}"
    # Of an episode in a store, the folder here is a copy to work on.
    out = order.out or (Path(name) if isinstance(output, str) else context.store.root.with_name(name))
    packed = pack(context, order.name, out, languages((order.languages,)), zipped=order.zipped)
    for said in packed.remarks:
        label = {"note": "Note", "degraded": "Degraded", "doubtful": "Doubtful"}[said.weight]
        click.echo(f"{label}: {said.sentence}", err=True)
    click.echo(f"{packed.place}: {len(packed.files)} files in {', '.join(packed.languages)}")
    raise SystemExit(packed.exit_code)
