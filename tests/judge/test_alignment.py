"""A dub's clock is found on that of its source by their pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dubkit.judge.alignment import Shown, align


def film(seconds: float, *, rate: float = 25.0, seed: int = 1, start: float = 0.0) -> Shown:
    """Pictures that cut and move as films do."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    shots = np.repeat(random.normal(size=(count // 20 + 1, 144)), 20, axis=0)[:count]
    cells = shots + 0.2 * np.cumsum(random.normal(size=(count, 144)), axis=0) / 5
    return shown(cells, start + np.arange(count) / rate)


def shown(cells: np.ndarray, times: np.ndarray) -> Shown:
    changes = np.abs(np.diff(cells, axis=0, prepend=cells[:1])).mean(axis=1)
    centred = cells - cells.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return Shown(times, unit.astype(np.float32), changes.astype(np.float32))


SOURCE = film(20.0)


def test_the_same_film_lies_on_itself() -> None:
    found = align(SOURCE, SOURCE)
    assert (found.offset, found.speed) == (0.0, 1.0)
    assert found.is_same_picture


@pytest.mark.parametrize("offset", [2.0, -1.5])
def test_a_film_that_begins_later_or_earlier_is_found(offset: float) -> None:
    moved = replace(SOURCE, times=SOURCE.times + offset)
    kept = moved.times >= 0
    dub = Shown(moved.times[kept], moved.cells[kept], moved.changes[kept])
    found = align(SOURCE, dub)
    assert found.offset == pytest.approx(offset, abs=0.05)
    assert found.dub_time(3.0) == pytest.approx(3.0 + offset, abs=0.05)


def test_a_film_at_another_speed_is_found() -> None:
    dub = replace(SOURCE, times=SOURCE.times * 24 / 25)
    found = align(SOURCE, dub)
    assert found.speed == pytest.approx(24 / 25)
    assert found.offset == pytest.approx(0.0, abs=0.05)


def test_another_film_is_none_and_the_clock_stays() -> None:
    found = align(SOURCE, film(20.0, seed=2, start=1.0))
    assert not found.is_same_picture
    assert (found.offset, found.speed) == (0.0, 1.0)


def test_a_still_picture_begins_with_its_source() -> None:
    one = np.repeat(np.random.default_rng(3).normal(size=(1, 144)), 250, axis=0)
    still = shown(one, np.arange(250) / 25)
    assert align(still, still).offset == 0.0


def test_without_a_picture_the_clocks_are_one() -> None:
    found = align(None, SOURCE)
    assert (found.offset, found.speed, found.alike) == (0.0, 1.0, None)
    assert not found.is_same_picture
