"""What the commands of `dubkit review` share: which episode they work on, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dubkit.cli.options import languages, open_session, output_option, setting_options

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.episode.edits.events import Event
    from dubkit.review.changes import Desk
    from dubkit.studio import Session

F = TypeVar("F", bound=Callable[..., Any])

LINES = "LINE..."
"""Lines are named by number, range or id."""


def episode_options(function: F) -> F:
    """Add EPISODE, `--to` and `--output`."""
    function = click.option(
        "--to",
        "language",
        default="",
        metavar="LANG",
        help="Language of the dub; may be left out where there is only one.",
    )(function)
    function = output_option(function)
    return click.argument("episode", type=click.Path(path_type=Path), metavar="EPISODE")(function)


def run_options(function: F) -> F:
    """Add what commands take that make something: settings, `--json`, `--quiet`."""
    function = setting_options(function)
    function = click.option("--quiet", "-q", is_flag=True, help="No progress.")(function)
    return json_option(function)


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print as JSON.")(function)


def open_context(episode: Path, language: str, output: Path, flags: Mapping[str, Any]) -> Context:
    """Return the episode in the language that is reviewed."""
    from dubkit.review.opening import open_review

    tag = languages((language,))[0] if language else ""
    source = episode if episode.is_file() else None
    return open_review(open_session(flags, output, source), episode, tag)


def open_run(episode: Path, language: str, output: Path, flags: Mapping[str, Any]) -> tuple[Session, Context]:
    """Return the episode, and the session that makes something in its folder.

    Settings are those of the flags, of `dubkit.toml` beside the source, and of the last run.
    """
    from dubkit.review.opening import open_review, to_run

    context = open_context(episode, language, output, flags)
    session = to_run(open_session(flags, output, context.source), context)
    return session, open_review(session, context.store.root, context.language)


def open_desk(episode: Path, language: str, output: Path) -> Desk:
    """Return the desk of the person at this terminal."""
    return desk_of(open_context(episode, language, output, {}))


def desk_of(context: Context) -> Desk:
    """Return the desk of the person at this terminal for an opened episode."""
    from dubkit.review.changes import Desk

    return Desk(context, who())


def who() -> str:
    """Return the name of the person, as the log of edits has it."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"  # a user id without a name, as in containers


def say_event(desk: Desk, event: Event | None, *, renders: bool = True) -> None:
    """Print what was changed, and how it gets into the dub where it does."""
    from dubkit.review.history import sentence

    if event is None:
        click.echo("Nothing to change: it is so already.")
        return
    homes = desk.context.fresh().placed.homes
    for change in event.changes:
        click.echo(sentence(change, homes))
    if renders and any(change.field not in ("note", "accepted", "lock") for change in event.changes):
        say_next(desk.context)


def say_next(context: Context) -> None:
    """Say on stderr how changes get into the dub."""
    click.echo(f"Not in the dub yet. Next: dubkit review render {named(context)}", err=True)


def named(context: Context) -> str:
    """Return the episode and language as a command line names them."""
    import shlex

    folder = context.store.root
    return f"{shlex.quote(str(folder))} --to {context.language}"
