"""Who may write an episode in a store: numbered claims that are renewed, of which the lowest alive one holds.

A claim is an object with a name of its own, `<number>-<token>.json`, so no claim overwrites another, and no
condition of the server is needed; only that a listing shows what was written before it began.

1. A run lists the claims and writes one with the next number, within `SETTLE` seconds; else it starts anew.
2. It waits for `SETTLE` seconds and lists again, then for half of that and lists once more. It holds the
   episode when its claim was the lowest of those alive both times.

Two runs never hold at once: let A have the lower number, and B hold because A was not listed yet. B's claim
was there for `SETTLE` seconds before B's last listing, and A listed at most `SETTLE` seconds before its claim
appeared, so A saw B's claim and took a higher number.

A claim is dead when its content has not changed for twice the lease, by the clock of whoever looks: clocks of
two machines are never compared. A holder renews every third of the lease, writes nothing when its last
renewal is older than the lease, and looks before each record whether a later run has taken over (`FENCE`).
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dubkit.errors import EpisodeBusy, OutputLost
from dubkit.remote.failures import ObjectMissing, StoreError
from dubkit.remote.objects import Objects, new_token

log = logging.getLogger(__name__)

FOLDER = ".dubkit/store"
CLAIMS = f"{FOLDER}/claims"
FENCE = f"{FOLDER}/fence.json"
"""Number and token of the run that wrote last. A run with a lower number must not write."""

SETTLE = 2.0
"""Seconds within which a claim follows its listing, and for which it then waits.

The same for all runs, or two could hold at once; so it is no setting."""


class HoldLost(OutputLost):
    """Another run has taken over the episode, or the store was out of reach for longer than the lease."""


@dataclass(slots=True)
class Claim:
    """A run's claim to an episode."""

    number: int
    token: str
    folder: str
    """Working folder of the run: nobody else works there, so an older claim of the same one is dead."""
    beat: int = 0

    @property
    def name(self) -> str:
        """Name of its object: names sort by number."""
        return f"{CLAIMS}/{self.number:010d}-{self.token}.json"

    def content(self, state: str) -> bytes:
        """Return its object: who claims, and a number that changes with every renewal."""
        row = {
            "folder": self.folder,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "state": state,
            "beat": self.beat,
            "at": time.time(),
        }
        return json.dumps(row).encode()


@dataclass(slots=True)
class _Seen:
    """What is known of the claims of others: their last content, and when it last changed."""

    rows: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    def alive(self, name: str, raw: bytes, patience: float, folder: str) -> bool:
        now = steady()
        before = self.rows.get(name)
        if before is None or before[0] != raw:
            self.rows[name] = before = (raw, now)
        row = _row(raw)
        if row.get("state") == "released" or (row.get("folder") == folder and folder):
            return False
        return now - before[1] < patience


