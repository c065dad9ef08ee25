"""`dubkit plan`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import open_session, place_option, setting_options
from dubkit.cli.requests import make_request
from dubkit.cli.sources import find_sources

if TYPE_CHECKING:
    from dubkit.chain.chain import Request
    from dubkit.chain.plan import StagePlan
    from dubkit.chain.stage import Needs
    from dubkit.episode.line_timing import LineTiming
    from dubkit.review.best import Forecast
    from dubkit.studio import Session

SHOWN = 8


@click.command(name="plan")
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...")
@click.option(
    "--to", "--tgt-lang", "targets", multiple=True, metavar="LANG", help="Target language. Repeatable."
)
@place_option
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
def command(videos: tuple[str, ...], targets: tuple[str, ...], output: Path | str, **flags: Any) -> None:
    """Show what `dubkit run` would do with each VIDEO: one reason per item, and how long it would take.

    Nothing is written. Exit codes: 0 it can run, 1 nothing here can translate into or speak a language,
    3 that depends on the language of the source, which is not known yet.
    """
    show_plans(videos, targets, output, flags)


def show_plans(
    videos: tuple[str, ...], targets: tuple[str, ...], output: Path | str, flags: dict[str, Any]
) -> None:
    """Print the plan of every source."""
    from dubkit.studio import doubtful, unserved

    request = make_request(targets, flags)
    codes: list[int] = []
    for source in find_sources(videos, flags):
        session = open_session(flags, output, source)
        hindered = unserved(session, request, source=source)
        doubts = doubtful(session, request, source)
        served = tuple(language for language in request.languages if language not in hindered)
        _show_plan(session, source, replace(request, languages=served), hindered, flags["as_json"])
        for language, reason in doubts.items():
            click.echo(_doubt(source, language, reason), err=True)
        codes.append(1 if hindered else 3 if doubts else 0)
    if any(codes):
        raise SystemExit(1 if 1 in codes else 3)


def _doubt(source: Path, language: str, reason: str) -> str:
    from dubkit.translate.language import language_name

    return (
        f"Doubtful: {source} into {language}: the language of the source is not known yet. "
        f"If it is not {language_name(language)}, the run will stop. Name it with --src-lang.\n{reason}"
    )


def _show_plan(
    session: Session, source: Path, request: Request, hindered: Mapping[str, str], as_json: bool
) -> None:
    """Print the plan of one source, and why languages are left out of it."""
    from dubkit.chain.executor import chosen_executor
    from dubkit.studio import plan_episode, planned_lengths

    runs = bool(request.languages) or not hindered
    plans, needs = plan_episode(session, source, request) if runs else ([], None)
    lengths = planned_lengths(session, source, request)
    if as_json:
        written = asdict(needs) if needs else None
        lines = {language: [asdict(line) for line in known] for language, known in lengths.items()}
        takes = [asdict(found) for found in _forecasts(session, source, request)]
        result = {"source": str(source), "stages": [_row(p) for p in plans], "needs": written, "lines": lines}
        result |= {"takes": takes} if takes else {}
        click.echo(json.dumps(result | {"unserved": dict(hindered)}, ensure_ascii=False))
    elif runs:
        _print(source, plans, needs, chosen_executor(session.settings).starting)
        for language, known in lengths.items():
            _print_lengths(language, known, session.settings.timing.max_pace)
        for sentence in _take_sentences(session, source, request):
            click.echo(f"  {sentence}")
    for language, reason in hindered.items():
        click.echo(f"Error: {source} into {language}: {reason}", err=True)


def _forecasts(session: Session, source: Path, request: Request) -> list[Forecast]:
    """Return what further takes may need in each language; none where the settings ask for none."""
    from dubkit.review.best import forecast, order_of
    from dubkit.studio import episode_context

    order = order_of(session)
    if order.takes <= 1:
        return []
    found = (forecast(episode_context(session, source, tag), order) for tag in request.languages)
    return [one for one in found if one is not None]


def _take_sentences(session: Session, source: Path, request: Request) -> list[str]:
    from dubkit.review.best import order_of, told_forecast

    order = order_of(session)
    found = [told_forecast(one, order.budget) for one in _forecasts(session, source, request)]
    if order.takes > 1 and not found:
        return ["Takes: how many lines fail their checks is known after a run."]
    return found


def _row(planned: StagePlan) -> dict[str, Any]:
    return {
        "stage": planned.stage,
        "language": planned.language,
        "items": planned.total,
        "run": dict(planned.reasons),
        "waits_for": planned.waits_for,
        "seconds": [round(value, 1) for value in planned.seconds],
    }


def _print(source: Path, plans: list[StagePlan], needs: Needs | None, starting: str) -> None:
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
    if busy and starting:
        click.echo(f"  {starting}")


def _print_lengths(language: str, lines: Sequence[LineTiming], max_pace: float) -> None:
    """Print how long the lines will be, as predicted; of many only those that are over the limit."""
    known = [line for line in lines if line.says]
    over = [line for line in known if line.is_over(max_pace)]
    if not known:
        return
    shown = known if len(known) <= SHOWN else over[:SHOWN]
    click.echo(f"  Lengths in {language}: {len(over)} of {len(known)} lines over {max_pace:.2f}x")
    for line in shown:
        too_long = f", too long by {line.too_long:.1f} s" if line.too_long else ""
        changed = ", changed since" if line.stale else ""
        click.echo(f"    {line.id:<16} {line.says}{too_long}{changed}")
    if len(over) > len(shown):
        click.echo(f"    and {len(over) - len(shown)} more")


def _needs(needs: Needs | None) -> str:
    if needs is None:
        return ""
    disk = f", {max(1, needs.disk // 1_000_000)} MB on disk"
    low, high = needs.tokens
    if needs.clips or needs.tflop:
        disk += f"; {needs.clips} clips of {needs.frames} frames, {needs.tflop / 1000:,.1f} PFLOP"
    return disk + (f", {low:,} to {high:,} tokens" if high else "") + _speech(needs)


def _speech(needs: Needs) -> str:
    """Return what a paid voice will speak, and what that costs."""
    (least, most), (low, high) = needs.characters, needs.money
    if not most:
        return ""
    cost = f" for {low:,.2f} to {high:,.2f}" if high else ""
    return f", {least:,} to {most:,} characters to speak{cost}"
