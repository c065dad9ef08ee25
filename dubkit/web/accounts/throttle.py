"""How often a login may fail."""

from __future__ import annotations

import hashlib
import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_ACCOUNT: RateLimitItem = RateLimitItemPerMinute(10, 10)
"""Failures on one account within ten minutes, from any address."""

PER_ADDRESS: RateLimitItem = RateLimitItemPerMinute(50, 10)
"""Failures from one address within ten minutes, on any account."""


class Throttle:
    """Counts failed logins by account and by address."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait(self, account: str, address: str) -> int:
        """Return for how many seconds logins are refused; 0 when one may be tried.

        A refused login does not count, so nobody can keep an account shut by trying on.
        """
        return max(self._left(PER_ACCOUNT, "account", account), self._left(PER_ADDRESS, "address", address))

    def failed(self, account: str, address: str) -> None:
        """Count a failure."""
        self._limiter.hit(PER_ACCOUNT, "account", _key(account))
        self._limiter.hit(PER_ADDRESS, "address", _key(address))

    def succeeded(self, account: str) -> None:
        """Forget the failures of an account, but not those of its address, which may try other accounts."""
        self._limiter.clear(PER_ACCOUNT, "account", _key(account))

    def _left(self, item: RateLimitItem, kind: str, name: str) -> int:
        if self._limiter.test(item, kind, _key(name)):
            return 0
        reset, _ = self._limiter.get_window_stats(item, kind, _key(name))
        return max(1, math.ceil(reset - time.time()))


def _key(name: str) -> str:
    # Of a fixed size, whatever was sent as a name.
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
