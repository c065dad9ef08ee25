"""Options of `dubkit export` for subtitles that people read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dubkit.formats.layout.reading import KINDS

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.episode.subtitle_kinds import SubtitleWish
    from dubkit.formats.layout.reading import SubtitleKind
    from dubkit.types import Tell

Command = TypeVar("Command", bound=Callable[..., object])


def subtitle_options(command: Command) -> Command:
    """Add the options to a command."""
    options = (
        click.option(
            "--subtitles",
            type=click.Choice(KINDS),
            help="Subtitles to read: of the source, of the dub (target), both, only of what stays foreign "
            "(forced), or with names and sounds (sdh). Lines break by language, long texts go to several.",
        ),
        click.option(
            "--line-length",
            type=click.IntRange(8, 200),
            help="Characters on a line of --subtitles.  [default: by language, 42 or 16 to 36]",
        ),
        click.option(
            "--reading-speed",
            type=click.FloatRange(1, 100),
            help="Characters a second of --subtitles.  [default: by language, 17 or 8 to 12]",
        ),
        click.option(
            "--burn-in",
            is_flag=True,
            help="Write a film to --out (mp4, mkv, mov) with --subtitles in its pictures: the dub, or "
            "without --lang the source. Pictures are encoded again.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def subtitle_wish(options: Mapping[str, Any], lang: str) -> SubtitleWish | None:
    """Return which subtitles are wanted; None for none. Raises UsageError for options that do not fit."""
    from dubkit.episode.subtitle_kinds import SubtitleWish

    kind: SubtitleKind | None = options["subtitles"] or (
        ("target" if lang else "source") if options["burn_in"] else None
    )
    if kind is None:
        for name in ("line_length", "reading_speed"):
            if options[name] is not None:
                raise click.UsageError(f"--{name.replace('_', '-')} is for --subtitles.")
        return None
    return SubtitleWish(kind, options["line_length"] or 0, options["reading_speed"] or 0.0)


def burn_film(context: Context, wish: SubtitleWish, out: Path | None, tell: Tell) -> None:
    """Write the film of --burn-in."""
    from dubkit.episode.burning import burn_in

    if out is None:
        raise click.UsageError("--burn-in writes a film: name it with --out.")
    burn_in(context, wish, out, tell)
    click.echo(str(out))