class Hold:
    """A run's hold on an episode in a store."""

    def __init__(self, objects: Objects, folder: str) -> None:
        self._objects = objects
        self._folder = folder
        self._settle = SETTLE
        self._lease = objects.settings.lease
        self._claim: Claim | None = None
        self._renewed = 0.0
        self._lost = ""
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()
        self.previous = ""
        """The token of the run that held the episode before."""

    @property
    def number(self) -> int:
        """The fencing number; two that waited at once may have the same, and then the token decides."""
        assert self._claim is not None
        return self._claim.number

    @property
    def order(self) -> tuple[int, str]:
        """Number and token: those of a later hold are higher."""
        return self.number, self.token

    @property
    def token(self) -> str:
        """The name of this hold alone."""
        assert self._claim is not None
        return self._claim.token

    def acquire(self, *, wait: bool, on_wait: Callable[[str], None]) -> None:
        """Take the episode; while another run holds it wait, or raise EpisodeBusy without `wait`."""
        seen, told = _Seen(), False
        try:
            self._announce()
            self._thread = threading.Thread(target=self._renew, daemon=True)
            self._thread.start()
            while True:
                other = self._other_after(self._settle, seen) or self._other_after(self._settle / 2, seen)
                if not other:
                    break
                sentence = f"{self._objects.place()} is in use by {other}"
                if not wait:
                    raise EpisodeBusy(f"{sentence}.\nTry again when it has ended.")
                if not told:
                    on_wait(
                        f"{sentence}; waiting. If it was killed, its hold ends in {2 * self._lease:.0f} s."
                    )
                    told = True
            self._take()
        except BaseException:
            self.release()
            raise

    def check(self) -> None:
        """Raise HoldLost where this run must not write any more."""
        if not self._lost and steady() - self._renewed > self._lease:
            self._lost = f"it could not be renewed for {self._lease:.0f} s"
        if self._lost:
            raise HoldLost(
                f"{self._objects.place()}: this run lost its hold on the episode: {self._lost}.\n"
                "What it has finished is kept. Run the same command again: it resumes."
            )

    def check_fence(self) -> None:
        """Raise HoldLost where a later run has begun to write, which this one's clock may not tell."""
        self.check()
        if read_fence(self._objects) > self.order:
            self._lost = "another run has taken over"
            self.check()

    def release(self) -> None:
        """Give the episode back. Its claim stays, marked as released: the next one takes a higher number."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(timeout=self._objects.settings.timeout)
        claim = self._claim
        if claim is None:
            return
        with self._writing:
            claim.beat += 1
            try:
                if self._lost:
                    self._objects.remove(claim.name)
                else:
                    self._objects.write(claim.name, claim.content("released"))
            except StoreError as error:
                log.debug("the claim %s was not released: %s", claim.name, error)

    # inside

    def _announce(self) -> None:
        """Write a claim with the next number, so soon after the listing that no later one can be missed."""
        for attempt in range(1, self._objects.settings.attempts + 1):
            began = steady()
            numbers = [_number(name) for name in self._objects.list(CLAIMS)]
            fence, _ = read_fence(self._objects)
            claim = Claim(max([fence, *numbers], default=0) + 1, new_token(), self._folder)
            try:
                self._objects.write(claim.name, claim.content("waiting"), once=True)
            except StoreError:
                if attempt == self._objects.settings.attempts:
                    raise
                continue  # it may still arrive; nobody renews it, so it dies
            if steady() - began <= self._settle:
                self._claim, self._renewed = claim, began
                return
            self._objects.remove(claim.name)
        raise StoreError(
            f"{self._objects.place()}: the store answers too slowly to take an episode safely "
            f"(a listing and a small object took longer than {self._settle:.0f} s each time).\n"
            "Run the same command again when the connection is better."
        )

    def _other_after(self, seconds: float, seen: _Seen) -> str:
        """Return after a while who has a lower claim that is alive; empty when this run's is the lowest."""
        time.sleep(seconds)
        self.check()
        claim = self._claim
        assert claim is not None
        names = self._objects.list(CLAIMS)
        if claim.name not in names:
            self._lost = "its claim was removed, so it was thought dead"
            self.check()
        for name in sorted(names):
            if name >= claim.name:
                continue
            try:
                raw = self._objects.read(name)
            except ObjectMissing:
                continue
            if seen.alive(name, raw, 2 * self._lease, self._folder):
                return _who(raw)
        return ""

    def _take(self) -> None:
        """Write the fence, and remove the claims of runs that are over."""
        claim = self._claim
        assert claim is not None
        self.previous = read_fence(self._objects)[1]
        fence = {"number": claim.number, "token": claim.token, "host": socket.gethostname()}
        self._objects.write(FENCE, json.dumps(fence).encode())
        self.check()
        self._objects.remove_all(name for name in sorted(self._objects.list(CLAIMS)) if name < claim.name)

    def _renew(self) -> None:
        while not self._end.wait(self._lease / 3):
            claim = self._claim
            assert claim is not None
            began = steady()
            try:
                with self._writing:
                    if self._end.is_set():
                        return
                    self.check()
                    claim.beat += 1
                    self._objects.write(claim.name, claim.content("alive"), once=True)
                self._renewed = began
            except HoldLost:
                return
            except Exception as error:  # the next renewal may succeed; `check` counts the time
                log.debug("the claim %s was not renewed: %s", claim.name, error)


def read_fence(objects: Objects) -> tuple[int, str]:
    """Return number and token of the run that wrote last; 0 where none did."""
    try:
        row = _row(objects.read(FENCE))
    except ObjectMissing:
        return 0, ""
    number = row.get("number")
    return (number if isinstance(number, int) else 0), str(row.get("token", ""))


def steady() -> float:
    """Return seconds on a clock that never goes back, and goes on while the machine sleeps where it can."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


def _number(name: str) -> int:
    digits = name.rpartition("/")[2].partition("-")[0]
    return int(digits) if digits.isdigit() else 0


def _row(raw: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(raw)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _who(raw: bytes) -> str:
    row = _row(raw)
    return f"process {row.get('pid', '?')} on {row.get('host', 'another machine')}"
