"""The schedule keeps its limits, loses no line, and gives the same times for the same lines."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.types import ScheduledLine
from dubkit.voice.schedule.asked import Limits, Utterance
from dubkit.voice.schedule.blocks import BREATH_MS, blocks
from dubkit.voice.schedule.solving import schedule_lines, solve_blocks
from dubkit.voice.schedule.weights import FAR_OFF_MS, OVERLAP_MS, RUSH


def line(number: int, start: int, end: int, natural: int, **more: object) -> Utterance:
    return replace(Utterance(f"s{number:04d}", "a", start, end, natural), **more)  # type: ignore[arg-type]


def planned(*lines: Utterance, limits: Limits | None = None) -> dict[str, ScheduledLine]:
    return {placed.id: placed for placed in schedule_lines(lines, limits or Limits(60_000))}


@st.composite
def episodes(draw: st.DrawFn) -> tuple[list[Utterance], Limits]:
    lines: list[Utterance] = []
    clock = draw(st.integers(0, 2000))
    for number in range(draw(st.integers(1, 12))):
        length = draw(st.integers(80, 5000))
        natural = max(1, round(length * draw(st.floats(0.3, 2.5))))
        lines.append(
            line(
                number,
                clock,
                clock + length,
                natural,
                speaker=draw(st.sampled_from("abc")),
                seen=draw(st.sampled_from([True, False, None])),
            )
        )
        clock = max(0, clock + length + draw(st.integers(-700, 3000)))
    return lines, Limits(max(end.end_ms for end in lines) + draw(st.integers(0, 2000)))


@st.composite
def held_episodes(draw: st.DrawFn) -> tuple[list[Utterance], Limits]:
    lines, limits = draw(episodes())
    return [
        replace(
            one,
            fixed_start_ms=draw(st.sampled_from([None, one.start_ms])),
            fixed_length_ms=None,
        )
        for one in lines
    ], limits


@given(episodes())
@settings(max_examples=30, deadline=None)
def test_no_line_is_lost_and_none_leaves_the_episode(episode: tuple[list[Utterance], Limits]) -> None:
    lines, limits = episode
    found = planned(*lines, limits=limits)
    assert found.keys() == {one.id for one in lines}
    for placed in found.values():
        assert placed.start_ms >= 0
        assert placed.length_ms >= 1
        assert placed.start_ms + placed.length_ms <= limits.end_ms


@given(episodes())
@settings(max_examples=30, deadline=None)
def test_a_limit_is_kept_or_the_line_says_by_how_much_it_is_too_long(
    episode: tuple[list[Utterance], Limits],
) -> None:
    lines, limits = episode
    for placed in planned(*lines, limits=limits).values():
        assert placed.pace >= limits.min_pace
        assert (placed.pace > limits.max_pace) == (placed.too_long_ms > 0)
        if placed.too_long_ms:
            assert placed.natural_ms / (placed.length_ms + placed.too_long_ms) <= limits.max_pace


@given(episodes())
@settings(max_examples=30, deadline=None)
def test_a_speaker_never_speaks_two_lines_at_once_or_in_another_order(
    episode: tuple[list[Utterance], Limits],
) -> None:
    lines, limits = episode
    found = planned(*lines, limits=limits)
    ordered = sorted(lines, key=lambda one: (one.start_ms, one.id))
    for before, after in combinations(ordered, 2):
        if before.speaker == after.speaker:
            first, second = found[before.id], found[after.id]
            breath = 0 if first.too_long_ms or second.too_long_ms else BREATH_MS
            assert first.start_ms + first.length_ms + breath <= second.start_ms


@given(episodes())
@settings(max_examples=30, deadline=None)
def test_speakers_overlap_as_the_source_does_unless_a_line_is_too_long(
    episode: tuple[list[Utterance], Limits],
) -> None:
    lines, limits = episode
    found = planned(*lines, limits=limits)
    dense = {placed.block for placed in found.values() if placed.too_long_ms}
    ordered = sorted(lines, key=lambda one: (one.start_ms, one.id))
    for before, after in combinations(ordered, 2):
        first, second = found[before.id], found[after.id]
        if after.end_ms <= before.end_ms or first.block in dense:
            continue
        overlap = first.start_ms + first.length_ms - second.start_ms
        assert overlap <= max(OVERLAP_MS, before.end_ms - after.start_ms)


@given(episodes())
@settings(max_examples=30, deadline=None)
def test_two_methods_of_the_solver_give_the_same_schedule(episode: tuple[list[Utterance], Limits]) -> None:
    lines, limits = episode
    simplex = schedule_lines(lines, limits)
    assert simplex == schedule_lines(list(reversed(lines)), limits)
    assert simplex == schedule_lines(lines, limits, method="highs-ipm")


@given(episodes())
@settings(max_examples=30, deadline=None)
def test_blocks_are_solved_together_as_each_alone(episode: tuple[list[Utterance], Limits]) -> None:
    lines, limits = episode
    alone = [placed for block in blocks(lines, limits) for placed in solve_blocks([block], limits)]
    assert schedule_lines(lines, limits) == alone


@given(episodes(), st.integers(0, 11), st.floats(0.3, 2.5))
@settings(max_examples=30, deadline=None)
def test_a_changed_text_moves_only_its_block(
    episode: tuple[list[Utterance], Limits], number: int, factor: float
) -> None:
    lines, limits = episode
    changed = lines[number % len(lines)]
    after = [
        replace(one, natural_ms=max(1, int(one.natural_ms * factor))) if one is changed else one
        for one in lines
    ]
    before, now = planned(*lines, limits=limits), planned(*after, limits=limits)
    block = before[changed.id].block
    moved = {name for name in before if before[name] != now[name]}
    assert moved <= {name for name, placed in before.items() if placed.block == block}
    only = schedule_lines(after, limits, wanted=[changed.id])
    assert only == [placed for placed in now.values() if placed.block == block]


@given(held_episodes())
@settings(max_examples=30, deadline=None)
def test_starts_that_a_person_set_are_kept(episode: tuple[list[Utterance], Limits]) -> None:
    lines, limits = episode
    found = planned(*lines, limits=limits)
    for one in lines:
        if one.fixed_start_ms is not None:
            assert found[one.id].start_ms == one.fixed_start_ms
            assert found[one.id].fixed
            assert found[one.id].length_ms >= 1


def test_speech_that_is_already_there_keeps_start_and_length_and_others_make_room() -> None:
    clip = line(2, 2500, 3500, 1000, fixed_start_ms=2300, fixed_length_ms=1400)
    found = planned(line(1, 1000, 2400, 1300), clip, line(3, 3600, 4600, 1000))
    assert (found["s0002"].start_ms, found["s0002"].length_ms) == (2300, 1400)
    assert found["s0002"].too_long_ms == 0
    assert found["s0001"].start_ms + found["s0001"].length_ms <= 2300 - BREATH_MS
    assert found["s0003"].start_ms >= 3700 + BREATH_MS


def test_fixed_speech_in_each_others_way_stays_where_it_is() -> None:
    one = line(1, 1000, 3000, 2000, fixed_start_ms=1000, fixed_length_ms=2500)
    other = line(2, 3100, 4000, 900, fixed_start_ms=3100, fixed_length_ms=900)
    found = planned(one, other)
    assert (found["s0001"].start_ms, found["s0002"].start_ms) == (1000, 3100)


def test_a_line_that_fits_starts_and_ends_with_the_source() -> None:
    found = planned(line(1, 1000, 3000, 2100, seen=True))["s0001"]
    assert (found.start_ms, found.length_ms, found.too_long_ms) == (1000, 2000, 0)


def test_a_short_line_is_not_drawn_out() -> None:
    found = planned(line(1, 1000, 3000, 1000))["s0001"]
    assert found.start_ms == 1000
    assert 0.95 <= found.pace <= 1.0


def test_a_seen_start_is_kept_within_two_pictures_while_an_unseen_one_gives_way() -> None:
    dense = [line(1, 1000, 2000, 1500), line(2, 2100, 4000, 1700)]
    unseen = planned(*(replace(one, seen=False) for one in dense))
    seen = planned(*(replace(one, seen=True) for one in dense))
    assert unseen["s0001"].too_long_ms == 0
    assert unseen["s0002"].start_ms - 2100 > 80 or unseen["s0001"].start_ms < 920
    assert all(abs(placed.start_ms - placed.source_start_ms) <= 80 for placed in seen.values())
    assert seen["s0001"].pace <= RUSH


def test_a_seen_start_gives_way_before_speech_is_rushed() -> None:
    """Three seconds of text in a second and a half cannot be spoken within it by anybody."""
    found = planned(
        line(1, 1000, 2500, 3000, seen=True), line(2, 2600, 5000, 1500, seen=True), limits=Limits(8000)
    )
    assert found["s0001"].pace <= RUSH
    assert found["s0002"].pace <= RUSH
    assert found["s0001"].too_long_ms > 0


def test_too_long_is_proved_by_the_room_and_not_by_where_the_line_stands() -> None:
    """Nine seconds of text in an episode of six and a half: whatever moves, something is too long."""
    limits = Limits(6633)
    found = planned(line(1, 0, 600, 1201), line(2, 1080, 6520, 7843), limits=limits)
    room = limits.end_ms - BREATH_MS
    need = sum(-(-placed.natural_ms * 5 // 6) for placed in found.values())
    assert sum(placed.too_long_ms for placed in found.values()) == need - room


def test_without_seen_mouths_a_line_waits_rather_than_being_too_long() -> None:
    found = planned(
        line(1, 1000, 2000, 2200, seen=False), line(2, 2100, 4100, 1500, seen=False), limits=Limits(9000)
    )
    assert not any(placed.too_long_ms for placed in found.values())
    assert 0 < found["s0002"].start_ms - 2100 <= FAR_OFF_MS


def test_a_dense_block_reaches_over_the_silence_beside_it_and_a_far_one_does_not() -> None:
    """Eight seconds of text in four, and 1.7 s of silence on either side: alone it would be rushed."""
    before, after = line(1, 2300, 2900, 600), line(3, 10500, 12000, 1500)
    dense = line(2, 4600, 8700, 8600, reckoned_ms=8400)
    found = planned(before, dense, after, limits=Limits(20_000))
    assert found["s0002"].block == "s0001"
    assert found["s0002"].pace <= RUSH
    alone = planned(before, replace(dense, reckoned_ms=0), after, limits=Limits(20_000))
    assert alone["s0002"].pace > RUSH
    far = [before, dense, replace(after, start_ms=15_000, end_ms=16_000)]
    assert planned(*far, limits=Limits(20_000))["s0003"].block == "s0003"


def test_a_remark_inside_a_long_line_keeps_its_place() -> None:
    long, remark = line(1, 1000, 9000, 9000), line(2, 4000, 4500, 480, speaker="b")
    assert planned(long, remark)["s0002"].start_ms == 4000


def test_without_pacing_every_line_has_its_own_length() -> None:
    lines = [line(1, 1000, 2000, 1400), line(2, 2100, 3000, 700), line(3, 3200, 4000, 900)]
    found = planned(*lines, limits=Limits(9000, pacing=False))
    assert [found[one.id].length_ms for one in lines] == [1400, 700, 900]
    assert not any(placed.too_long_ms for placed in found.values())


def test_a_wider_limit_of_pace_is_used_before_a_line_is_too_long() -> None:
    lines = [line(1, 1000, 2000, 1600, seen=True), line(2, 2060, 4000, 1500, seen=True)]
    strict = planned(*lines, limits=Limits(9000))
    wide = planned(*lines, limits=Limits(9000, max_pace=1.6))
    assert strict["s0001"].too_long_ms > 0
    assert wide["s0001"].too_long_ms == 0


def test_an_excess_falls_on_the_longest_line_that_can_take_it() -> None:
    lines = [line(1, 0, 1000, 1150), line(2, 1060, 4060, 3900), line(3, 4120, 5120, 1150)]
    found = planned(*(replace(one, seen=False) for one in lines), limits=Limits(5120))
    assert [name for name, placed in found.items() if placed.too_long_ms] == ["s0002"]


def test_a_line_beyond_the_end_of_the_episode_is_not_lost() -> None:
    found = planned(line(1, 1000, 2000, 900), line(2, 9000, 9500, 800), limits=Limits(5000))
    assert found["s0001"].start_ms == 1000
    assert found["s0002"].too_long_ms > 0


def test_no_lines_are_no_schedule() -> None:
    assert schedule_lines([], Limits(1000)) == []
