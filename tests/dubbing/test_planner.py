"""The clip planner: what every plan guarantees, and the choices it makes."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.dubbing.planning.planner import BRIDGE, ClipWindow, Limits, make_clips, merged, plan_clips
from dubkit.dubbing.planning.sizes import choose_size
from dubkit.dubbing.planning.spans import FrameClock, LineSpan, line_spans, silences
from dubkit.errors import SettingError
from dubkit.types import Segment, Shot, VideoStream, Word

LENGTHS = st.integers(1, 32).map(lambda k: 8 * k + 1)
LIMITS = st.builds(Limits, max_frames=LENGTHS, handle_frames=st.integers(0, 64))
FIT = choose_size(1920, 1080)


def shot(first: int, end: int, number: int = 1) -> Shot:
    return Shot(f"shot{number:03d}", first, end, first / 25, end / 25)


def shots(*edges: int) -> list[Shot]:
    return [shot(a, b, n) for n, (a, b) in enumerate(pairwise(edges), start=1)]


@st.composite
def episodes(draw: st.DrawFn) -> tuple[list[Shot], list[LineSpan], list[tuple[int, int]]]:
    lengths = draw(st.lists(st.one_of(st.integers(1, 12), st.integers(1, 900)), min_size=1, max_size=5))
    edges = [0]
    for length in lengths:
        edges.append(edges[-1] + length)
    moments = st.integers(0, edges[-1])
    ranges = st.tuples(moments, moments).map(lambda pair: (min(pair), max(pair)))
    spans = draw(st.lists(ranges.filter(lambda pair: pair[0] < pair[1]), max_size=6))
    quiet = draw(st.lists(ranges, max_size=8))
    return shots(*edges), [LineSpan(f"s{n:04d}", *span) for n, span in enumerate(spans)], quiet


def check_clips(windows: tuple[ClipWindow, ...], cuts: list[Shot], limits: Limits) -> None:
    by_id = {window.id: window for window in windows}
    rooms = {one.id: one for one in cuts}
    assert list(by_id) == [f"c{n:04d}" for n in range(1, len(windows) + 1)]
    before = 0
    for window in windows:
        room = rooms[window.shot]
        assert window.frames % 8 == 1
        assert 9 <= window.frames <= limits.max_frames
        assert room.start_frame <= window.start_frame
        assert window.start_frame + window.real_frames <= room.end_frame
        assert window.real_frames == min(window.frames, room.end_frame - window.start_frame)
        assert window.start_frame <= window.keep_start < window.keep_end
        assert window.keep_end <= window.start_frame + window.real_frames
        assert window.keep_start > window.start_frame or window.keep_start == room.start_frame
        assert window.keep_start >= before
        before = window.keep_end
        if window.follows:
            check_chain(by_id[window.follows], window, limits)


def check_chain(previous: ClipWindow, window: ClipWindow, limits: Limits) -> None:
    assert previous.shot == window.shot
    step = window.start_frame - previous.start_frame
    assert step >= 8
    assert step % 8 == 0
    shared = previous.start_frame + previous.frames - window.start_frame
    assert shared == (17 if limits.max_frames >= 25 else limits.max_frames - 8)
    assert window.frames > shared
    assert previous.real_frames == previous.frames
    assert previous.keep_end == window.keep_start > window.start_frame


@settings(deadline=None, max_examples=300)
@given(episodes(), LIMITS)
def test_every_frame_of_every_line_is_kept_exactly_once_inside_its_shot(
    episode: tuple[list[Shot], list[LineSpan], list[tuple[int, int]]], limits: Limits
) -> None:
    cuts, spans, quiet = episode
    windows = plan_clips(cuts, spans, quiet, limits)
    check_clips(windows, cuts, limits)
    kept = [frame for window in windows for frame in range(window.keep_start, window.keep_end)]
    assert len(kept) == len(set(kept))
    for span in spans:
        assert set(range(span.first, span.end)) <= set(kept)
        for window in windows:
            inside = span.first < window.keep_end and span.end > window.keep_start
            assert (span.line in window.lines) == inside
    edges = {span.first for span in spans} | {one.start_frame for one in cuts}
    for window in windows:
        assert window.lines
        assert window.follows or window.keep_start in edges


@settings(deadline=None, max_examples=100)
@given(episodes(), LIMITS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    episode: tuple[list[Shot], list[LineSpan], list[tuple[int, int]]], limits: Limits, order: random.Random
) -> None:
    cuts, spans, quiet = episode
    mixed = order.sample(cuts, len(cuts)), order.sample(spans, len(spans)), order.sample(quiet, len(quiet))
    assert plan_clips(*mixed, limits) == plan_clips(*episode, limits)


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 5000), LIMITS, st.integers(0, 40), st.integers(0, 40))
def test_a_chain_delivers_as_many_frames_as_were_asked_for(
    length: int, limits: Limits, before: int, after: int
) -> None:
    # A step of 121 - 24 = 97 with a trim of 25 loses a frame per clip; here nothing is counted twice.
    room = shot(0, before + length + after)
    windows = plan_clips([room], [LineSpan("s0001", before, before + length)], (), limits)
    check_clips(windows, [room], limits)
    assert sum(window.keep_end - window.keep_start for window in windows) == length
    assert (windows[0].keep_start, windows[-1].keep_end) == (before, before + length)
    assert all(window.follows for window in windows[1:])


def test_300_frames_take_three_clips_on_one_grid() -> None:
    windows = plan_clips([shot(0, 400)], [LineSpan("s0001", 50, 350)])
    assert [(w.start_frame, w.frames, w.keep_start, w.keep_end) for w in windows] == [
        (46, 121, 50, 163),
        (150, 121, 163, 267),
        (254, 105, 267, 350),
    ]
    assert [w.follows for w in windows] == ["", "c0001", "c0002"]


def test_neighbours_share_a_clip_when_they_fit() -> None:
    spans = [LineSpan("s0001", 10, 40), LineSpan("s0002", 70, 100)]
    (window,) = plan_clips([shot(0, 200)], spans)
    assert (window.keep_start, window.keep_end, window.lines) == (10, 100, ("s0001", "s0002"))
    first, second = plan_clips([shot(0, 200)], spans, (), Limits(max_frames=57))
    assert (first.keep_end, second.keep_start, second.follows) == (40, 70, "")


def test_neighbours_do_not_share_a_clip_over_a_line_that_is_spoken_otherwise() -> None:
    spans = [LineSpan("s0001", 10, 40), LineSpan("s0003", 70, 100)]
    windows = plan_clips([shot(0, 200)], spans, apart=[(45, 65)])
    assert [window.lines for window in windows] == [("s0001",), ("s0003",)]
    assert len(plan_clips([shot(0, 200)], spans, apart=[(0, 10), (40, 40), (100, 120)])) == 1
    close = [LineSpan("s0001", 10, 40), LineSpan("s0003", 44, 100)]
    assert len(plan_clips([shot(0, 200)], close, apart=[(41, 43)])) == 2


def test_lines_of_different_shots_never_share_a_clip() -> None:
    windows = plan_clips(shots(0, 50, 100), [LineSpan("s0001", 30, 49), LineSpan("s0002", 50, 70)])
    assert [(w.shot, w.lines) for w in windows] == [("shot001", ("s0001",)), ("shot002", ("s0002",))]


def test_a_line_over_a_cut_is_covered_shot_by_shot() -> None:
    windows = plan_clips(shots(0, 50, 100), [LineSpan("s0001", 30, 70)])
    assert [(w.keep_start, w.keep_end) for w in windows] == [(30, 50), (50, 70)]
    assert windows[1].start_frame == 50
    assert not windows[1].follows


def test_two_speakers_at_once_are_in_one_clip() -> None:
    spans = [LineSpan("s0002", 30, 60), LineSpan("s0001", 20, 50)]
    (window,) = plan_clips([shot(0, 100)], spans)
    assert (window.keep_start, window.keep_end, window.lines) == (20, 60, ("s0001", "s0002"))


def test_a_short_pause_inside_long_speech_stays_in_the_chain() -> None:
    spans = [LineSpan("s0001", 10, 100), LineSpan("s0002", 100 + BRIDGE, 200)]
    first, second = plan_clips([shot(0, 300)], spans, [(100, 100 + BRIDGE)])
    assert first.keep_end == second.keep_start == 100 + BRIDGE // 2
    assert second.follows == first.id
    wide = [LineSpan("s0001", 10, 100), LineSpan("s0002", 101 + BRIDGE, 200)]
    first, second = plan_clips([shot(0, 300)], wide)
    assert (first.keep_end, second.keep_start) == (100, 101 + BRIDGE)


def test_no_clip_lies_in_a_pause() -> None:
    spans = [LineSpan("s0001", 0, 69), LineSpan("s0002", 81, 82)]
    for frames in (9, 17, 25, 33, 41):
        for window in plan_clips([shot(0, 82)], spans, (), Limits(frames, 0)):
            assert window.lines


def test_long_speech_is_split_in_the_widest_silence_within_reach() -> None:
    room, span = [shot(0, 400)], [LineSpan("s0001", 10, 200)]
    assert plan_clips(room, span, [(70, 71), (90, 96), (20, 60)])[0].keep_end == 93
    assert plan_clips(room, span, [(75, 75), (90, 90)])[0].keep_end == 90
    assert plan_clips(room, span, [(75, 83), (90, 110)])[0].keep_end == 100
    assert plan_clips(room, span, [(20, 40), (300, 310)])[0].keep_end == 123


def test_a_shot_of_three_frames_is_filled_up() -> None:
    (window,) = plan_clips(shots(0, 100, 103, 200), [LineSpan("s0001", 100, 103)])
    assert (window.start_frame, window.frames, window.real_frames) == (100, 9, 3)
    assert (window.keep_start, window.keep_end) == (100, 103)


def test_frames_are_taken_from_the_shot_before_one_is_repeated() -> None:
    (window,) = plan_clips([shot(0, 100)], [LineSpan("s0001", 80, 100)])
    assert (window.start_frame, window.frames, window.real_frames) == (75, 25, 25)
    # The handle at the end gives way where the shot has no room for a whole step.
    (window,) = plan_clips([shot(0, 12)], [LineSpan("s0001", 2, 9)])
    assert (window.start_frame, window.frames, window.real_frames) == (0, 9, 9)


def test_speech_at_the_first_frame_of_a_shot_keeps_frame_0() -> None:
    (window,) = plan_clips([shot(0, 100)], [LineSpan("s0001", 0, 20)])
    assert window.keep_start == window.start_frame == 0
    (window,) = plan_clips([shot(0, 100)], [LineSpan("s0001", 5, 20)], (), Limits(handle_frames=0))
    assert window.start_frame == 4


def test_the_last_frame_of_the_episode_is_delivered() -> None:
    windows = plan_clips([shot(0, 1003)], [LineSpan("s0001", 0, 1003)])
    assert windows[-1].keep_end == 1003
    assert windows[-1].start_frame + windows[-1].real_frames == 1003
    assert windows[-1].frames - windows[-1].real_frames < 8


def test_nothing_to_say_is_no_clip() -> None:
    assert plan_clips([shot(0, 100)], []) == ()
    assert plan_clips([], []) == ()


@pytest.mark.parametrize(
    ("cuts", "spans", "words"),
    [
        (shots(0, 100), [LineSpan("s0001", 20, 20)], "s0001 has no frames: 20 to 20"),
        (shots(0, 100), [LineSpan("s0001", 20, 10)], "s0001 has no frames"),
        (shots(0, 100), [LineSpan("s0001", 90, 101)], "s0001 .* 90 to 101, in no shot"),
        (shots(0, 100), [LineSpan("s0001", -1, 10)], "in no shot"),
        ([shot(0, 10), shot(20, 30, 2)], [LineSpan("s0001", 5, 25)], "in no shot"),
        ([shot(0, 10), shot(9, 30, 2)], [], "shot001 and shot002 overlap"),
        (shots(0, 100), [LineSpan("s0001", 0, 9), LineSpan("s0001", 20, 29)], "given twice"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_name(
    cuts: list[Shot], spans: list[LineSpan], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        plan_clips(cuts, spans)


@pytest.mark.parametrize(
    ("frames", "cure"), [(120, "use 113 or 121"), (8, "use 9"), (265, "use 257"), (0, "use 9"), (1, "use 9")]
)
def test_a_longest_clip_off_the_grid_is_refused_with_the_next_ones(frames: int, cure: str) -> None:
    with pytest.raises(SettingError, match=rf"dub\.max_frames = {frames}.*{cure}\.$"):
        Limits(max_frames=frames)


def test_a_handle_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="0 frames or more, not -1"):
        Limits(handle_frames=-1)


# --- clips ------------------------------------------------------------------------------------


def test_a_clip_says_the_prompts_of_its_lines_in_order_of_time() -> None:
    windows = plan_clips([shot(0, 200)], [LineSpan("b", 10, 40), LineSpan("a", 60, 90)])
    (clip,) = make_clips(windows, {"a": "The man says: “No.”", "b": "Ana says: “Yes?” \n"}, FIT)
    assert clip.prompt == "Ana says: “Yes?” The man says: “No.”"
    assert (clip.fit, clip.lines) == (FIT, ("b", "a"))
    assert clip.window == "f6n89of89_800x448"


def test_a_line_without_prompt_is_refused() -> None:
    windows = plan_clips([shot(0, 200)], [LineSpan("s0001", 10, 40)])
    with pytest.raises(ValueError, match=r"s0001 of clip c0001"):
        make_clips(windows, {"s0001": ""}, FIT)


# --- seconds to frames ------------------------------------------------------------------------


def film(rate: Fraction, frames: int, start: Fraction = Fraction(0)) -> VideoStream:
    return VideoStream(0, "h264", 1920, 1080, rate, frames, start, start + frames / rate)


RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60000, 1001)]


@settings(deadline=None)
@given(st.sampled_from(RATES), st.integers(0, 200_000), st.integers(1, 5000), st.sampled_from([0, 1, 7]))
def test_frame_edges_survive_the_rounding_of_seconds(
    rate: Fraction, first: int, length: int, start: int
) -> None:
    clock = FrameClock.even(film(rate, 250_000, Fraction(start, 90)))
    begin, end = clock.time_of(first), clock.time_of(first + length)
    assert clock.shown(float(begin), float(end)) == (first, first + length)
    assert clock.edges(float(begin), float(end)) == (first, first + length)


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=2, max_size=50), st.data())
def test_variable_rates_are_exact(steps: list[int], draw: st.DataObject) -> None:
    times, now = [], Fraction(1, 3)
    for step in steps:
        times.append(now)
        now += Fraction(step, 1000)
    clock = FrameClock.listed(times, now)
    first = draw.draw(st.integers(0, len(times) - 1))
    end = draw.draw(st.integers(first + 1, len(times)))
    assert clock.shown(float(clock.time_of(first)), float(clock.time_of(end))) == (first, end)
    inside = (clock.time_of(first) + clock.time_of(first + 1)) / 2
    assert clock.shown(float(inside), float(inside) + 0.0004)[0] == first


def test_a_frame_counts_when_part_of_it_is_shown() -> None:
    clock = FrameClock.even(film(Fraction(25), 100))
    assert clock.shown(0.05, 0.13) == (1, 4)
    assert clock.shown(0.05, 0.06) == (1, 2)


def test_lines_outside_the_picture_are_refused_or_shortened_with_the_reason() -> None:
    clock = FrameClock.even(film(Fraction(25), 100, Fraction(1)))
    spans, odd = line_spans(
        [
            ("early", 0.0, 1.0),
            ("begins early", 0.5, 2.0),
            ("inside", 2.0, 3.0),
            ("ends late", 4.0, 6.0),
            ("a little late", 4.5, 5.05),
            ("late", 5.0, 6.0),
            ("none", 2.0, 2.0),
            ("backwards", 3.0, 2.0),
        ],
        clock,
    )
    assert spans == (
        LineSpan("begins early", 0, 25),
        LineSpan("inside", 25, 50),
        LineSpan("ends late", 75, 100),
        LineSpan("a little late", 87, 100),
    )
    assert odd == {
        "early": "no frame of the picture is shown during the line",
        "begins early": "0.5 s of the line lie outside the picture",
        "ends late": "1.0 s of the line lie outside the picture",
        "late": "no frame of the picture is shown during the line",
        "none": "the line has no length",
        "backwards": "the line has no length",
    }


def test_a_source_without_frames_has_no_spans() -> None:
    spans, odd = line_spans([("s0001", 0.0, 1.0)], FrameClock.listed([], Fraction(0)))
    assert (spans, odd) == ((), {"s0001": "the source has no picture"})


def segment(number: int, *words: tuple[float, float]) -> Segment:
    timed = tuple(Word(start, end, "word") for start, end in words)
    return Segment(f"s{number:04d}", words[0][0], words[-1][1], "spk1", "words", timed)


def test_speech_may_be_split_between_words_where_nobody_else_speaks() -> None:
    clock = FrameClock.even(film(Fraction(25), 1000))
    first = segment(1, (0.0, 0.4), (0.4, 0.81), (1.0, 2.0))
    assert silences([first], clock) == ((10, 10), (21, 25))
    assert silences([first, segment(2, (0.3, 0.9))], clock) == ((23, 25),)
    assert silences([], clock) == ()


def test_a_segment_without_words_is_one_block() -> None:
    clock = FrameClock.even(film(Fraction(25), 1000))
    blocks = [Segment("s0001", 0.0, 1.0, "spk1", "x"), Segment("s0002", 2.0, 3.0, "spk1", "x")]
    assert silences(blocks, clock) == ((25, 50),)


def test_plans_of_two_kinds_are_numbered_together_and_share_no_frame() -> None:
    cuts = shots(0, 400)
    kinds = (
        [LineSpan("a", 10, 40), LineSpan("c", 41, 130), LineSpan("d", 300, 320)],
        [LineSpan("b", 130, 290)],
    )
    limits = Limits(65, 8)
    plans = [
        plan_clips(
            cuts,
            spans,
            (),
            limits,
            [(s.first, s.end) for other in kinds if other is not spans for s in other],
        )
        for spans in kinds
    ]
    windows = merged(*plans)
    assert all(one.keep_end <= other.keep_start for one, other in pairwise(windows))
    driven = [window for window in windows if "b" in window.lines]
    assert len(driven) > 1
    assert all(window.lines == ("b",) for window in driven)
    assert [window.follows for window in driven] == ["", *(window.id for window in driven[:-1])]
    assert [window for window in windows if window not in driven] == list(plans[0]), "they keep their names"
    assert merged(plans[0], ()) == plans[0]
