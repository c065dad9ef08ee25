"""How often a login may fail before the next ones are slowed down.

Nobody is shut out by the failures of others. A browser that has logged in before has a bucket of its own
(`dubkit.web.accounts.devices`). All others share one for each account and one for each address: beyond that
they wait before a password is looked at, few at a time, longer with every failure.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_ACCOUNT: RateLimitItem = RateLimitItemPerMinute(10, 10)
"""Failures on one account within ten minutes, from any address, before logins to it wait."""

PER_ADDRESS: RateLimitItem = RateLimitItemPerMinute(50, 10)
"""Failures from one address within ten minutes, on any account, before logins from it wait."""

PER_DEVICE: RateLimitItem = RateLimitItemPerMinute(10, 10)
"""Failures of one known browser within ten minutes, before it counts as an unknown one."""

LONGEST = 15.0
"""Seconds that a login waits at most."""

PLACES = {"account": 1, "address": 5}
"""Logins that may wait at the same time for one account, and from one address; others are refused."""

_COUNTED: RateLimitItem = RateLimitItemPerMinute(1000, 10)
"""So many failures are counted; the limits above are steps below."""


class TooMany(Exception):
    """Too many failures; no login is tried for `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Throttle:
    """Counts failed logins by account, by address and by known browser."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._waiting: Counter[tuple[str, str]] = Counter()

    def wait(self, account: str, address: str) -> float:
        """Return for how many seconds a login of an unknown browser waits; 0 when it may be tried at once."""
        beyond = [
            self._failures("account", account) - PER_ACCOUNT.amount,
            self._failures("address", address) - PER_ADDRESS.amount,
        ]
        worst = max(beyond)
        return min(LONGEST, 2.0 ** min(worst, 10)) if worst >= 0 else 0.0

    @contextmanager
    def place(self, account: str, address: str) -> Iterator[float]:
        """Hold a place among those that wait while a login is tried; give the seconds to wait.

        Raises TooMany when there is none.
        """
        seconds = self.wait(account, address)
        places = (("account", account), ("address", address)) if seconds else ()
        if any(self._waiting[place] >= PLACES[place[0]] for place in places):
            raise TooMany(round(seconds) + 1)
        self._waiting.update(places)
        try:
            yield seconds
        finally:
            self._waiting.subtract(places)
            self._waiting += Counter()  # without those that nobody waits for

    def failed(self, account: str, address: str) -> None:
        """Count a failure of an unknown browser."""
        self._limiter.hit(_COUNTED, "account", _key(account))
        self._limiter.hit(_COUNTED, "address", _key(address))

    def succeeded(self, account: str) -> None:
        """Forget the failures of an account, but not those of its address, which may try other accounts."""
        self._limiter.clear(_COUNTED, "account", _key(account))

    def trusts(self, device: str) -> bool:
        """Tell whether a known browser has not failed too often."""
        return self._limiter.test(PER_DEVICE, "device", _key(device))

    def device_failed(self, device: str) -> None:
        """Count a failure of a known browser, or of somebody who has logged in."""
        self._limiter.hit(PER_DEVICE, "device", _key(device))

    def _failures(self, kind: str, name: str) -> int:
        _, left = self._limiter.get_window_stats(_COUNTED, kind, _key(name))
        return _COUNTED.amount - left


def _key(name: str) -> str:
    # Of a fixed size, whatever was sent as a name.
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
