"""Figures of an episode's timing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.qc.timing import Span, TimedLine, covered, joined, talking_over, timing_figures

times = st.floats(0.0, 100.0).map(lambda seconds: round(seconds, 3))
spans = st.tuples(times, times).map(lambda pair: (min(pair), max(pair)))


def line(name: str, source: Span, dub: Span | None, **known: Any) -> TimedLine:
    return TimedLine(name, source, dub, **known)


def test_hurried_lines_are_counted_as_people_read_their_pace() -> None:
    paces = (1.0, 1.104, 1.106, 1.2004, 1.21, 1.36)
    figures = timing_figures(
        line(f"s{n}", (float(n), n + 1.0), (float(n), n + 1.0), pace=pace) for n, pace in enumerate(paces)
    )
    assert (figures.over_110, figures.over_120, figures.over_135) == (4, 2, 1)
    assert figures.share(figures.over_120) == pytest.approx(2 / 6)


def test_a_line_that_is_not_spoken_counts_for_overlap_and_for_nothing_else() -> None:
    figures = timing_figures(
        [
            line("s1", (0.0, 2.0), (0.5, 2.0), pace=1.0, cut=True),
            line("s2", (3.0, 5.0), None, pace=2.0, cut=True),
        ]
    )
    assert (figures.lines, figures.cut, figures.over_120) == (1, 1, 0)
    assert figures.overlap == pytest.approx(1.5 / 4)
    assert figures.start_error_worst == pytest.approx(0.5)


def test_measured_speech_takes_the_place_of_the_lines_spans() -> None:
    lines = [line("s1", (0.0, 4.0), (0.0, 4.0))]
    heard = timing_figures(lines, source_speech=[(0.0, 1.0), (3.0, 4.0)], dub_speech=[(0.0, 1.0)])
    assert heard.overlap == pytest.approx(0.5)


def test_starts_count_early_or_late_and_seen_ones_apart() -> None:
    figures = timing_figures(
        [
            line("s1", (1.0, 2.0), (0.7, 2.0)),
            line("s2", (3.0, 4.0), (3.1, 4.0), seen=True),
            line("s3", (5.0, 6.0), (5.0, 6.0), seen=True),
        ]
    )
    assert figures.start_error_median == pytest.approx(0.1)
    assert figures.start_error_worst == pytest.approx(0.3)
    assert figures.seen_start_error_worst == pytest.approx(0.1)


def test_longer_texts_do_not_make_up_for_words_lost_elsewhere() -> None:
    figures = timing_figures(
        [
            line("s1", (0.0, 1.0), (0.0, 1.0), first_words=10, words=7),
            line("s2", (2.0, 3.0), (2.0, 3.0), first_words=4, words=6),
        ]
    )
    assert (figures.words_lost, figures.first_words) == (3, 14)


def test_nothing_spoken_gives_no_shares() -> None:
    figures = timing_figures([])
    assert figures.lines == 0
    assert figures.share(figures.cut) is figures.overlap is figures.start_error_median is None


def test_talking_over_counts_only_what_the_source_does_not_have() -> None:
    apart = [line("s1", (0.0, 1.0), (0.0, 1.4)), line("s2", (1.2, 2.0), (1.2, 2.0))]
    together = [line("s1", (0.0, 1.4), (0.0, 1.4)), line("s2", (1.2, 2.0), (1.2, 2.0))]
    assert talking_over(apart) == pytest.approx(0.2)
    assert talking_over(together) == pytest.approx(0.0)


def test_talking_over_sees_a_long_line_that_holds_several() -> None:
    lines = [
        line("s1", (0.0, 1.0), (0.0, 10.0)),
        line("s2", (2.0, 3.0), (2.0, 2.5)),
        line("s3", (6.0, 9.0), (6.0, 9.0)),
    ]
    assert talking_over(lines) == pytest.approx(3.0)


@given(st.lists(spans), st.lists(spans))
def test_cover_is_what_counting_milliseconds_gives(wanted: list[Span], there: list[Span]) -> None:
    def ticks(some: list[Span]) -> set[int]:
        return {t for start, end in some for t in range(round(start * 1000), round(end * 1000))}

    share = covered(wanted, there)
    if not ticks(wanted):
        assert share is None
    else:
        assert share == pytest.approx(len(ticks(wanted) & ticks(there)) / len(ticks(wanted)), abs=1e-6)


@given(st.lists(spans))
def test_joined_spans_are_apart_and_in_order(some: list[Span]) -> None:
    whole = joined(some)
    assert all(before[1] < after[0] for before, after in pairwise(whole))
