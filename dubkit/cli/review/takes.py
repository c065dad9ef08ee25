"""Commands of `dubkit review` that make, choose and play takes, and render."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.remarks import print_remarks
from dubkit.cli.review.episode import (
    LINES,
    desk_of,
    episode_options,
    named,
    open_context,
    open_desk,
    open_run,
    run_options,
    say_event,
    say_next,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dubkit.chain.run import Outcome
    from dubkit.episode.context import Context
    from dubkit.episode.edits.events import Event
    from dubkit.review.regeneration import Pending
    from dubkit.studio import Session


@click.command(name="regen")
@episode_options
@click.argument("lines", nargs=-1, required=True, metavar=LINES)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Seed of the takes; a new one when left out.")
@click.option(
    "--picture", is_flag=True, help="Of lines whose lips follow their speech, keep the speech: a new picture."
)
@click.option("--render", "renders", is_flag=True, help="Render the episode with the new takes at once.")
@click.option("--dry-run", is_flag=True, help="Only show what would be made and how long it would take.")
@run_options
def regen_command(
    episode: Path,
    language: str,
    output: Path | str,
    lines: tuple[str, ...],
    seed: int | None,
    picture: bool,
    renders: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Make a new take of lines, with another seed. Nothing else runs.

    Earlier takes stay and can be chosen again. Lines that are generated in the same clip are made together.
    With --takes, so many takes are made, each is measured in the dub, and the best is used, which may be
    the one before.
    Exit codes: 0 done, 1 error, 2 wrong usage, 3 done, but degraded or
    doubtful: an item failed, or a fall-back was used.
    """
    from dubkit.review.lines import find_lines
    from dubkit.review.regeneration import make_takes, pending

    session, context = open_run(episode, language, output, flags)
    desk = desk_of(context)
    asked = find_lines(context, lines)
    if _wants_several(session):
        if seed is not None or picture or dry_run:
            raise click.UsageError("--takes makes takes with seeds of its own: leave out the other options.")
        return _several(session, context, asked, as_json, quiet)
    changes, together = desk.seed_changes(asked, seed, picture=picture)
    due = pending(desk.after(changes), session.speeds, () if renders else together)
    along = [name for name in together if name not in asked]
    if not as_json:
        _say_due(together, along, due, dry_run)
    if dry_run:
        if as_json:
            _print_json(context, together, due)
        return
    event = desk.make(changes, "regenerate")
    outcomes = []
    with _terminal(quiet or as_json) as progress:
        outcomes.append(make_takes(session, context.source, context.language, together, progress))
        if renders and outcomes[0].exit_code != 1:
            outcomes.append(_render(session, context, progress))
    if as_json:
        _print_json(context, together, due, event, outcomes)
    else:
        _say_takes(context.fresh(), together)
        _say_outcomes(context, outcomes, rendered=renders)
    raise SystemExit(max((outcome.exit_code for outcome in outcomes), key=(0, 3, 1).index))


def _wants_several(session: Session) -> bool:
    """Tell whether this command was given --takes: that of an earlier run is not about it."""
    return session.origins.get("dub.takes", "").startswith("--") and session.settings.dub.takes > 1


def _several(session: Session, context: Context, lines: Sequence[str], as_json: bool, quiet: bool) -> None:
    """Make several takes of lines, measure each in the dub, and use the best."""
    from dubkit.chain.chain import Request
    from dubkit.cli.review.episode import who
    from dubkit.cli.run import show_outcome
    from dubkit.review.best import retake_best

    for name in lines:
        desk = desk_of(context)
        desk.rules.check_unlocked(name)
        desk.rules.check_spoken(name)
        desk.rules.check_synthetic(name)
    with _terminal(quiet or as_json) as progress:
        outcome = retake_best(session, context.fresh, lines, who(), progress)
    if not as_json:
        _say_takes(context.fresh(), lines)
    show_outcome(context.source, outcome, Request((context.language,)), as_json)
    raise SystemExit(outcome.exit_code)


def _say_due(lines: Sequence[str], along: Sequence[str], due: Pending, dry_run: bool) -> None:
    """Print what is made and how long it takes: the result of a dry run, else a notice on stderr."""
    if along:
        click.echo(f"Generated in the same clip, so also made again: {', '.join(along)}.", err=not dry_run)
    click.echo(f"{', '.join(lines)}: {due.text}", err=not dry_run)


def _say_takes(context: Context, lines: Sequence[str]) -> None:
    from dubkit.cli.review.looking import print_takes
    from dubkit.review.takes import line_takes

    for line in lines:
        click.echo(line)
        takes = [take for take in line_takes(context, line) if take.in_use]
        if takes:
            print_takes(takes)
        else:
            click.echo("  no take was made")


def _say_outcomes(context: Context, outcomes: Sequence[Outcome], *, rendered: bool) -> None:
    ran: dict[str, int] = {}
    for outcome in outcomes:
        for stage, count in outcome.ran.items():
            ran[stage] = ran.get(stage, 0) + count
    click.echo("Made: " + (", ".join(f"{stage} {count}" for stage, count in ran.items()) or "nothing"))
    print_remarks(one for outcome in outcomes for one in outcome.remarks)
    errors = [error for outcome in outcomes for error in outcome.errors]
    for error in errors:
        click.echo(f"Error: {error}", err=True)
    if errors:
        click.echo("The new seeds stay; dubkit review undo removes them.", err=True)
    elif not rendered:
        say_next(context)


