"""`dubkit models`."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import load

if TYPE_CHECKING:
    from dubkit.models.store import ModelStore
    from dubkit.types.models import ModelSpec

SHORT = 32
"""Characters of the longest licence in the list; a longer one becomes a note below it."""


@click.group(name="models")
def command() -> None:
    """List, download and verify the models that dubkit uses."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_command(as_json: bool) -> None:
    """List the models with state, origin, size and licence."""
    from dubkit.models.listing import list_models
    from dubkit.studio import open_models

    rows = list_models(open_models(load({}).settings))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return
    role = max(len(row.role) for row in rows)
    name = max(len(row.name) for row in rows)
    notes: dict[str, int] = {}
    click.echo(f"{'role':<{role}} {'model':<{name}} {'state':<8} {'from':<9} {'MB':>8}  licence")
    for row in rows:
        short = row.licence
        if len(row.licence) > SHORT:
            text = f"{row.licence}. {row.licence_url}".rstrip()
            number = notes.setdefault(text, len(notes) + 1)
            short = f"{re.split(r' [(]|;', row.licence)[0]} [{number}]"
        line = f"{row.role:<{role}} {row.name:<{name}} {row.state:<8} {row.origin:<9} {row.size_mb:>8.1f}"
        click.echo(f"{line}  {short}".rstrip())
        if row.note:
            click.echo(_wrapped(row.note, role + 1))
    for text, number in notes.items():
        click.echo(_wrapped(text, 4, first=f"[{number}] "))


def _wrapped(text: str, indent: int, first: str = "") -> str:
    import shutil
    import textwrap

    width = max(60, min(shutil.get_terminal_size().columns, 110))
    # Commands and URLs are copied, so they are not broken.
    return textwrap.fill(
        text,
        width,
        initial_indent=first or " " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


@command.command(name="get")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def get_command(names: tuple[str, ...]) -> None:
    """Download models now, so that later runs need no network. NAME is a name from `models list`.

    The files of the generator are large and have their own terms; only this command downloads them.
    """
    from dubkit.progress import Terminal
    from dubkit.studio import open_models

    store = open_models(load({}).settings)
    specs = [store.named(name) for name in names]
    for spec in specs:
        _announce(store, spec)
    with Terminal() as progress:
        for spec in specs:
            model = store.get(spec.name, progress.fetching)
            click.echo(f"{model.name}: {model.path}")


def _announce(store: ModelStore, spec: ModelSpec) -> None:
    """Print size and terms of a download before it starts."""
    if not spec.on_request or spec.hub is None or store.offline or store.find(spec.role, spec.name):
        return
    place = f"{spec.hub.repo}, revision {spec.hub.revision}"
    click.echo(f"{spec.name}: about {spec.size / 1e9:.2f} GB from {place}", err=True)
    click.echo(_wrapped(f"Licence: {spec.licence}. {spec.licence_url}", 2), err=True)
    click.echo(_wrapped(f"Note: {spec.note}.", 2), err=True)


@command.command(name="verify")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.argument("names", nargs=-1, metavar="[NAME|PATH...]")
def verify_command(names: tuple[str, ...], as_json: bool) -> None:
    """Check every file: size and SHA-256 where known, headers of weights.

    NAME is a name from `models list`, PATH a weight file, a Gemma folder, or a folder with such files. For a
    generator file, the header and the keys, shapes and types of its tensors are checked without loading it.
    Without NAME every installed model is verified. The exit code is 1 when a check fails.
    """
    from dubkit.models.verifying import verify
    from dubkit.studio import open_models

    results = verify(open_models(load({}).settings), names)
    if as_json:
        rows: list[dict[str, Any]] = [{**asdict(result), "ok": result.ok} for result in results]
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
    else:
        for result in results:
            state = "ok" if result.ok else "damaged"
            click.echo(f"{result.name}: {state}, {result.summary}")
            for problem in result.problems:
                click.echo(f"  {problem.text}. {problem.cure}")
        if not results:
            click.echo("No model is here. `dubkit models list` says how to get them.")
    raise SystemExit(1 if any(not result.ok for result in results) else 0)


@command.command(name="make-tiny")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the random values."
)
@click.option(
    "--generation",
    type=click.Choice(["2", "2.3"]),
    default="2",
    show_default=True,
    help="LTX generation whose layout the files get.",
)
@click.option("--force", is_flag=True, help="Replace the tiny files of an earlier run; other files stay.")
def make_tiny_command(folder: Path, seed: int, generation: str, force: bool) -> None:
    """Write tiny generator files with random weights into DIR, for tests.

    It is a complete set in the published layout, under the published names, so that every step can be tried
    on any machine. The result is noise, never a dub.
    """
    from dubkit.models.tiny.files import make_tiny

    for path in make_tiny(folder, seed=seed, generation="2.3" if generation == "2.3" else "2", force=force):
        click.echo(path)
    click.echo("Random weights: the result is noise, never a dub.", err=True)
