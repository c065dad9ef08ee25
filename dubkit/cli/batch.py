"""`dubkit batch`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli import run
from dubkit.cli.batch_arguments import PassedOn, pass_on, shell_words
from dubkit.cli.batch_child import start_with_variables
from dubkit.cli.options import open_session
from dubkit.cli.requests import make_request
from dubkit.cli.sources import source_of

if TYPE_CHECKING:
    from dubkit.batch.child import Command
    from dubkit.batch.folder import BatchFolder
    from dubkit.batch.loop import BatchLoop
    from dubkit.batch.settings import BatchSettings
    from dubkit.chain.chain import Request
    from dubkit.studio import Session

RUN_ONLY = {"videos", "batch", "jobs", "result", "parent", "wait", "as_json", "quiet"}
"""Parameters of `dubkit run` that have another meaning here, or none."""

OWN = (
    click.Argument(["videos"], nargs=-1, metavar="VIDEO..."),
    click.Option(
        ["--jobs"],
        default="auto",
        show_default=True,
        metavar="N|auto",
        help="The most episodes at once. Fewer run where memory, cores, cards or the disk do not allow more.",
    ),
    click.Option(["--name"], default="", help="Name of the batch; left out, it follows from the command."),
    click.Option(
        ["--watch"],
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="Take new files in this folder too, once they have stopped growing, until Ctrl-C. Repeatable.",
    ),
    click.Option(
        ["--attempts"], type=click.IntRange(1), help="Times an episode is tried; sets batch.attempts."
    ),
    click.Option(
        ["--timeout"],
        type=click.FloatRange(0.0),
        metavar="MINUTES",
        help="Longest time of one attempt, 0 for no limit; sets batch.timeout_minutes.",
    ),
    click.Option(
        ["--retry-quarantined"], is_flag=True, help="Try again what was left out after failing often."
    ),
    click.Option(["--json", "as_json"], is_flag=True, help="Print the report as JSON at the end."),
    click.Option(["--quiet", "-q"], is_flag=True, help="Show no progress."),
)

HELP = """Dub every VIDEO (a file, folder or quoted glob) into every language given with --to, many at once.

Each episode is a process of its own, so that a crash or a lack of memory costs that one only. How many run
at once follows from what is free: memory, cores, graphics cards, disk. What may pass, such as a service that
is down, is tried again; what you must fix is not. The report, with the next command for each failure, is
written anew as it goes: OUTPUT/.batch/NAME/report.html and report.json.

