"""`dubkit config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dubkit.cli.options import load, setting_options


@click.command(name="config")
@click.argument("video", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@setting_options
def command(video: Path | None, as_json: bool, **flags: Any) -> None:
    """Show every setting with its value, where the value came from, and what it does.

    With VIDEO, a dubkit.toml beside it is read too. Secrets are not shown.
    """
    from dubkit.config import all_settings

    configured = load(flags, video)
    rows = []
    for entry in all_settings():
        value = configured.settings.value(entry.name)
        shown = "***" if entry.secret and value else value
        rows.append((entry.name, shown, configured.origins[entry.name], entry.help, entry.variable))
    if as_json:
        click.echo(json.dumps({name: {"value": value, "from": origin} for name, value, origin, *_ in rows}))
        return
    width = max(len(name) for name, *_ in rows)
    for name, value, origin, text, _ in rows:
        written = json.dumps(value, ensure_ascii=False)
        click.echo(f"{name:<{width}}  {written:<12}  {origin:<12}  {text}")
    click.echo("\nThree ways to set one: [mix] duck_db = -18 in dubkit.toml,")
    click.echo("DUBKIT_MIX_DUCK_DB=-18 in the environment, or --set mix.duck_db=-18.")
