"""Commands of `dubkit review` that change lines and undo changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.review.episode import (
    LINES,
    episode_options,
    json_option,
    open_context,
    open_desk,
    say_event,
    say_next,
)
from dubkit.cli.review.learning import say_suggestions

if TYPE_CHECKING:
    from dubkit.review.changes import Desk

TEXTS = ("text", "source", "speaker", "route", "voice", "delivery", "note")
CLEARED = {name: name for name in (*TEXTS, "start", "end", "seed", "recording")} | {"take": "takes"}
"""Name on the command line -> field of the edit."""


@click.command(name="edit")
@episode_options
@click.argument("line", required=False, metavar="[LINE]")
@click.option("--text", help="Text of the line in the dub.")
@click.option("--source", help="What is really said in the source; the line is translated again.")
@click.option("--speaker", metavar="SPEAKER", help="Who speaks, by id or name.")
@click.option("--start", type=float, metavar="SECONDS", help="When the line starts in the episode.")
@click.option("--end", type=float, metavar="SECONDS", help="When it ends.")
@click.option(
    "--route",
    type=click.Choice(["lipdub", "drive", "voice", "keep"]),
    help="Picture and voice, picture for the voice, voice only, or neither.",
)
@click.option("--voice", metavar="VOICE", help="Voice of this line: a name, or a blend such as 0.7*a+0.3*b.")
@click.option("--delivery", metavar="WORDS", help="How it is spoken, such as: in a whisper.")
@click.option("--note", metavar="WORDS", help="Remark for people; it does not change the dub.")
@click.option(
    "--clear",
    type=click.Choice(sorted(CLEARED)),
    multiple=True,
    help="Take back the edits of this field. Repeatable.",
)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Change all lines by a file of `dubkit export` that another program changed (.csv, .srt, .vtt …).",
)
@click.option(
    "--encoding",
    default="",
    metavar="NAME",
    help="Encoding of that file, such as cp1251, if it is not UTF-8.",
)
def edit_command(
    episode: Path,
    language: str,
    output: Path | str,
    line: str | None,
    file: Path | None,
    encoding: str,
    **given: Any,
) -> None:
    """Change one LINE, or all lines with --file. Either all changes are made, or none.

    Of a table, the columns text, source, speaker, start, end, route, voice, delivery and note are read if
    present; an empty cell takes an edit back. Subtitles change texts and times. Edits of source, speaker and
    times apply to every language.
    """
    clear = frozenset(CLEARED[name] for name in given.pop("clear"))
    values = {name: value for name, value in given.items() if value is not None}
    _check_usage(line, file, values, clear)
    desk = open_desk(episode, language, output)
    if file is not None:
        return _edit_all(desk, file, encoding)
    assert line is not None
    from dubkit.review.changes import LineChange
    from dubkit.review.lines import find_lines
    from dubkit.review.speakers import find_speaker

    names = find_lines(desk.context, [line])
    if len(names) != 1:
        raise click.UsageError(f"{line}: edit one line at a time, or many with --file.")
    if "speaker" in values:
        values["speaker"] = find_speaker(desk.context, values["speaker"])
    event = desk.edit(names[0], LineChange(**values, clear=clear))
    say_event(desk, event)
    if "text" in values:
        say_suggestions(desk.context)


def _check_usage(line: str | None, file: Path | None, values: dict[str, Any], clear: frozenset[str]) -> None:
    if file is not None and (line or values or clear):
        raise click.UsageError("--file changes all lines: leave out the line and the other options.")
    if file is None and line is None:
        raise click.UsageError("Which line? Name it by number or id, or give all lines with --file.")
    if file is None and not values and not clear:
        raise click.UsageError(
            "What should change? Give --text, --speaker, --start, --clear or another option; see --help."
        )
    for name in TEXTS:
        if name in values and not values[name].strip():
            keep = " To keep the source's sound: --route keep." if name == "text" else ""
            raise click.UsageError(f"--{name} is empty. To go back to what was made: --clear {name}.{keep}")
    for name in values:
        if CLEARED[name] in clear:
            raise click.UsageError(f"Give either --{name} or --clear {name}.")


def _edit_all(desk: Desk, file: Path, encoding: str) -> None:
    from dubkit.review.files import read_changes
    from dubkit.review.history import line_of

    changes = read_changes(
        desk.context,
        file,
        encoding=encoding,
        tell=lambda said: click.echo(f"{said.place}: {said.sentence}", err=True),
    )
    event = desk.edit_all(changes)
    if event is None:
        click.echo(f"{file}: no line differs.")
        return
    homes = desk.context.fresh().placed.homes
    changed = {line_of(change, homes) for change in event.changes}
    click.echo(f"{file}: {len(changed)} {'line' if len(changed) == 1 else 'lines'} changed.")
    say_suggestions(desk.context)
    say_next(desk.context)


def _lines_of(desk: Desk, lines: tuple[str, ...]) -> list[str]:
    from dubkit.review.lines import find_lines

    return find_lines(desk.context, lines)


@click.command(name="accept")
@episode_options
@click.argument("lines", nargs=-1, required=True, metavar=LINES)
@click.option("--take-back", is_flag=True, help="Undo it: the lines need a look after all.")
def accept_command(
    episode: Path, language: str, output: Path | str, lines: tuple[str, ...], take_back: bool
) -> None:
    """Mark lines as checked and good, whatever their flags say."""
    desk = open_desk(episode, language, output)
    say_event(desk, desk.accept(_lines_of(desk, lines), not take_back))


@click.command(name="lock")
@episode_options
@click.argument("lines", nargs=-1, required=True, metavar=LINES)
def lock_command(episode: Path, language: str, output: Path | str, lines: tuple[str, ...]) -> None:
    """Lock lines: no later run changes their text or take.

    When the source of a locked line changes, list, show and every run report the conflict; nothing changes
    until you unlock the line.
    """
    desk = open_desk(episode, language, output)
    say_event(desk, desk.lock(_lines_of(desk, lines)))


@click.command(name="unlock")
@episode_options
@click.argument("lines", nargs=-1, required=True, metavar=LINES)
def unlock_command(episode: Path, language: str, output: Path | str, lines: tuple[str, ...]) -> None:
    """Unlock lines: they follow their source and the settings again."""
    desk = open_desk(episode, language, output)
    say_event(desk, desk.unlock(_lines_of(desk, lines)))


@click.command(name="undo")
@episode_options
@click.option(
    "--number",
    type=click.IntRange(min=1),
    help="Change to undo, whoever made it; your last one when left out.",
)
def undo_command(episode: Path, language: str, output: Path | str, number: int | None) -> None:
    """Undo your last change in this language, or the one with this number in the history."""
    desk = open_desk(episode, language, output)
    _say_again(desk, desk.undo(number or 0))


@click.command(name="redo")
@episode_options
def redo_command(episode: Path, language: str, output: Path | str) -> None:
    """Redo the change that you undid last."""
    desk = open_desk(episode, language, output)
    _say_again(desk, desk.redo())


def _say_again(desk: Desk, event: Any) -> None:
    click.echo(f"{event.action} of change {event.undoes}")
    if event.changes:
        say_event(desk, event)
    else:
        click.echo("It made no difference: everything was like this already.")


@click.command(name="history")
@episode_options
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Number of changes to show."
)
@json_option
def history_command(episode: Path, language: str, output: Path | str, limit: int, as_json: bool) -> None:
    """Show what was changed, when and by whom, newest first.

    Changes of other languages are left out.
    """
    from dubkit.episode.store import canonical
    from dubkit.review.history import history

    rows = history(open_context(episode, language, output, {}), limit)
    if as_json:
        click.echo(canonical(rows).decode())
        return
    for row in rows:
        taken_back = "  (undone)" if row.undone else ""
        click.echo(f"{row.number:>4}  {row.at[:16].replace('T', ' ')}  {row.who:<10}  {row.text}{taken_back}")
    if not rows:
        click.echo("Nothing has been changed yet.")


EDITING = (
    edit_command,
    accept_command,
    lock_command,
    unlock_command,
    undo_command,
    redo_command,
    history_command,
)
