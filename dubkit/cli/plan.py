"""`dubkit plan`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import open_session, output_option, setting_options
from dubkit.cli.requests import make_request
from dubkit.cli.sources import find_sources

if TYPE_CHECKING:
    from dubkit.chain.plan import StagePlan
    from dubkit.chain.stage import Needs

SHOWN = 8


@click.command(name="plan")
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...")
@click.option(
    "--to", "--tgt-lang", "targets", multiple=True, metavar="LANG", help="Target language. Repeatable."
)
@output_option
@click.option("--until", default="", metavar="STAGE", help="Stop after this stage.")
@click.option("--from", "start", default="", metavar="STAGE", help="Start at this stage.")
@click.option(
    "--force", multiple=True, metavar="STAGE", help="Run this stage again for every item. Repeatable."
)
@click.option(
    "--use", multiple=True, metavar="STAGE=FILE", help="Use your own file as the result of a stage."
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, one object per video.")
@setting_options
def command(videos: tuple[str, ...], targets: tuple[str, ...], output: Path, **flags: Any) -> None:
    """Show what `dubkit run` would do with each VIDEO: one reason per item, and how long it would take.

    Nothing is written.
    """
    show_plans(videos, targets, output, flags)


def show_plans(
    videos: tuple[str, ...], targets: tuple[str, ...], output: Path, flags: dict[str, Any]
) -> None:
    """Print the plan of every source."""
    from dubkit.studio import plan_episode

    request = make_request(targets, flags)
    for source in find_sources(videos):
        plans, needs = plan_episode(open_session(flags, output, source), source, request)
        if flags["as_json"]:
            written = asdict(needs) if needs else None
            result = {"source": str(source), "stages": [_row(p) for p in plans], "needs": written}
            click.echo(json.dumps(result, ensure_ascii=False))
        else:
            _print(source, plans, needs)


def _row(planned: StagePlan) -> dict[str, Any]:
    return {
        "stage": planned.stage,
        "language": planned.language,
        "items": planned.total,
        "run": dict(planned.reasons),
        "waits_for": planned.waits_for,
        "seconds": [round(value, 1) for value in planned.seconds],
    }


def _print(source: Path, plans: list[StagePlan], needs: Needs | None) -> None:
    from dubkit.progress import spread, total_range

    click.echo(f"{source}")
    busy = [planned for planned in plans if planned.reasons or planned.waits_for]
    for planned in plans:
        label = f"{planned.stage} {planned.language}".strip()
        if planned not in busy:
            click.echo(f"  {label:<18} up to date")
            continue
        count = f"{len(planned.reasons)} of {planned.total}" if planned.total else "not known yet"
        after = f", after {planned.waits_for}" if planned.waits_for else ""
        click.echo(f"  {label:<18} {count}{after}")
        for item, reason in list(planned.reasons.items())[:SHOWN]:
            click.echo(f"    {item:<16} {reason}")
        if len(planned.reasons) > SHOWN:
            click.echo(f"    and {len(planned.reasons) - SHOWN} more")
    low, high = total_range({f"{p.stage} {p.language}": p.seconds for p in plans})
    if not busy:
        click.echo("  Nothing to do.")
    elif high > 0:
        click.echo(f"  About {spread(low, high)}{_needs(needs)}.")
    else:
        click.echo("  The time is known once the source is probed: run with --until extract.")


def _needs(needs: Needs | None) -> str:
    if needs is None:
        return ""
    disk = f", {max(1, needs.disk // 1_000_000)} MB on disk"
    low, high = needs.tokens
    if needs.clips or needs.tflop:
        disk += f"; {needs.clips} clips of {needs.frames} frames, {needs.tflop / 1000:,.1f} PFLOP"
    return disk + (f", {low:,} to {high:,} tokens" if high else "")
