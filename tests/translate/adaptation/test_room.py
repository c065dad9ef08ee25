"""How much time a line has: never the same silence twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.translate.adaptation.choosing import choose, misses, pace
from dubkit.translate.adaptation.room import AFTER, BEFORE, BREATH, Room, rooms
from dubkit.types import Candidate, Segment


def segments(*times: tuple[float, float]) -> list[Segment]:
    return [Segment(f"s{n}", *span, "spk1", "") for n, span in enumerate(times)]


def test_a_line_may_use_a_part_of_the_pause_after_it() -> None:
    found = rooms(segments((0.0, 1.0), (1.3, 2.0), (5.0, 6.0)), 6.0, frozenset({"s0", "s1", "s2"}))
    assert found["s0"] == Room(1.0, round(1.3 - BREATH, 3))
    assert found["s1"] == Room(0.7, round(0.7 + AFTER, 3))
    assert found["s2"] == Room(1.0, 1.0)


def test_a_line_whose_speaker_is_not_seen_may_start_before_its_source() -> None:
    lines = segments((1.0, 2.0), (5.0, 6.0))
    unseen, seen = rooms(lines, 9.0), rooms(lines, 9.0, frozenset({"s1"}))
    assert unseen["s1"].most - seen["s1"].most == pytest.approx(BEFORE)


def test_lines_that_overlap_keep_their_own_time() -> None:
    found = rooms(segments((0.0, 3.0), (2.0, 2.5)), 2.5 + 0.5, frozenset({"s0", "s1"}))
    assert found == {"s0": Room(3.0, 3.0), "s1": Room(0.5, 0.5)}


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), min_size=1, max_size=12))
def test_two_lines_never_use_the_same_silence(spans: list[tuple[int, int]]) -> None:
    lines = segments(*((start / 10, (start + length) / 10) for start, length in spans))
    found = rooms(lines, 120.0)
    covered, last = 0.0, 0.0
    for line in sorted(lines, key=lambda s: s.start):
        assert 0 <= found[line.id].most - found[line.id].source <= AFTER + BEFORE + 1e-6
        covered += max(0.0, line.end - max(line.start, last))
        last = max(last, line.end)
    used = sum(room.most - room.source for room in found.values())
    assert used <= 120.0 - covered + 1e-3


ROOM = Room(1.0, 1.2)


@pytest.mark.parametrize(
    ("seconds", "needed"), [(1.2, 1.0), (1.1, 1.0), (0.85, 1.0), (1.44, 1.2), (0.6, 0.6), (1.0, 1.0)]
)
def test_the_pace_is_that_of_the_nearest_end_of_the_room(seconds: float, needed: float) -> None:
    assert pace(seconds, ROOM) == pytest.approx(needed)


def test_a_short_word_in_a_short_time_misses_nothing() -> None:
    assert not misses(0.2, Room(0.35, 0.35), 0.1)
    assert misses(0.5, Room(0.35, 0.35), 0.1)


def candidate(seconds: float, fidelity: float = 1.0, *losses: str) -> Candidate:
    return Candidate(f"{seconds}", seconds, "model", losses=losses, fidelity=fidelity)


@pytest.mark.parametrize(
    ("texts", "best"),
    [
        ([candidate(1.25), candidate(1.1)], 0),  # nobody hears a pace of 1.04
        ([candidate(1.6), candidate(1.2), candidate(1.35)], 1),
        ([candidate(1.6), candidate(1.2, 0.5), candidate(1.25, 0.9)], 2),
        ([candidate(1.6), candidate(1.2, 1.0, "name: Ana")], 0),
        ([candidate(1.6), candidate(1.5), candidate(1.4)], 2),
        ([candidate(0.4), candidate(0.6), candidate(1.1)], 2),
        ([candidate(1.6, 0.8, "number: 3"), candidate(1.2, 1.0, "negation")], 0),
        ([candidate(1.6)], 0),
        ([candidate(1.6), candidate(0.9), candidate(1.2), candidate(1.1)], 2),  # it says the most
        ([candidate(0.5), candidate(1.2), candidate(0.9)], 2),
    ],
)
def test_the_best_is_chosen_by_fit_and_fidelity(texts: list[Candidate], best: int) -> None:
    number, why = choose(texts, ROOM)
    assert number == best
    assert why.endswith(".")
