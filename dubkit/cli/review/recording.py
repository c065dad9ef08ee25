"""Commands of `dubkit review` for actors' recordings."""

from __future__ import annotations

from pathlib import Path

import click

from dubkit.cli.review.episode import desk_of, episode_options, open_context, say_event, say_next


@click.command(name="count-in")
@episode_options
@click.argument("lines", nargs=-1, metavar="[LINES]")
@click.option(
    "--speaker", default="", metavar="SPEAKER", help="Only the lines of this speaker, by name or id."
)
@click.option(
    "--font", default="", metavar="FILE", help="Font of the texts; left out, one that has the letters."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; left out, one in the episode's folder.",
)
def count_in_command(
    episode: Path,
    language: str,
    output: Path | str,
    lines: tuple[str, ...],
    speaker: str,
    font: str,
    out: Path | None,
) -> None:
    """Write a video to record against: three beeps and a moving bar before every line, its text below.

    The source's own sound is 18 dB lower. A line within 3.5 s of the one before has no beeps.
    """
    from dubkit.review.count_in import make_count_in
    from dubkit.review.lines import find_lines

    context = open_context(episode, language, output, {})
    chosen = find_lines(context, lines) if lines else []
    written = make_count_in(context, chosen, speaker, font, out)
    click.echo(f"{written.cues} cues, {written.seconds:.1f} s", err=True)
    if written.unlettered:
        click.echo(f"The texts are not on the picture. {written.unlettered}", err=True)
    click.echo(str(written.file))


@click.command(name="take-recording")
@episode_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--line", default="", metavar="LINE", help="The line that FILE is a recording of.")
@click.option(
    "--video", default="", metavar="NAME", help="The count-in video that FILE was recorded against."
)
def take_recording_command(
    episode: Path, language: str, output: Path | str, file: Path, line: str, video: str
) -> None:
    """Take over FILE: of one --line, or a long one against a count-in video, which is cut into its lines.

    A long recording is laid to the video by the beeps that are on it; without beeps it begins with the video.
    Lines in which nothing is heard keep what they have; earlier recordings are moved to recordings/earlier.
    """
    context = open_context(episode, language, output, {})
    if line:
        from dubkit.review.lines import find_lines
        from dubkit.review.recording import take_recording

        desk = desk_of(context)
        names = find_lines(context, [line])
        if len(names) != 1:
            raise click.UsageError(f"{line}: a recording is of one line.")
        return say_event(desk, take_recording(desk, names[0], file))
    from dubkit.review.count_in import take_long_recording

    cut = take_long_recording(context, file, video)
    by = (
        "without beeps: taken to begin with the video"
        if cut.offset is None
        else f"laid to its beeps ({cut.offset:+.3f} s)"
    )
    click.echo(f"{file.name}: {by}.", err=True)
    for name in cut.kept.values():
        click.echo(str(context.store.path(f"recordings/{name}", context.language)))
    if cut.silent:
        click.echo(f"Nothing was heard in {', '.join(cut.silent)}.", err=True)
    say_next(context)


RECORDING = (count_in_command, take_recording_command)
