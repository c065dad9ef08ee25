"""`dubkit doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from dubkit.cli.options import load, output_option

MARKS = {True: "ok", False: "no", None: "--"}


DEFAULTS = "Correct it. What follows holds for the default settings."


@click.command(name="doctor")
@output_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(output: Path, as_json: bool) -> None:
    """Check this machine: what works, what is missing, what still works without it, and the cure.

    Exit code 1 when something that every run needs is missing, or an installed part cannot be used.
    """
    from dubkit.config import Settings
    from dubkit.errors import SettingError
    from dubkit.ops.diagnosis import Diagnosis
    from dubkit.ops.doctor import examine
    from dubkit.studio import open_models

    try:
        settings, problems = load({}).settings, []
    except SettingError as error:  # such as one of a package that cannot be used: the rest must still be seen
        settings, problems = Settings(), [Diagnosis("settings", False, str(error), DEFAULTS)]
    checks = [*problems, *examine(open_models(settings), output, settings)]
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            click.echo(f"{MARKS[check.ok]:<3} {check.name:<{width}} {check.found}")
            if check.cure:
                click.echo(f"{'':<3} {'':<{width}} {check.cure}")
    raise SystemExit(1 if any(check.ok is False for check in checks) else 0)
