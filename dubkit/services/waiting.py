"""How long to wait: for an answer, and before a request is sent again."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, Queue
from typing import TypeVar

Value = TypeVar("Value")

LONGEST = 120.0
"""Seconds that a service may ask to wait; one that asks for more has no more to give today."""
LOOK = 0.2
"""Seconds between two looks whether anybody still waits."""
_FIRST, _LAST = 0.5, 8.0
"""Seconds of the first pause, which doubles each time, and of the longest."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNIT = r"(?:ms|milliseconds?|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)(?![a-z])\s*"
_ASKED = re.compile(rf"(?:again|retry|wait)\b\D{{0,25}}?((?:\d+(?:\.\d+)?\s*{_UNIT})+)", re.IGNORECASE)
_DELAY = re.compile(r'"retry_?(?:delay|after)"\s*:\s*"?((?:\d+(?:\.\d+)?)(?:ms|s|m|h)?)"?', re.IGNORECASE)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h|d|$)", re.IGNORECASE)


class TimeIsUp(Exception):
    """Work did not end within its time."""


def within(seconds: float, work: Callable[[], Value], stopped: threading.Event | None = None) -> Value:
    """Return what `work` returns, or raise what it raises.

    Raises TimeIsUp when it takes longer, and soon after `stopped` is set.

    A limit for all of it: a service that sends a byte now and then keeps each single read alive.
    """
    box: Queue[tuple[bool, object]] = Queue(1)

    def put() -> None:
        try:
            box.put((True, work()))
        except BaseException as error:
            box.put((False, error))

    threading.Thread(target=put, daemon=True).start()
    whole, value = _taken(box, seconds, stopped)
    if whole:
        return value  # type: ignore[return-value]  # what `work` returned
    assert isinstance(value, BaseException)
    raise value


def _taken(
    box: Queue[tuple[bool, object]], seconds: float, stopped: threading.Event | None
) -> tuple[bool, object]:
    over = time.monotonic() + seconds
    while True:
        left = over - time.monotonic()
        try:
            return box.get(timeout=max(0.0, min(left, LOOK) if stopped else left))
        except Empty:
            if left <= LOOK or (stopped is not None and stopped.is_set()):
                raise TimeIsUp from None


def pause(attempt: int, asked: float | None) -> float:
    """Return the seconds before attempt number `attempt` (from 1) is followed by another one."""
    return asked if asked is not None else min(_LAST, _FIRST * 2 ** (attempt - 1))


def asked_wait(headers: Mapping[str, str], text: str) -> float | None:
    """Return the seconds that a service asks to wait, in headers or words; None if it asks nothing."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d+(?:\.\d+)?", value):
            return float(value) * unit
        if value and (moment := _moment(value)):
            return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    found = _DELAY.search(text) or _ASKED.search(text)
    return _seconds(found[1]) if found else None


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(span: str) -> float:
    """Return a span such as `1m12.5s`, `350ms` or `20 seconds` in seconds."""
    parts = _SPAN.findall(span)
    return sum(
        float(n) * _UNITS["ms" if unit.casefold() == "milli" else unit.casefold() or "s"] for n, unit in parts
    )
