"""`dubkit models`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from dubkit.cli.options import load, model_store


@click.group(name="models")
def command() -> None:
    """List, fetch and verify the models dubkit works with."""


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_command(as_json: bool) -> None:
    """Show what is used, from where, its licence and size."""
    from dubkit.ops.listing import list_models

    rows = list_models(model_store(load({}).settings))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False))
        return
    click.echo(f"{'role':<12} {'model':<26} {'state':<8} {'from':<9} {'MB':>6}  licence")
    for row in rows:
        click.echo(
            f"{row.role:<12} {row.name:<26} {row.state:<8} {row.origin:<9} {row.size_mb:>6.0f}  {row.licence}"
        )
        if row.note:
            click.echo(f"{'':<12} {row.note}")


@command.command(name="get")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def get_command(names: tuple[str, ...]) -> None:
    """Fetch models now, so that later runs need no network. NAME is a name from `models list`."""
    from dubkit.errors import ModelMissing
    from dubkit.progress import Terminal

    store = model_store(load({}).settings)
    with Terminal() as progress:
        for name in names:
            short = f"whisper-{name}"
            spec = next((s for s in store.catalogue if s.name in (name, short)), None)
            if spec is None:
                known = ", ".join(s.name for s in store.catalogue)
                raise ModelMissing(f"There is no model named {name!r}.\nKnown models: {known}.")
            model = store.fetch(spec.role, spec.name, progress.fetching)
            click.echo(f"{model.name}: {model.path}")


@command.command(name="verify")
@click.argument("names", nargs=-1, metavar="[NAME...]")
def verify_command(names: tuple[str, ...]) -> None:
    """Read the models on this machine and compare every file with its known size and SHA-256.

    Without NAME every model that is here is verified. Exit code 1 when a file is not as it should be.
    """
    store = model_store(load({}).settings)
    wanted = names or tuple(s.name for s in store.catalogue if store.find(s.role, s.name))
    broken = False
    for name in wanted:
        result = store.verify(name)
        broken |= not result.ok
        click.echo(f"{result.model.name}: {'ok' if result.ok else 'damaged'}, {len(result.files)} files")
        for file in result.files:
            if not file.ok:
                click.echo(f"  {file.name}: {file.problem}")
        if not result.ok:
            click.echo(f"  {result.cure}")
    raise SystemExit(1 if broken else 0)
