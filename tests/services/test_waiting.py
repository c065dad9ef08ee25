"""Waiting: as long as a service asks, and no longer than a request may take."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from dubkit.services.waiting import TimeIsUp, asked_wait, pause, within


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({"retry-after": "2"}, "", 2),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, "", 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, "", 0),
        ({"retry-after": "soon"}, "", None),
        ({}, "Rate limit reached. Please try again in 7.66s. Visit x", 7.66),
        ({}, "Please try again in 1m12.5s.", 72.5),
        ({}, "Please try again in 350ms", 0.35),
        ({}, "Please retry after 20 seconds.", 20),
        ({}, "try again in 5 hours", 18000),
        ({}, '{"details": [{"retryDelay": "37s"}]}', 37),
        ({}, '{"error": {"retry_after": 3}}', 3),
        ({}, "The model is overloaded. Please try again later.", None),
        ({}, "", None),
    ],
)
def test_a_service_is_waited_for_as_long_as_it_asks(
    headers: dict[str, str], text: str, seconds: float | None
) -> None:
    asked = asked_wait(headers, text)
    assert asked == (None if seconds is None else pytest.approx(seconds))


def test_a_date_to_come_back_at_is_understood() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    asked = asked_wait({"retry-after": moment}, "")
    assert asked is not None
    assert 25 < asked <= 30


def test_pauses_grow_where_the_service_asks_for_none() -> None:
    assert [pause(attempt, None) for attempt in (1, 2, 3, 9)] == [0.5, 1.0, 2.0, 8.0]
    assert pause(3, 0.05) == 0.05


def test_work_that_takes_too_long_is_left() -> None:
    assert within(5.0, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 / 0)
    began = time.monotonic()
    with pytest.raises(TimeIsUp):
        within(0.05, lambda: time.sleep(1.0))
    assert time.monotonic() - began < 0.8
