"""`dubkit storyboard`: a film of several shots from one file."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dubkit.cli.options import load

if TYPE_CHECKING:
    from dubkit.storyboard import BoardFilm, Moment, PlannedShot
    from dubkit.types import Remark


@click.command(name="storyboard")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("Output"),
    show_default=True,
    help="Folder in which the film gets a folder of its own: NAME.storyboard for NAME.toml.",
)
@click.option(
    "--plan", "only_plan", is_flag=True, help="Show which shots would be made, and why; make nothing."
)
@click.option(
    "--enhance", is_flag=True, help="Let Gemma write every prompt out first, whatever the file says."
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cuda", "mps", "cpu"]),
    help="Where it runs.  [the setting device]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def command(
    file: Path, output: Path, only_plan: bool, enhance: bool, device: str | None, as_json: bool, quiet: bool
) -> None:
    """Make the film of the storyboard FILE, shot by shot.

    FILE is TOML: scenes with shots, and elements (people, things, places) that shots name. Each shot begins
    with the last frame of the one before in its scene; a new scene begins afresh.

    \b
      height = 512
      width = 768
      [elements.ana]
      trigger = "Ana"
      look = "a woman of thirty in a yellow raincoat"
      [[scenes]]
      setting = "A wooden pier at dawn."
      [[scenes.shots]]
      prompt = "Ana walks along the pier."
      [[scenes.shots]]
      prompt = 'Ana stops and says: "It is cold."'
      seconds = 4

    A shot that is made is kept: the same command goes on after a stop or a kill, and after a change it makes
    the changed shots again and those that go on from them. Model files are those of `dubkit models`.

    Exit codes: 0 done, 1 error, 2 wrong usage, 130 stopped.
    """
    import msgspec

    from dubkit.storyboard.opening import BoardSession, film_folder
    from dubkit.storyboard.reading import read_storyboard
    from dubkit.studio import open_models

    board = read_storyboard(file)
    if enhance:
        board = msgspec.structs.replace(board, enhance=True)
    settings = load({"device": device}).settings
    session, root = BoardSession(settings, open_models(settings)), film_folder(output, file)
    if only_plan:
        _show_plan(session.plan(board, root), as_json)
        return
    try:
        film = session.make(board, root, None if quiet else Progress(), _tell)
    except KeyboardInterrupt:
        click.echo(
            "\nStopped. Shots that are whole are kept; the same command goes on with the others.", err=True
        )
        raise SystemExit(130) from None
    _show_film(film, as_json)


def _tell(remark: Remark) -> None:
    click.echo(remark.sentence, err=True)


def _show_plan(shots: list[PlannedShot], as_json: bool) -> None:
    if as_json:
        rows = [
            {"shot": s.id, "prompt": s.prompt, "frames": s.shown, "after": s.after, "due": s.due}
            for s in shots
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for shot in shots:
        follows = f", goes on from {shot.after}" if shot.after else ""
        click.echo(f"{shot.id}: {shot.shown} frames{follows}; {shot.due or 'is there'}")
        click.echo(f"  {shot.prompt}")


def _show_film(film: BoardFilm, as_json: bool) -> None:
    if as_json:
        value = {
            "film": str(film.path),
            "thumbnail": str(film.thumbnail),
            "frames": film.frames,
            "made": list(film.made),
            "kept": list(film.kept),
            "not_enhanced": dict(film.not_enhanced),
        }
        click.echo(json.dumps(value, ensure_ascii=False, indent=1))
        return
    for shot, fault in film.not_enhanced:
        click.echo(f"{shot}: the prompt was not enhanced, and was used as it was written: {fault}.", err=True)
    made = f"{len(film.made)} shots made" if len(film.made) != 1 else "1 shot made"
    click.echo(f"{film.path}: {film.frames} frames; {made}, {len(film.kept)} kept")


class Progress:
    """Reports on stderr which shot is made, and how far it has come."""

    def __init__(self) -> None:
        self.live, self.shot, self.began = sys.stderr.isatty(), "", 0.0

    def __call__(self, moment: Moment) -> None:
        if moment.shot != self.shot:
            self.shot, self.began = moment.shot, time.monotonic()
            click.echo(f"shot {moment.number} of {moment.count}: {moment.shot}", err=True)
        if self.live:
            click.echo(
                f"\r\033[K  {moment.step}: {moment.done} of {moment.total}, {moment.share:.0%} of the film",
                err=True,
                nl=False,
            )
        elif moment.done == moment.total:
            took = time.monotonic() - self.began
            click.echo(f"  {moment.step}: done after {took:.1f} s, {moment.share:.0%} of the film", err=True)
