"""Project a catalogue on a cluster: what it costs, how long cards stand idle, and where it waits.

    python -m benchmarks.cluster [--episodes 1000] [--cards 8,64,512]

A simulation of events, without a cluster. Times of stages on the processor were measured (RESULTS.md, whole
dubs); those of the generator come from the operations of a pass at the published size and from assumptions:
no card was at hand. Two ways are compared: a whole episode on each card, as a batch on Ray does it, and the
clips of all episodes on all cards.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

LANGUAGES = 2
CORES_PER_CARD = 8
SHARED = (("recognise", 0.073), ("diarise", 0.018), ("faces", 0.079), ("other shared", 0.060))
OF_LANGUAGE = (("translate", 0.017), ("speak", 0.238))
AFTER = (("mix, stitch, other", 0.169), ("qc", 0.072))
"""Processor seconds for a second of episode, measured: the dub of 35 s, its rest shared out by the stages."""

FIRST_TFLOP = 30 * 2 * 426.5
SECOND_TFLOP = 2 * 3125.3
CLIP_SECONDS = 121 / 25
"""A clip of 121 frames at 768x512, counted: 30 guided steps, and 2 at twice the size."""

# Assumed, not measured.
CARD_TFLOPS = 400.0
DECODE_SECONDS = 12.0
OPEN_SECONDS = 13.0
"""Opening the transformer: 38 GB at 3 GB/s."""
DUBBED_SHARE = 0.4
"""Share of an episode whose lips are generated."""
PRICE = 2.5
"""Of a card for an hour, cores included."""
CLIPS_PER_PORTION = 4
CARD, CORE = "card", "core"


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of one episode in one language: portions that may run side by side."""

    name: str
    resource: str
    seconds: float
    """Of each portion."""
    portions: int


@dataclass(slots=True)
class Track:
    """Steps one after the other; other tracks begin when it ends."""

    episode: int
    steps: Sequence[Step]
    then: list[Track] = field(default_factory=list)
    at: int = 0
    handed: int = 0
    done: int = 0


