"""The timing of lines: what is known of it before and after they are spoken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.episode.line_timing import LineTiming, line_timings
from dubkit.review.changes import Desk, LineChange
from dubkit.types import Adaptation, AdaptedLine, Candidate, Length, Schedule, ScheduledLine
from tests.review.test_changes import LINES, PT, make_episode, speak

SHORT = "Sou a Ana."


def scheduled(
    line: str, start: int, length: int, natural: int, text: str, **known: int | bool
) -> ScheduledLine:
    number = int(line[1:]) - 1
    source = 3000 * number + 1000
    return ScheduledLine(line, start, length, natural, source, source + 2000, "s0001", text=text, **known)  # type: ignore[arg-type]


def write_schedule(context: Context, *lines: ScheduledLine) -> None:
    context.store.write_json("schedule.json", Schedule(PT, "by hand", lines), PT)


def write_adaptation(context: Context, *, chosen: int = 1) -> None:
    candidates = (
        Candidate(LINES[1], 2.6, "translation"),
        Candidate(SHORT, 1.9, "shortened", ("fewer words",)),
        Candidate("Ana.", 0.5, "model", losses=("name: Ana",)),
    )
    line = AdaptedLine("s0002", 2.0, candidates, chosen, "It needs a pace of 0.95.")
    context.store.write_json("adaptation.json", Adaptation(PT, (line,)), PT)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


def timing(context: Context, line: str, **how: object) -> LineTiming:
    return line_timings(context.fresh(), **how)[line]  # type: ignore[arg-type]


def reckon(text: str, line: str) -> Length:
    return Length(len(text) / 10, 0.25, "syllables")


def test_nothing_is_predicted_where_nothing_tells(context: Context) -> None:
    bare = timing(context, "s0001")
    assert (bare.predicted, bare.pace, bare.basis, bare.says) == (None, None, "", "")
    assert (bare.start, bare.end, bare.room) == (1.0, 3.0, 2.0)


def test_the_schedule_says_length_pace_and_start(context: Context) -> None:
    write_schedule(context, scheduled("s0001", 1100, 2000, 2200, LINES[0], too_long_ms=300, seen=True))
    planned = timing(context, "s0001", reckon=reckon)
    assert (planned.predicted, planned.given, planned.pace) == (2.2, 2.0, 1.1)
    assert planned.says == "2.2 s of 2.0 s, 1.10x"
    assert planned.start_error == pytest.approx(0.1)
    assert planned.too_long == pytest.approx(0.3)
    assert planned.seen
    assert planned.basis == "schedule"


def test_before_the_schedule_the_candidate_with_the_same_text_tells(context: Context) -> None:
    write_adaptation(context)
    fitted = timing(context, "s0002", reckon=reckon)
    assert (fitted.predicted, fitted.basis, fitted.pace) == (1.9, "candidate", 0.95)
    assert [(text.number, text.chosen, text.used) for text in fitted.texts] == [
        (1, False, False), (2, True, True), (3, False, False),
    ]  # fmt: skip
    assert fitted.texts[2].losses == ("name: Ana",)
    assert fitted.first == LINES[1]
    assert fitted.why


def test_a_text_written_since_is_reckoned_and_said_to_be_stale(context: Context) -> None:
    write_schedule(context, scheduled("s0001", 1000, 1600, 800, LINES[0], too_long_ms=300))
    Desk(context.fresh(), "ana").edit("s0001", LineChange(text="Bom dia a todos."))
    edited = timing(context, "s0001", reckon=reckon)
    assert edited.stale
    assert (edited.predicted, edited.basis) == (1.6, "reckoned")
    assert (edited.given, edited.room) == (1.6, 2.0)  # the next schedule gives it another length
    assert edited.pace == pytest.approx(0.8)
    assert edited.too_long == 0
    assert timing(context, "s0001").predicted is None


def test_a_reckoned_length_is_as_far_off_as_those_that_are_known(context: Context) -> None:
    slow = scheduled("s0001", 1000, 2000, 150_000, "a" * 1000)
    other = scheduled("s0002", 4000, 2000, 50_000, "b" * 1000)
    write_schedule(context, slow, other)
    desk = Desk(context.fresh(), "ana")
    desk.edit_all({"s0001": LineChange(text="x" * 16), "s0002": LineChange(text="x" * 16)})
    first, second = (timing(context, name, reckon=reckon).predicted for name in ("s0001", "s0002"))
    assert first == pytest.approx(1.6 * 1.5, rel=0.1)  # a speaker half as slow again
    assert second == pytest.approx(1.6 * 0.5, rel=0.1)  # and one twice as fast


def test_one_line_of_a_speaker_says_little_of_the_voice(context: Context) -> None:
    write_schedule(context, scheduled("s0001", 1000, 2000, 1600, LINES[0]))
    Desk(context.fresh(), "ana").edit("s0001", LineChange(text="x" * 16))
    assert timing(context, "s0001", reckon=reckon).predicted == pytest.approx(1.6, rel=0.1)


def test_why_a_text_was_chosen_is_not_said_of_what_a_person_wrote(context: Context) -> None:
    write_adaptation(context)
    Desk(context, "ana").edit("s0002", LineChange(text="Meu nome? Ana."))
    assert timing(context, "s0002").why == ""


def test_another_offered_text_has_its_own_length(context: Context) -> None:
    write_adaptation(context)
    write_schedule(context, scheduled("s0002", 4000, 2000, 1900, SHORT))
    assert not timing(context, "s0002").stale
    Desk(context.fresh(), "ana").edit("s0002", LineChange(text=LINES[1]))
    other = timing(context, "s0002")
    assert (other.stale, other.predicted, other.basis) == (True, 2.6, "candidate")
    assert [text.number for text in other.texts if text.used] == [1]


def test_moved_source_times_make_a_schedule_stale(context: Context) -> None:
    write_schedule(context, scheduled("s0001", 1000, 2000, 2200, LINES[0]))
    Desk(context.fresh(), "ana").edit("s0001", LineChange(end=2.5))
    assert timing(context, "s0001").stale


def test_texts_of_a_translation_that_is_gone_are_left_out(context: Context) -> None:
    write_adaptation(context)
    translation = context.translation
    lines = tuple(
        replace(line, text="Outra coisa." if line.id == "s0002" else line.text) for line in translation.lines
    )
    context.store.write_json("translation.json", replace(translation, lines=lines), PT)
    assert timing(context, "s0002").texts == ()


def test_a_line_that_keeps_its_sound_is_predicted_nothing(context: Context) -> None:
    Desk(context, "ana").edit("s0001", LineChange(route="keep"))
    assert timing(context, "s0001", reckon=reckon).predicted is None
    assert timing(context, "s0004", reckon=reckon).predicted is None  # without a text


def test_the_take_tells_when_it_is_spoken(context: Context) -> None:
    speak(context, "s0001")
    spoken = timing(context, "s0001")
    assert (spoken.spoken_start, spoken.spoken, spoken.spoken_pace) == (1.0, 2.0, 1.0)
    assert spoken.start_error == 0.0
    assert (spoken.predicted, spoken.basis) == (2.0, "take")  # of a dub that nothing was scheduled in
    assert timing(context, "s0002").spoken is None


def test_with_the_schedule_off_an_old_one_is_not_read(context: Context) -> None:
    write_schedule(context, scheduled("s0001", 1100, 2000, 2200, LINES[0]))
    off = replace(context, settings=with_settings(context.settings, {"timing.schedule": "off"}))
    assert timing(off, "s0001").given is None


def test_a_damaged_schedule_hides_no_lines(context: Context) -> None:
    context.store.write_bytes("schedule.json", b"{", PT)
    assert len(line_timings(context.fresh())) == 4
