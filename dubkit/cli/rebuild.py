"""`dubkit rebuild`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dubkit.locking.differences import Difference
    from dubkit.locking.rebuild import Compared

SHOWN = 8


@click.command(name="rebuild")
@click.argument("lock", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="LOCK")
@click.option(
    "--source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The source that was locked; it is known by its content.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Output folder, without a folder of this episode.",
)
@click.option("--check", is_flag=True, help="Only say what is different here; nothing is written.")
@click.option("--anyway", is_flag=True, help="Go on although results will be other ones.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def command(
    lock: Path, source: Path, output: Path, check: bool, anyway: bool, as_json: bool, quiet: bool
) -> None:
    """Make the episode of a LOCK again, in an empty folder, and compare it with what was locked.

    First it says what is different on this machine: models by their content, packages, settings, files beside
    the source. Exit codes: 0 everything came out the same, 1 error, or a difference that certainly changes
    the result (--anyway goes on), 2 wrong usage, 3 made, but something came out otherwise or is degraded.
    """
    from dubkit.cli.options import open_session
    from dubkit.locking.rebuild import Rebuild
    from dubkit.progress import Terminal

    rebuild = Rebuild(open_session({}, output, source), lock, source)
    found, doubts = rebuild.differences(), rebuild.locked.doubts
    said: dict[str, Any] = {"differences": [asdict(one) for one in found], "doubts": list(doubts)}
    if not as_json:
        _say_before(found, doubts)
    stops = any(one.stops for one in found) and not anyway
    if check or stops:
        if as_json:
            click.echo(json.dumps(said | {"exit_code": int(stops)}, ensure_ascii=False))
        elif stops:
            click.echo(
                "Error: the result would be another one. Add --anyway to make it all the same.", err=True
            )
        raise SystemExit(int(stops))
    with Terminal(quiet=quiet or as_json) as progress:
        rebuild.prepare(progress)
        outcome = rebuild.run(progress)
    compared = rebuild.compare()
    code = outcome.exit_code or (0 if compared.equal else 3)
    if as_json:
        said |= {"compared": asdict(compared), "errors": outcome.errors, "exit_code": code}
        click.echo(json.dumps(said | {"folder": str(rebuild.root)}, ensure_ascii=False))
    else:
        for error in outcome.errors:
            click.echo(f"Error: {error}", err=True)
        _say_after(rebuild.root, compared)
    raise SystemExit(code)


def _say_before(found: list[Difference], doubts: tuple[str, ...]) -> None:
    click.echo("Different here:" if found else "Nothing is different here.")
    for one in found:
        click.echo(f"  {'!' if one.stops else ' '} {one.sentence}")
    for sentence in doubts:
        click.echo(f"  {sentence}")


def _say_after(root: Path, compared: Compared) -> None:
    click.echo(f"{root}: {compared.same} results are the same")
    for what, names in (
        ("made from something else", compared.other_key),
        ("made from the same, with other bytes", compared.other_files),
        ("not made", compared.missing),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            click.echo(f"  {what}: {', '.join(names[:SHOWN])}{more}")
