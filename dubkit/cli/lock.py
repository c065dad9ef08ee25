"""`dubkit lock`."""

from __future__ import annotations

from pathlib import Path

import click

from dubkit.cli.options import languages, place_option


@click.command(name="lock")
@click.argument("episode", type=click.Path(path_type=Path), metavar="EPISODE")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write: talk.lock"
)
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="LANG",
    help="Language; left out, all that are dubbed. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what the lock holds as JSON.")
@place_option
def command(episode: Path, out: Path, targets: tuple[str, ...], as_json: bool, output: Path | str) -> None:
    """Write one file that says everything EPISODE was made from, so that `dubkit rebuild` makes it again.

    It holds settings, texts, edits, recordings, files given with --use and chosen takes; of the source and
    the models it holds the digests. It has no secrets. To lock lines against changes, use `dubkit review
    lock`.
    """
    from dubkit.cli.options import open_session
    from dubkit.episode.store import canonical
    from dubkit.locking.lock import write_lock
    from dubkit.review.opening import open_episode_of

    session = open_session({}, output, episode if episode.is_file() else None)
    context = open_episode_of(session, episode)
    locked = write_lock(context, languages(targets) if targets else (), out)
    if as_json:
        click.echo(canonical(locked).decode())
        return
    click.echo(
        f"{out}: {', '.join(locked.languages)}; {len(locked.keys)} results, {len(locked.texts)} texts, "
        f"{len(locked.files)} files of people, {len(locked.models)} models"
    )
    for sentence in locked.doubts:
        click.echo(f"  {sentence}")
