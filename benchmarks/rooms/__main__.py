"""How near places and rooms are heard: `python -m benchmarks.rooms FOLDER [--count 100] [--train OUT]`.

FOLDER holds dry speech, one voice a file. With `--train` the network of `dubkit.media.sound.decay` is trained
on rooms with that speech, and written to OUT; measure it on other speech then. Needs torch.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
import numpy as np

from benchmarks.rooms.made import MEASURED, PLAIN, Made, make, read_speech
from benchmarks.rooms.training import train
from dubkit.media.sound.decay import hear_decay
from dubkit.media.sound.dress import DRY_DB, MOST_DOUBT
from dubkit.media.sound.place import find_place


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--count", default=100, show_default=True, help="Rooms to make.")
@click.option("--seed", default=1, show_default=True, help="Seed of the rooms.")
@click.option("--train", "trained", type=click.Path(dir_okay=False, path_type=Path), help="Train a network.")
@click.option("--jobs", default=1, show_default=True, help="Processes that make rooms to train on.")
@click.option("--plain", is_flag=True, help="Rooms that are nothing but noise that fades evenly.")
def main(folder: Path, count: int, seed: int, trained: Path | None, jobs: int, plain: bool) -> None:
    """Measure places and rooms on the dry speech in FOLDER."""
    if trained is not None:
        train(folder, count, seed, trained, jobs=jobs)
        return
    speech = read_speech(folder)
    rooms = (
        make(np.random.default_rng((seed, number)), speech, PLAIN if plain else MEASURED)
        for number in range(count)
    )
    begin, rows = time.process_time(), [_measure(room) for room in rooms]
    spent = time.process_time() - begin
    _say("place within 1 dB", [row["level"] <= 1 for row in rows if "level" in row], count)
    _say("place within 0.1 ms", [row["delay"] <= 0.1 for row in rows if "delay" in row], count)
    given = [row for row in rows if row["given"] and not row["dry"]]
    _say(
        "reverberation within 20 %",
        [row["time"] <= 0.2 for row in given],
        sum(not row["dry"] for row in rows),
    )
    _say(
        "dry voices left dry",
        [not row["given"] for row in rows if row["dry"]],
        sum(bool(r["dry"]) for r in rows),
    )
    errors = np.array([row["time"] for row in given])
    middle, most = np.quantile(errors, (0.5, 0.9))
    click.echo(f"reverberation: median error {middle:.1%}, nine of ten within {most:.1%}")
    click.echo(f"{spent / count:.2f} s of processor time for a room, making it included")


def _measure(room: Made) -> dict[str, float]:
    row: dict[str, float] = {"dry": room.dry, "given": False}
    place = find_place(room.sound, (0, 1))
    if place is not None and min(place.levels) > 0:
        row["level"] = abs(20 * np.log10(place.levels[0] / place.levels[1]) - room.level_db)
        row["delay"] = abs((place.delays[1] - place.delays[0]) / 48 - room.delay_ms)
    decay = hear_decay(room.sound)
    if decay is not None:
        row["given"] = decay.doubt <= MOST_DOUBT and decay.direct_db < DRY_DB
        row["time"] = abs(decay.seconds[1] / room.seconds[1] - 1)
    return row


def _say(what: str, right: list[bool], of: int) -> None:
    click.echo(f"{what}: {sum(right)} of {len(right)} that were sure ({of} rooms)")


if __name__ == "__main__":
    main()
