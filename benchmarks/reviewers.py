"""Many reviewers on one long episode: `python -m benchmarks.reviewers`.

A real server (`dubkit serve`) serves an episode dubbed by the real chain. Each reviewer opens the page and
the list of all lines, looks at one line, saves twice, and asks what a render would do, with pauses as people
make them. Times depend on the machine and its disk, so each is also given as a ratio to a bare commit of a
database: one row written to SQLite with everything synced, on the same disk, in the same run.

`--folder` keeps the episode for the next run: dubbing a thousand lines takes minutes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import secrets
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.long_episode import make_long_episode
from benchmarks.pipeline.command import machine
from benchmarks.programs import served

LANGUAGE = "pt-BR"
PAUSE = (0.2, 0.8)
"""Seconds between two requests of one reviewer."""
COMMITS = 200


@dataclass(slots=True)
class Measured:
    """What was measured: times in milliseconds by kind of request, and how many answers had each status."""

    commit: float
    """Median of a bare commit of the database."""
    times: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)


class Reviewer(threading.Thread):
    """One reviewer with one connection."""

    def __init__(self, place: str, episode: str, token: str, until: float, number: int) -> None:
        super().__init__(daemon=True)
        self._where = urlsplit(place).netloc
        self._base = f"/api/episodes/{episode}/{LANGUAGE}"
        self._page = f"/episodes/{episode}/{LANGUAGE}/review"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._until = until
        self._chance = random.Random(number)
        self.times: dict[str, list[float]] = {}
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        """Review until the time is over."""
        with closing(http.client.HTTPConnection(self._where, timeout=120)) as connection:
            time.sleep(self._chance.uniform(*PAUSE))
            while time.monotonic() < self._until:
                self._ask(connection, "page", "GET", self._page)
                lines = json.loads(self._ask(connection, "lines", "GET", f"{self._base}/lines"))["lines"]
                line = f"{self._base}/lines/{self._chance.choice(lines)['id']}"
                self._ask(connection, "one line", "GET", line)
                for _ in range(2):
                    text = {"text": f"Uma frase {self._chance.randrange(10**9)}"}
                    self._ask(connection, "save", "PATCH", line, json.dumps(text))
                self._ask(connection, "pending", "GET", f"{self._base}/pending")

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        kind: str,
        method: str,
        path: str,
        body: str | None = None,
    ) -> bytes:
        began = time.perf_counter()
        connection.request(method, path, body, self._headers)
        answer = connection.getresponse()
        raw = answer.read()
        self.times.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
        self.statuses[answer.status] += 1
        time.sleep(self._chance.uniform(*PAUSE))
        return raw


def measure(folder: Path, lines: int, reviewers: int, seconds: float) -> Measured:
    """Return what so many reviewers wait for."""
    root = folder / "Output" / "long"
    if not (root / LANGUAGE / "qc.json").is_file():
        sys.stderr.write(f"dubbing an episode of {lines} lines\n")
        make_long_episode(folder, lines)
    found = Measured(bare_commit(folder))
    token = secrets.token_urlsafe(32)
    with served(folder, DUBKIT_SERVE_API_TOKEN=token) as place:
        review(place, root.name, token, 1, 3.0)  # it does not count: it fills the caches of the server
        for one in review(place, root.name, token, reviewers, seconds):
            for kind, times in one.times.items():
                found.times.setdefault(kind, []).extend(times)
            found.statuses.update(one.statuses)
    return found


def review(place: str, episode: str, token: str, reviewers: int, seconds: float) -> list[Reviewer]:
    """Let some reviewers work for so long; return them with what they measured."""
    until = time.monotonic() + seconds
    crowd = [Reviewer(place, episode, token, until, number) for number in range(reviewers)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    return crowd


def bare_commit(folder: Path) -> float:
    """Return the median time of writing one row of a database to the disk, in milliseconds."""
    file = folder / "commit.db"
    times = []
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE IF NOT EXISTS note (text TEXT)")
        for number in range(COMMITS):
            began = time.perf_counter()
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO note VALUES (?)", (f"note {number}",))
            database.execute("COMMIT")
            times.append((time.perf_counter() - began) * 1000)
    for path in folder.glob("commit.db*"):
        path.unlink()
    return statistics.median(times)


def quantile(times: list[float], share: float) -> float:
    """Return the time within which a share of all answers came."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 when an answer was not a success."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reviewers", description=__doc__)
    parser.add_argument("--lines", type=int, default=1000, metavar="N", help="Lines of the episode (1000).")
    parser.add_argument("--reviewers", type=int, default=20, metavar="N", help="Reviewers at once (20).")
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="How long (30).")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="Where the episode is made, and stays.")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reviewers-") as temporary:
        folder = (chosen.folder or Path(temporary)).resolve()
        found = measure(folder, chosen.lines, chosen.reviewers, chosen.seconds)
    sys.stdout.write(f"{machine()}\n\nA bare commit takes {found.commit:.2f} ms.\n\n")
    sys.stdout.write(
        f"| {chosen.lines} lines, {chosen.reviewers} reviewers | half within ms | 95 % within ms "
        "| 95 % in commits | answers |\n"
        "| --- | --- | --- | --- | --- |\n"
    )
    for kind, times in found.times.items():
        half, most = quantile(times, 0.5), quantile(times, 0.95)
        sys.stdout.write(f"| {kind} | {half:.0f} | {most:.0f} | {most / found.commit:.0f} | {len(times)} |\n")
    bad = sum(count for status, count in found.statuses.items() if status >= 400)
    if bad:
        sys.stdout.write(f"\n{bad} answers were errors: {dict(found.statuses)}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
