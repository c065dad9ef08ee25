"""Commands of `dubkit review` about speakers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dubkit.cli.review.episode import LINES, episode_options, json_option, open_context, open_desk, say_event

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.review.speakers import SpeakerRow


@click.command(name="speakers")
@episode_options
@json_option
def speakers_command(episode: Path, language: str, output: Path | str, as_json: bool) -> None:
    """List the speakers: name, description for the prompt, voice, lines, and where to hear the voice."""
    from dubkit.cli.tables import print_table
    from dubkit.episode.store import canonical
    from dubkit.review.speakers import speakers

    rows = speakers(open_context(episode, language, output, {}))
    if as_json:
        click.echo(canonical(rows).decode())
        return
    heads = ["id", "name", "lines", "seconds", "pitch", "voice", "heard at", "description"]
    cloned = any(row.reference for row in rows)
    print_table(
        (*heads, "cloned from") if cloned else tuple(heads),
        [
            (
                row.id,
                row.name,
                str(row.lines),
                f"{row.seconds:.1f}",
                f"{row.pitch_hz:.0f} Hz" if row.pitch_hz else "",
                row.voice,
                f"{row.sample[0]:.2f}-{row.sample[1]:.2f} s",
                row.description + (" (a guess)" if row.guessed else ""),
                *((_cloned_from(row),) if cloned else ()),
            )
            for row in rows
        ],
    )


def _cloned_from(row: SpeakerRow) -> str:
    if row.reference is None:
        return ""
    return row.reference.about + (" (another one with the next render)" if row.reference.waiting else "")


@click.command(name="reference")
@episode_options
@click.argument("speaker", metavar="SPEAKER")
@click.option("--candidate", type=click.IntRange(1), metavar="N", help="Piece of the source, by number.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Recording of the person alone, of 3 to 12 seconds.",
)
@click.option("--text", default="", metavar="WORDS", help="What is said in the recording.")
@click.option("--reset", is_flag=True, help="Take back what was chosen by hand.")
def reference_command(
    episode: Path,
    language: str,
    output: Path | str,
    speaker: str,
    candidate: int | None,
    file: Path | None,
    text: str,
    reset: bool,
) -> None:
    """Show what the voice of a SPEAKER is cloned from, and the pieces to choose among; or choose another."""
    from dubkit.review.references import choose_reference, give_reference, reset_reference
    from dubkit.review.speakers import find_speaker

    if sum((candidate is not None, file is not None, reset)) > 1:
        raise click.UsageError("Give one of --candidate, --file and --reset.")
    if text and file is None:
        raise click.UsageError("--text is what is said in the recording of --file.")
    desk = open_desk(episode, language, output)
    name = find_speaker(desk.context, speaker)
    if candidate is not None:
        say_event(desk, choose_reference(desk, name, candidate), renders=True)
    elif file is not None:
        say_event(desk, give_reference(desk, name, file, text), renders=True)
    elif reset:
        say_event(desk, reset_reference(desk, name), renders=True)
    else:
        _show_reference(desk.context, name)


def _show_reference(context: Context, speaker: str) -> None:
    from dubkit.cli.tables import print_table
    from dubkit.review.references import reference_row

    row = reference_row(context, speaker)
    if row is None:
        click.echo(f"{speaker} has no reference: voices are cloned with --voice-mode clone.")
        return
    click.echo(f"{speaker}: {row.about}" + (f"\n“{row.text}”" if row.text else ""))
    if row.waiting:
        click.echo("Another one was chosen; the next render takes it.")
    print_table(
        ("candidate", "at", "seconds", "score", "scores", "text"),
        [
            (
                f"{piece.number} (chosen)" if piece.chosen else str(piece.number),
                f"{piece.start:.2f} s",
                f"{piece.seconds:.1f}",
                f"{piece.score:.2f}",
                " ".join(f"{name} {value:.2f}" for name, value in piece.scores.items()),
                piece.text,
            )
            for piece in row.pieces
        ],
    )


@click.command(name="rename")
@episode_options
@click.argument("speaker", metavar="SPEAKER")
@click.argument("name", required=False, metavar="[NAME]")
@click.option(
    "--description",
    metavar="WORDS",
    help="Description for the prompt, in every language, such as: The young woman.",
)
@click.option(
    "--voice", metavar="VOICE", help="Voice in this language: a name, or a blend such as 0.7*a+0.3*b."
)
def rename_command(
    episode: Path,
    language: str,
    output: Path | str,
    speaker: str,
    name: str | None,
    description: str | None,
    voice: str | None,
) -> None:
    """Change the NAME, description or voice of a SPEAKER; an empty value takes the edit back."""
    from dubkit.review.speakers import SpeakerChange, describe_speaker, find_speaker

    if name is None and description is None and voice is None:
        raise click.UsageError("What should change? Give a NAME, --description or --voice.")
    desk = open_desk(episode, language, output)
    change = SpeakerChange(name, description, voice)
    event = describe_speaker(desk, find_speaker(desk.context, speaker), change)
    say_event(desk, event, renders=description is not None or voice is not None)


@click.command(name="merge")
@episode_options
@click.argument("speakers", nargs=-1, required=True, metavar="SPEAKER...")
@click.option("--into", required=True, metavar="SPEAKER", help="The speaker who gets their lines.")
def merge_command(
    episode: Path, language: str, output: Path | str, speakers: tuple[str, ...], into: str
) -> None:
    """Merge speakers who are the same person: another one gets all their lines.

    This includes locked lines, without a conflict, as the lines themselves do not change.
    """
    from dubkit.review.speakers import find_speaker, merge_speakers

    desk = open_desk(episode, language, output)
    named = [find_speaker(desk.context, speaker) for speaker in speakers]
    say_event(desk, merge_speakers(desk, named, find_speaker(desk.context, into)))


@click.command(name="split")
@episode_options
@click.argument("lines", nargs=-1, required=True, metavar=LINES)
@click.option("--name", required=True, metavar="NAME", help="Name of the new speaker.")
def split_command(
    episode: Path, language: str, output: Path | str, lines: tuple[str, ...], name: str
) -> None:
    """Split off a new speaker, who gets these lines: one speaker was really two people."""
    from dubkit.review.lines import find_lines
    from dubkit.review.speakers import assign

    if not name.strip():
        raise click.UsageError("--name is empty: who speaks these lines?")
    desk = open_desk(episode, language, output)
    say_event(desk, assign(desk, find_lines(desk.context, lines), "", name))


@click.command(name="assign")
@episode_options
@click.argument("lines", nargs=-1, required=True, metavar=LINES)
@click.option("--speaker", required=True, metavar="SPEAKER", help="Who speaks them, by id or name.")
def assign_command(
    episode: Path, language: str, output: Path | str, lines: tuple[str, ...], speaker: str
) -> None:
    """Assign lines to another speaker of the episode."""
    from dubkit.review.lines import find_lines
    from dubkit.review.speakers import assign, find_speaker

    desk = open_desk(episode, language, output)
    target = find_speaker(desk.context, speaker)
    say_event(desk, assign(desk, find_lines(desk.context, lines), target))


SPEAKING = (speakers_command, reference_command, rename_command, merge_command, split_command, assign_command)