def _print_json(
    context: Context,
    lines: Sequence[str],
    due: Pending,
    event: Event | None = None,
    outcomes: Sequence[Outcome] = (),
) -> None:
    from dubkit.episode.store import canonical
    from dubkit.review.takes import line_takes

    here = context.fresh()
    result: dict[str, Any] = {
        "source": str(context.source),
        "language": context.language,
        "lines": list(lines),
        "will": {stage: list(items) for stage, items in due.items.items()},
        "seconds": [round(value, 1) for value in due.seconds],
    }
    if outcomes:
        result |= {
            "change": event.number if event else None,
            "ran": [outcome.ran for outcome in outcomes],
            "takes": {line: json.loads(canonical(line_takes(here, line))) for line in lines},
            "degraded": list(dict.fromkeys(note for o in outcomes for note in o.degraded)),
            "remarks": [asdict(one) for o in outcomes for one in o.remarks],
            "errors": [error for o in outcomes for error in o.errors],
            "exit_code": max((o.exit_code for o in outcomes), key=(0, 3, 1).index),
        }
    click.echo(json.dumps(result, ensure_ascii=False))


def _terminal(quiet: bool) -> Any:
    from dubkit.progress import Terminal

    return Terminal(quiet=quiet)


def _render(session: Session, context: Context, progress: Any) -> Outcome:
    from dubkit.review.regeneration import render

    return render(session, context.source, context.language, progress)


@click.command(name="render")
@episode_options
@click.option("--dry-run", is_flag=True, help="Only show what would run and how long it would take.")
@run_options
def render_command(
    episode: Path,
    language: str,
    output: Path | str,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **flags: Any,
) -> None:
    """Rebuild the dub from the takes in use; only what has changed since the last render runs.

    Exit codes: 0 done, 1 error, 2 wrong usage, 3 done, but degraded or
    doubtful: lines failed, a fall-back was used, or the result may be wrong.
    """
    from dubkit.chain.chain import Request
    from dubkit.cli.run import show_outcome
    from dubkit.review.regeneration import pending

    session, context = open_run(episode, language, output, flags)
    due = pending(context, session.speeds)
    if dry_run and as_json:
        return _print_json(context, (), due)
    if not as_json:
        click.echo(due.text, err=not dry_run)
    if dry_run:
        return
    with _terminal(quiet or as_json) as progress:
        outcome = _render(session, context, progress)
    show_outcome(context.source, outcome, Request((context.language,)), as_json)
    raise SystemExit(outcome.exit_code)


@click.command(name="choose")
@episode_options
@click.argument("line", metavar="LINE")
@click.argument("take", metavar="TAKE")
def choose_command(episode: Path, language: str, output: Path | str, line: str, take: str) -> None:
    """Use a TAKE of a LINE, whatever changes later.

    The name of a take is v001, or c0001/v001 for a line that is generated in clips; v001 then means that take
    of all its clips.

    The next render uses it, without making it again. An edit of the line's text, source, times, speaker,
    voice or route drops it, and so does `edit --clear take`.
    """
    from dubkit.review.lines import find_lines

    desk = open_desk(episode, language, output)
    names = find_lines(desk.context, [line])
    if len(names) != 1:
        raise click.UsageError(f"{line}: choose for one line at a time.")
    say_event(desk, desk.choose(names[0], take))


@click.command(name="play")
@episode_options
@click.argument("line", metavar="LINE")
@click.option("--take", default="", metavar="TAKE", help="Hear this take instead of the one in the dub.")
@click.option("--no-open", is_flag=True, help="Only write the file.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; left out, one in the episode's folder.",
)
def play_command(
    episode: Path, language: str, output: Path | str, line: str, take: str, no_open: bool, out: Path | None
) -> None:
    """Write source and dub of a LINE side by side as one mp4, and open it in a player if there is one.

    The line plays twice: with the sound of the source, then with that of the dub. A take that is not in the
    dub is heard over the source at a lower level.
    """
    from dubkit.progress import Speeds
    from dubkit.review.lines import find_lines
    from dubkit.review.play import write_comparison
    from dubkit.review.regeneration import pending

    context = open_context(episode, language, output, {})
    names = find_lines(context, [line])
    if len(names) != 1:
        raise click.UsageError(f"{line}: play one line at a time.")
    comparison = write_comparison(context, names[0], take, out)
    if comparison.take:
        click.echo(f"Heard second: take {comparison.take}, over the source.", err=True)
    else:
        click.echo("Heard second: the rendered dub.", err=True)
    if comparison.picture is not None:
        click.echo(f"The picture is not that of the take, which is {comparison.picture}", err=True)
    due = pending(context, Speeds())
    if not due.nothing:
        click.echo(
            f"The rendered dub is older than the edits. Next: dubkit review render {named(context)}", err=True
        )
    click.echo(str(comparison.file))
    if not no_open and has_desktop():
        click.launch(str(comparison.file))


def has_desktop() -> bool:
    """Tell whether there is a desktop that can open a file."""
    import os
    import shutil
    import sys

    if sys.platform in ("darwin", "win32"):
        return True
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) and shutil.which("xdg-open") is not None


MAKING = (regen_command, choose_command, render_command, play_command)
