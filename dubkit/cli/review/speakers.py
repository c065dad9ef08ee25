"""Commands of `dubkit review` about speakers."""

from __future__ import annotations

from pathlib import Path

import click

from dubkit.cli.review.episode import LINES, episode_options, json_option, open_context, open_desk, say_event


@click.command(name="speakers")
@episode_options
@json_option
def speakers_command(episode: Path, language: str, output: Path, as_json: bool) -> None:
    """List the speakers: name, description for the prompt, voice, lines, and where to hear the voice."""
    from dubkit.cli.tables import print_table
    from dubkit.episode.store import canonical
    from dubkit.review.speakers import speakers

    rows = speakers(open_context(episode, language, output, {}))
    if as_json:
        click.echo(canonical(rows).decode())
        return
    heads = ("id", "name", "lines", "seconds", "pitch", "voice", "heard at", "description")
    print_table(
        heads,
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
            )
            for row in rows
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
    output: Path,
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
def merge_command(episode: Path, language: str, output: Path, speakers: tuple[str, ...], into: str) -> None:
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
def split_command(episode: Path, language: str, output: Path, lines: tuple[str, ...], name: str) -> None:
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
def assign_command(episode: Path, language: str, output: Path, lines: tuple[str, ...], speaker: str) -> None:
    """Assign lines to another speaker of the episode."""
    from dubkit.review.lines import find_lines
    from dubkit.review.speakers import assign, find_speaker

    desk = open_desk(episode, language, output)
    target = find_speaker(desk.context, speaker)
    say_event(desk, assign(desk, find_lines(desk.context, lines), target))


SPEAKING = (speakers_command, rename_command, merge_command, split_command, assign_command)
