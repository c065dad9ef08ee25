"""Time the schedule of a thousand lines, and of the block of one edited line.

    python -m benchmarks.schedule [--rounds 9]

Episodes are made up: three speakers, lines of 0.4 to 6 s, texts of so many times the source's length, and a
silence of 1.5 s or more after a share of the lines.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from dubkit.voice.schedule.asked import Limits, Utterance
from dubkit.voice.schedule.blocks import blocks
from dubkit.voice.schedule.solving import schedule_lines, solver_name

LINES = 1000


@dataclass(frozen=True, slots=True)
class Episode:
    """A made-up episode."""

    name: str
    density: tuple[float, float]
    """Length of a text against its source, least and most."""
    silences: float
    """Share of lines that a longer silence follows."""

    def lines(self) -> tuple[list[Utterance], Limits]:
        """Return its lines and limits, the same every time."""
        chance = random.Random(1)
        lines: list[Utterance] = []
        clock = 500
        for number in range(LINES):
            length = chance.randint(400, 6000)
            natural = round(length * chance.uniform(*self.density))
            seen = chance.choice([True, False, None])
            speaker = f"spk{chance.randint(1, 3)}"
            lines.append(Utterance(f"s{number:04d}", speaker, clock, clock + length, natural, seen))
            quiet = chance.random() < self.silences
            clock += length + (chance.randint(1500, 4000) if quiet else chance.randint(-300, 900))
        return lines, Limits(clock + 2000)


EPISODES = (
    Episode("talk", (0.7, 1.3), 0.15),
    Episode("dense talk", (0.8, 1.7), 0.15),
    Episode("talk without a silence", (0.7, 1.3), 0.0),
    Episode("dense talk without a silence", (0.8, 1.7), 0.0),
)


def timed(work: Callable[[], object], rounds: int) -> str:
    """Return the median of wall and processor time in milliseconds, with the least and most."""
    wall, cpu = [], []
    for _ in range(rounds):
        begin, used = time.perf_counter(), time.process_time()
        work()
        wall.append(1000 * (time.perf_counter() - begin))
        cpu.append(1000 * (time.process_time() - used))
    return " | ".join(f"{statistics.median(v):.0f} ({min(v):.0f} to {max(v):.0f})" for v in (wall, cpu))


@click.command()
@click.option("--rounds", default=9, show_default=True, help="Rounds after one that does not count.")
def main(rounds: int) -> None:
    """Print a table of times in milliseconds."""
    click.echo(f"{solver_name()}, {LINES} lines\n")
    click.echo("| episode | blocks | longest | too long | all lines, wall | cpu | one line, wall | cpu |")
    click.echo("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for episode in EPISODES:
        lines, limits = episode.lines()
        parts = blocks(lines, limits)
        placed = schedule_lines(lines, limits)
        dense = sum(line.too_long_ms > 0 for line in placed)
        whole = timed(lambda lines=lines, limits=limits: schedule_lines(lines, limits), rounds)  # type: ignore[misc]
        edited = {parts[len(parts) // 2].lines[0].id}
        one = timed(
            lambda lines=lines, limits=limits, edited=edited: schedule_lines(lines, limits, wanted=edited),  # type: ignore[misc]
            rounds,
        )
        longest = max(len(part.lines) for part in parts)
        click.echo(f"| {episode.name} | {len(parts)} | {longest} lines | {dense} | {whole} | {one} |")


if __name__ == "__main__":
    main()