def track(episode: int, seconds: float) -> Track:
    """Return the work of an episode: what is shared, then each language."""
    clips = max(1, round(seconds * DUBBED_SHARE / CLIP_SECONDS))
    portions = -(-clips // CLIPS_PER_PORTION)

    def on_cores(rows: Sequence[tuple[str, float]]) -> list[Step]:
        sides = {"speak": 8}
        return [Step(n, CORE, s * seconds / sides.get(n, 1), sides.get(n, 1)) for n, s in rows]

    card_seconds = {
        "denoise": FIRST_TFLOP / CARD_TFLOPS,
        "refine": SECOND_TFLOP / CARD_TFLOPS,
        "decode": DECODE_SECONDS,
    }
    generating = [Step(n, CARD, clips / portions * s, portions) for n, s in card_seconds.items()]
    steps = [*on_cores(OF_LANGUAGE), *generating, *on_cores(AFTER)]
    languages = [Track(episode, steps) for _ in range(LANGUAGES)]
    return Track(episode, on_cores(SHARED), languages)


class Cluster:
    """Cards and cores, and what they do in order of time; earlier episodes go first."""

    def __init__(self, cards: int) -> None:
        self.size = {CARD: cards, CORE: cards * CORES_PER_CARD}
        self.free = {CARD: cards, CORE: cards * CORES_PER_CARD}
        self.open: Counter[str] = Counter({"": cards})
        """Stage whose model is open -> free cards on which it is."""
        self.ready: dict[str, list[tuple[int, int, Track]]] = {CARD: [], CORE: []}
        self.busy = {CARD: 0.0, CORE: 0.0}
        self.least: defaultdict[str, float] = defaultdict(float)
        """Stage -> seconds of it in the least time of an episode, all episodes together."""
        self.opening = 0.0
        self.serial = 0

    def run(self, tracks: Sequence[Track]) -> float:
        """Return the seconds that all tracks take."""
        events: list[tuple[float, int, Track, Step]] = []
        now: float = 0.0
        for one in tracks:
            self._begin(one)
        while True:
            for resource in (CARD, CORE):
                while self.free[resource] and self.ready[resource]:
                    heapq.heappush(events, self._hand(resource, now))
            if not events:
                return now
            now, _, one, step = heapq.heappop(events)
            self.free[step.resource] += 1
            self.open[step.name] += step.resource == CARD
            one.done += 1
            if one.done == step.portions:
                self._next(one)

    def _begin(self, one: Track) -> None:
        one.handed = one.done = 0
        self.serial += 1
        heapq.heappush(self.ready[one.steps[one.at].resource], (one.episode, self.serial, one))

    def _next(self, one: Track) -> None:
        one.at += 1
        if one.at < len(one.steps):
            self._begin(one)
        for other in one.then if one.at == len(one.steps) else ():
            self._begin(other)

    def _hand(self, resource: str, now: float) -> tuple[float, int, Track, Step]:
        one = self.ready[resource][0][2]
        step = one.steps[one.at]
        one.handed += 1
        if one.handed == step.portions:
            heapq.heappop(self.ready[resource])
        self.free[resource] -= 1
        seconds = step.seconds + (self._opened(step.name) if resource == CARD else 0.0)
        self.busy[resource] += seconds
        self.least[step.name] += seconds / step.portions
        self.serial += 1
        return now + seconds, self.serial, one, step

    def _opened(self, name: str) -> float:
        """Take a free card, best one with the model open; return the seconds that opening takes."""
        card = name if self.open[name] else next(n for n, count in self.open.items() if count)
        self.open[card] -= 1
        seconds = OPEN_SECONDS * (card != name)
        self.opening += seconds
        return seconds


def lengths(episodes: int) -> list[float]:
    """Return the lengths of episodes in seconds: 22 to 60 minutes."""
    chance, minutes = random.Random(14), (22, 24, 42, 45, 48, 60)
    return [60 * chance.choice(minutes) * chance.uniform(0.95, 1.05) for _ in range(episodes)]


def whole_episodes(seconds: Sequence[float], cards: int) -> tuple[float, float]:
    """Return the time of all episodes, each with a card and its cores to itself, and card seconds at work."""
    free, busy = [0.0] * cards, 0.0
    for number, length in enumerate(seconds):
        alone = Cluster(1)
        took = alone.run([track(number, length)])
        busy += alone.busy[CARD]
        heapq.heappush(free, heapq.heappop(free) + took)
    return max(free), busy


def row(count: int, way: str, took: float, used: float, length: float) -> str:
    hours, idle, hour = took / 3600, 1 - used / took / count, took * count / length
    return f"| {count} | {way} | {hours:.1f} | {idle:.1%} | {hours * count * PRICE:,.0f} | {hour:.2f} |"


@click.command(help=__doc__)
@click.option("--episodes", default=1000, show_default=True)
@click.option("--cards", default="8,64,512", show_default=True)
def main(episodes: int, cards: str) -> None:
    seconds, spots = lengths(episodes), []
    dubbed = sum(seconds) * LANGUAGES
    click.echo(f"{episodes} episodes, {sum(seconds) / 3600:.0f} hours, into {LANGUAGES} languages\n")
    click.echo("| cards | spread | hours | cards idle | cost | card hours for an hour of dub |")
    click.echo("| --- | --- | --- | --- | --- | --- |")
    for count in map(int, cards.split(",")):
        cluster = Cluster(count)
        took = cluster.run([track(number, length) for number, length in enumerate(seconds)])
        click.echo(row(count, "clips", took, cluster.busy[CARD], dubbed))
        click.echo(row(count, "episodes", *whole_episodes(seconds, count), dubbed))
        total, idle = sum(cluster.least.values()), 1 - cluster.busy[CORE] / took / cluster.size[CORE]
        most = sorted(cluster.least.items(), key=lambda one: -one[1])[:5]
        parts = ", ".join(f"{name} {part / total:.0%}" for name, part in most)
        opening = cluster.opening / cluster.busy[CARD]
        spots.append(
            f"{count} cards, clips: cores idle {idle:.1%}, opening models {opening:.1%} of card time."
        )
    click.echo("\n" + "\n".join(spots))
    click.echo(f"The least time of one episode, its portions side by side: {parts}.")


if __name__ == "__main__":
    main()
