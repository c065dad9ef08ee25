"""What the commands of `dubkit review` share: options, opening an episode, and messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dubkit.cli.options import languages, open_session, place_option, setting_options

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.episode.edits.events import Event
    from dubkit.review.changes import Desk
    from dubkit.studio import Session

F = TypeVar("F", bound=Callable[..., Any])

LINES = "LINE..."
"""Lines, given by number, range or id."""


def episode_options(function: F) -> F:
    """Add EPISODE, `--to` and `--output`."""
    function = click.option(
        "--to",
        "language",
        default="",
        metavar="LANG",
        help="Language of the dub; may be left out when there is only one.",
    )(function)
    function = place_option(function)
    return click.argument("episode", type=_Episode(path_type=Path), metavar="EPISODE")(function)


class _Episode(click.Path):
    """An episode by its source, its folder or its name; a source in a store, by its URL, is fetched."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from dubkit.cli.sources import source_of

        return super().convert(source_of(value, {}) if "://" in str(value) else value, param, ctx)


def run_options(function: F) -> F:
    """Add the options of commands that run stages: settings, `--json`, `--quiet`."""
    function = setting_options(function)
    function = click.option("--quiet", "-q", is_flag=True, help="Show no progress.")(function)
    return json_option(function)


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print as JSON.")(function)


def open_context(episode: Path, language: str, output: Path | str, flags: Mapping[str, Any]) -> Context:
    """Open an episode in the language to review."""
    return _open(episode, language, output, flags)[1]


def open_run(
    episode: Path, language: str, output: Path | str, flags: Mapping[str, Any]
) -> tuple[Session, Context]:
    """Open an episode, and a session that runs stages in its folder.

    Settings come from the options, from `dubkit.toml` beside the source, and from the last run.
    """
    from dubkit.review.opening import open_review, to_run

    first, context = _open(episode, language, output, flags)
    own = replace(open_session(flags, output, context.source), remote=first.remote)
    session = to_run(own, context)
    return session, open_review(session, context.store.root, context.language)


def _open(
    episode: Path, language: str, output: Path | str, flags: Mapping[str, Any]
) -> tuple[Session, Context]:
    from dubkit.review.opening import open_review

    tag = languages((language,))[0] if language else ""
    session = open_session(flags, output, episode if episode.is_file() else None)
    return session, open_review(session, episode, tag)


def open_desk(episode: Path, language: str, output: Path | str) -> Desk:
    """Open an episode for changes by the person at this terminal."""
    return desk_of(open_context(episode, language, output, {}))


def desk_of(context: Context) -> Desk:
    """Return a desk for changes by the person at this terminal."""
    from dubkit.review.changes import Desk

    return Desk(context, who())


def who() -> str:
    """Return the name of the person for the log of edits."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"  # a user id without a name, as in containers


def say_event(desk: Desk, event: Event | None, *, renders: bool = True) -> None:
    """Print what was changed, and how to bring it into the dub."""
    from dubkit.episode.places import item_names
    from dubkit.review.history import sentence
    from dubkit.studio import renew
    from dubkit.types.telling import in_words

    if event is None:
        click.echo("Nothing to change: it is like this already.")
        return
    here = desk.context.fresh()
    names, homes = item_names(here), here.placed.homes
    for change in event.changes:
        click.echo(in_words(sentence(change, homes), names))
    if renders and any(change.field not in ("note", "accepted", "lock") for change in event.changes):
        say_next(desk.context)
    renew(desk.context.fresh())


def say_next(context: Context) -> None:
    """Print on stderr how to bring changes into the dub."""
    click.echo(f"Not in the dub yet. Next: dubkit review render {named(context)}", err=True)


def named(context: Context) -> str:
    """Return episode and language as arguments of a command line."""
    import shlex

    place = context.store.shown(context.store.root)
    if "://" in place:
        above, _, name = place.rpartition("/")
        return f"{shlex.quote(name)} --to {context.language} --output {shlex.quote(above)}"
    return f"{shlex.quote(place)} --to {context.language}"
