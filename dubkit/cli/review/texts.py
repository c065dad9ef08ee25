"""Command of `dubkit review` that shows the texts a line may have, and chooses one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dubkit.cli.review.episode import desk_of, episode_options, json_option, open_context, say_event

if TYPE_CHECKING:
    from dubkit.episode.line_timing import OwnText
    from dubkit.review.texts import LineTexts


@click.command(name="choose-text")
@episode_options
@click.argument("line", metavar="LINE")
@click.argument("number", required=False, type=click.IntRange(min=1), metavar="[N]")
@json_option
def choose_text_command(
    episode: Path, language: str, output: Path | str, line: str, number: int | None, as_json: bool
) -> None:
    """List the texts that a LINE may have, with the time each takes, or choose the one with number N.

    The first translation is 1. In the list, a star marks the text in use, and a plus sign the one that was
    chosen for its time. Your choice is an edit of the line's text; the text with the plus sign takes it back.
    """
    from dubkit.episode.store import canonical
    from dubkit.review.lines import find_lines
    from dubkit.review.texts import candidates_of, choose_text

    context = open_context(episode, language, output, {})
    names = find_lines(context, [line])
    if len(names) != 1:
        raise click.UsageError(f"{line}: name one line.")
    if number is not None:
        desk = desk_of(context)
        event = choose_text(desk, names[0], number)
        if not as_json:
            return say_event(desk, event)
        context = context.fresh()
    texts = candidates_of(context, names[0])
    if as_json:
        click.echo(canonical(texts).decode())
    else:
        _print_texts(texts)


def _print_texts(texts: LineTexts) -> None:
    if not texts.offered:
        click.echo(f"{texts.line} has one text: its words were not fitted to its time.")
        return
    click.echo(f"{texts.line}: {texts.room:.2f} s. {texts.why}")
    for text in texts.offered:
        click.echo(f" {_row(text)}")
    if texts.written:
        click.echo(f" *   written by hand: {texts.text}")


def _row(text: OwnText) -> str:
    mark = ("*" if text.used else " ") + ("+" if text.chosen else " ")
    length = f"{text.seconds:5.2f} s at {text.pace:.2f}"
    notes = [*text.changes, *(f"loses {loss}" for loss in text.losses)]
    noted = f"  ({'; '.join(notes)})" if notes else ""
    return f"{mark}{text.number}  {length}  {text.text}{noted}"


TEXTS = (choose_text_command,)
