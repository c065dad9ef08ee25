"""What the report is given of the timing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.episode.line_timing import line_timings
from dubkit.types import Adaptation, Schedule, ScheduledLine
from stages.shared.report_timing import timed_lines, timing_inputs
from tests.review.test_changes import LINES, PT, make_episode, speak
from tests.review.test_texts import OFFERED


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = make_episode(tmp_path)
    planned = ScheduledLine("s0001", 1100, 1000, 1300, 1000, 3000, "s0001", too_long_ms=100, text=LINES[0])
    context.store.write_json("schedule.json", Schedule(PT, "by hand", (planned,)), PT)
    context.store.write_json("adaptation.json", Adaptation(PT, (OFFERED,)), PT)
    return context.fresh()


def test_words_and_times_enter_the_key_of_the_report_only_where_they_are_fitted(context: Context) -> None:
    assert timing_inputs(context).keys() == {"adaptation.json", "schedule.json"}
    off = with_settings(context.settings, {"timing.fit": False, "timing.schedule": "off"})
    assert timing_inputs(replace(context, settings=off)) == {}


def test_dubbed_lines_are_timed_with_their_words(context: Context) -> None:
    speak(context, "s0001")
    routes = tuple(replace(r, route="keep" if r.line == "s0003" else r.route) for r in context.clips.routes)
    context.store.write_json("clips.json", replace(context.clips, routes=routes), PT)
    here = context.fresh()
    timed = {line.id: line for line in timed_lines(here, line_timings(here))}
    assert timed.keys() == {"s0001", "s0002"}  # one is kept, one has no text
    assert timed["s0001"].dub == (1.0, 3.0)
    assert timed["s0001"].too_long == pytest.approx(0.1)
    assert timed["s0002"].dub is None
    assert (timed["s0002"].first_words, timed["s0002"].words) == (4, 4)