The same command goes on where it was stopped. All other options are those of `dubkit run`. Exit codes: 0
done, 1 something failed, 2 wrong usage, 3 done, but degraded or doubtful.
"""


def start(**flags: Any) -> None:
    """Run a batch with the options of the command line."""
    context = click.get_current_context()
    shared = [param for param in context.command.params if param.name not in RUN_ONLY and param not in OWN]
    run_batch(flags, pass_on(context, shared))


command = click.Command(
    name="batch",
    help=HELP,
    callback=start,
    params=[*OWN, *(param for param in run.command.params if param.name not in RUN_ONLY)],
)


def batch_of_run(
    videos: Sequence[str], targets: Sequence[str], output: Path | str, flags: dict[str, Any]
) -> None:
    """Do what `dubkit run --batch GLOB --jobs N` asks for."""
    context = click.get_current_context()
    shared = [param for param in context.command.params if param.name not in RUN_ONLY]
    own = {"watch": (), "name": "", "attempts": None, "timeout": None, "retry_quarantined": False}
    named = (*videos, *([flags["batch"]] if flags["batch"] else []))
    said = {"videos": named, "targets": targets, "output": output, "jobs": flags["jobs"] or "auto"}
    run_batch(flags | own | said, pass_on(context, shared))


def run_batch(flags: dict[str, Any], passed: PassedOn) -> None:
    """Run a batch and exit with the worst of its results."""
    slots = _slots(flags["jobs"])
    if not flags["videos"] and not flags["watch"]:
        raise click.UsageError("Missing argument 'VIDEO...'. Name files, folders or globs, or use --watch.")
    request = make_request(flags["targets"], flags)
    from dubkit.batch.folder import batch_name, hold_batch
    from dubkit.batch.listing import list_sources

    session = open_session(flags, flags["output"])
    here = [str(source_of(name, flags)) for name in flags["videos"]]
    sources = list_sources(here, session.output)
    if flags["dry_run"]:
        from dubkit.cli.plan import show_plans

        return show_plans(tuple(map(str, sources)), flags["targets"], flags["output"], flags)
    watched = [os.path.abspath(folder) for folder in flags["watch"]]
    what = [os.getcwd(), [os.fsencode(name).hex() for name in flags["videos"]], watched, passed.shown]
    name = flags["name"] or batch_name(request.languages, what)
    with hold_batch(session.output, name) as folder:
        loop = _make_loop(session, request, folder, (flags, passed, slots))
        with _where_episodes_run(session, loop, slots) as placed:
            code = placed.run(sources)
        if flags["as_json"]:
            click.echo(folder.table.read_text("utf-8"), nl=False)
        else:
            click.echo(str(folder.page))
    raise SystemExit(code)


def _slots(jobs: str) -> int | None:
    if jobs == "auto":
        return None
    if not jobs.isascii() or not jobs.isdecimal() or int(jobs) < 1:
        raise click.UsageError(f"--jobs {jobs}: write auto, or a number from 1.")
    return int(jobs)


def _make_loop(
    session: Session,
    request: Request,
    folder: BatchFolder,
    asked: tuple[dict[str, Any], PassedOn, int | None],
) -> BatchLoop:
    from dubkit.batch.listing import FolderWatch
    from dubkit.batch.loop import BatchLoop
    from dubkit.batch.machine import card_count, measure_room
    from dubkit.batch.needs import open_estimator
    from dubkit.batch.report import BatchTitle
    from dubkit.batch.work import BatchSetup
    from dubkit.cli.batch_progress import BatchProgress

    flags, passed, slots = asked
    limits, output = _limits(session, flags), session.output
    place = flags["output"] if isinstance(flags["output"], str) else str(output.absolute())
    cards = card_count(session.settings)
    show = BatchProgress(folder, quiet=flags["quiet"] or flags["as_json"])
    setup = BatchSetup(
        folder=folder,
        languages=request.languages,
        limits=limits,
        estimator=open_estimator(session, request),
        command=lambda source, blank: _child_command(source, blank, place, passed, cards),
        measure=lambda: measure_room(output, limits, slots=slots, cards=cards),
        tell=show.note,
        retry_quarantined=flags["retry_quarantined"],
        start=start_with_variables,
    )
    title = BatchTitle(
        languages=request.languages,
        command=_whole_command(flags, passed),
        next_command=lambda source, tags: _next_command(source, tags, place, passed),
    )
    watch = FolderWatch(tuple(flags["watch"]), output, limits.settle_seconds) if flags["watch"] else None
    return BatchLoop(setup, title, show, watch)


@contextmanager
def _where_episodes_run(session: Session, loop: BatchLoop, slots: int | None) -> Iterator[BatchLoop]:
    """Give the loop with its episodes on a cluster, where the settings name one and none needs a card."""
    from dubkit.batch.remote import AT_ONCE, remote_starter
    from dubkit.batch.rule import MachineRoom
    from dubkit.chain.executor import TABLE, Execute, chosen_executor, open_executor

    here = loop.setup
    if not chosen_executor(session.settings).cluster or here.estimator.card:
        yield loop
        return
    most = slots or session.settings.table(TABLE, Execute).workers or AT_ONCE
    with open_executor(session.settings, tell=here.tell) as workforce:
        there = replace(
            here,
            start=remote_starter(workforce, start_with_variables),
            command=lambda source, blank: alone(here.command(source, blank)),
            measure=lambda: MachineRoom(slots=most),
        )
        yield replace(loop, setup=there)


def alone(command: Command) -> Command:
    """Return the command of an episode that does all its work where it runs."""
    *before, dashes, source = command.arguments
    return replace(command, arguments=(*before, "--set", "execute.executor=here", dashes, source))


def _limits(session: Session, flags: Mapping[str, Any]) -> BatchSettings:
    from dubkit.batch.settings import BatchSettings

    limits = BatchSettings.of(session.settings)
    if flags["attempts"] is not None:
        limits = replace(limits, attempts=flags["attempts"])
    return limits if flags["timeout"] is None else replace(limits, timeout_minutes=flags["timeout"])


def _child_command(source: Path, blank: Command, place: str, passed: PassedOn, cards: int) -> Command:
    from dubkit.batch.child import PARENT, PYTHON

    card = ["--set", f"dub.devices=cuda:{blank.card}"] if blank.card is not None and cards > 1 else []
    arguments = [
        *(PYTHON, "-m", "dubkit", "run", *passed.arguments, *passed.languages),
        *("--output", place, "--no-wait", "--result", str(blank.result)),
        *("--parent", PARENT, *card, "--", os.fspath(source)),
    ]
    return replace(blank, arguments=tuple(arguments), variables=passed.secrets)


def _next_command(source: str, languages: tuple[str, ...], place: str, passed: PassedOn) -> str:
    """Return what goes on with one episode, whatever folder the shell is in."""
    to = ["--to", ",".join(languages)] if languages else []
    words = ["dubkit", "run", os.path.abspath(source), *to, "--output", place, *passed.shown]
    return f"cd {shell_words([os.getcwd()])} && {shell_words(words)}"


def _whole_command(flags: Mapping[str, Any], passed: PassedOn) -> str:
    watch = [word for folder in flags["watch"] for word in ("--watch", str(folder))]
    name = ["--name", flags["name"]] if flags["name"] else []
    jobs = ["--jobs", flags["jobs"]] if flags["jobs"] != "auto" else []
    words = ["dubkit", "batch", *flags["videos"], *passed.languages, *passed.shown, *jobs, *name, *watch]
    words += ["--output", str(flags["output"])] if flags["output"] != Path("Output") else []
    return f"cd {shell_words([os.getcwd()])} && {shell_words(words)}"
