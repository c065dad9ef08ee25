"""A translation from a file goes to its lines by time."""

from __future__ import annotations

from dubkit.translate.timed import Timed, align

LINES = [Timed(1.0, 3.0), Timed(4.0, 6.0), Timed(7.0, 9.0)]


def own(lines: list[Timed], *subtitles: tuple[float, float]) -> tuple[tuple[int, ...], ...]:
    return align(lines, [Timed(*times) for times in subtitles]).own


def test_as_many_subtitles_at_other_times_go_by_time() -> None:
    found = align(LINES, [Timed(1.0, 2.0), Timed(2.0, 3.0), Timed(7.0, 9.0)])
    assert found.own == ((0, 1), (), (2,))
    assert (found.strays, found.unsure, found.fits) == ((), frozenset(), True)


def test_shifted_by_less_than_half_they_stay_in_order() -> None:
    assert own(LINES, (1.4, 3.5), (4.5, 6.6), (7.4, 9.5)) == ((0,), (1,), (2,))


def test_one_subtitle_over_two_lines_goes_to_one_of_them() -> None:
    assert own([Timed(1.0, 2.0), Timed(2.0, 4.0), Timed(5.0, 6.0)], (1.0, 4.0), (5.0, 6.0)) == (
        (),
        (0,),
        (1,),
    )


def test_two_parts_of_one_cue_of_other_lengths_keep_their_order() -> None:
    assert own([Timed(1.0, 1.2), Timed(1.2, 3.0)], (1.0, 2.4), (2.4, 3.0)) == ((0,), (1,))


def test_speakers_that_talk_at_once_keep_their_order_and_their_names() -> None:
    both = [Timed(1.0, 3.0, "ana"), Timed(1.0, 3.0, "bo")]
    assert own(both, (1.0, 3.0), (1.0, 3.0)) == ((0,), (1,))


def test_what_falls_on_no_line_and_what_hardly_does_is_known() -> None:
    found = align(LINES, [Timed(1.0, 3.0), Timed(3.2, 3.8), Timed(5.8, 6.9), Timed(7.0, 9.0)])
    assert found.own == ((0,), (2,), (3,))
    assert (found.strays, found.unsure, found.fits) == ((1,), frozenset({1}), True)


def test_a_file_of_other_times_does_not_fit() -> None:
    assert not align(LINES, [Timed(3601.0, 3603.0), Timed(3604.0, 3606.0), Timed(3607.0, 3609.0)]).fits
    assert not align(LINES, [Timed(2.9, 3.9), Timed(5.9, 6.9), Timed(8.9, 9.9)]).fits
    assert not align(LINES, []).fits
