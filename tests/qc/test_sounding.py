"""Takes that drop out, are distorted, pause, are flat, sound bad or have another voice; and their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.qc import measures
from dubkit.qc.check import CHECKS, needed
from dubkit.qc.checks.sounding import QualityLimit
from dubkit.qc.evidence import LineEvidence, Pair
from dubkit.qc.faults import cut_tops, drop_outs
from dubkit.qc.sound import found_at, longest_pause, sounding_seconds
from dubkit.qc.timing import TimedLine, talked_over
from tests.qc.test_measures import LINE
from tests.support.tones import RATE, quiet, tone


def flags(**changes: object) -> tuple[str, ...]:
    return measures.line_qc(replace(LINE, **changes)).flags  # type: ignore[arg-type]


def speech(seconds: float = 2.0, seed: int = 1) -> NDArray[np.float64]:
    """Return noise that swells and falls as syllables do, never twice the same."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time)
    return np.asarray(0.2 * swell * generator.standard_normal(len(time)))


def test_a_moment_that_is_cut_out_is_a_drop_out() -> None:
    sound = speech()
    assert drop_outs(sound, RATE, 0.015) == 0
    sound[RATE : RATE + round(0.04 * RATE)] = 0
    assert drop_outs(sound, RATE, 0.015) == 1
    assert "drop-out" in flags(speech=sound)


def test_a_pause_that_speech_fades_into_is_none() -> None:
    sound = np.concatenate([speech(1) * np.linspace(1, 0, RATE), quiet(0.3), speech(1)])
    assert drop_outs(sound, RATE, 0.015) == 0


@pytest.mark.parametrize("level", [1.0, 0.3])
def test_tops_that_are_cut_off_are_distorted_at_any_level(level: float) -> None:
    whole = speech() / np.abs(speech()).max()
    assert cut_tops(whole, RATE) < 8
    assert cut_tops(np.clip(3 * whole, -1, 1) * level, RATE) > 8
    assert "distorted" in flags(speech=np.clip(3 * whole, -1, 1) * level)
    assert cut_tops(np.zeros(10), RATE) == 0


def test_a_long_silence_inside_a_take_is_a_pause_and_one_after_it_is_not() -> None:
    inside = np.concatenate([tone(1), quiet(1.2), tone(1)])
    assert "pause" in flags(speech=inside)
    assert longest_pause(inside, RATE) == pytest.approx(1.2, abs=0.01)
    assert "pause" not in flags(speech=np.concatenate([tone(1), quiet(1.5)]))


@pytest.mark.parametrize(
    ("dub", "source", "is_flat"), [(1.2, 9.0, True), (8.0, 9.0, False), (1.2, 2.0, False)]
)
def test_a_line_on_one_note_is_flat_where_the_source_is_lively(
    dub: float, source: float, is_flat: bool
) -> None:
    assert ("flat" in flags(speech=speech(), melody=Pair(dub, source))) is is_flat


def test_a_line_in_another_voice_than_the_others_is_flagged() -> None:
    assert "voice-changed" in flags(alike=0.4)
    assert "voice-changed" not in flags(alike=0.9)


def test_quality_is_judged_only_where_it_is_switched_on() -> None:
    line = replace(LINE, quality=Pair(2.0, 4.2))
    assert "quality" not in measures.line_qc(line).flags
    on = {"quality": QualityLimit(on=True)}
    assert "quality" in measures.line_qc(line, on).flags
    assert "quality" not in measures.line_qc(replace(line, quality=Pair(3.8, 4.2)), on).flags
    assert "quality" not in needed({})
    assert "quality" in needed(on)


def test_a_take_is_found_where_it_stands_in_the_dub() -> None:
    take = speech(1)
    around = np.concatenate([quiet(0.5), take, quiet(0.5)])[:, None]
    assert "elsewhere" not in flags(speech=take, delivered=around)
    late = np.concatenate([quiet(0.6), take, quiet(0.4)])[:, None]
    assert "elsewhere" in flags(speech=take, delivered=late)
    assert "elsewhere" in flags(speech=take, delivered=np.roll(around, -round(0.1 * RATE), axis=0))


def test_what_is_not_the_take_is_not_found() -> None:
    take, other = speech(1), speech(2, seed=7)
    found = found_at(take, other, RATE)
    assert found is not None
    assert found.likeness < 0.3
    assert "elsewhere" not in flags(speech=take, delivered=other)
    assert found_at(quiet(1), other, RATE) is None


def timed(**changes: object) -> tuple[str, ...]:
    return flags(speech=tone(2), speech_start=2.0, line_start=2.0, **changes)


def test_an_end_is_judged_against_the_source_and_the_schedule() -> None:
    assert "ends-late" in timed(line_end=2.8)
    assert "ends-late" not in timed(line_end=3.5)
    assert "ends-late" in timed(line_end=3.3, seen=True)
    assert "ends-late" not in timed(line_end=2.8, scheduled_end=4.0)
    assert "ends-early" in timed(line_end=7.0)
    assert "ends-early" in timed(line_end=5.7, seen=True)
    assert "ends-early" not in timed(line_end=5.7)
    assert "ends-late" not in flags(speech=quiet(1), line_end=0.1)


@pytest.mark.parametrize(("syllables", "flagged"), [(13, False), (30, True), (5, True), (3, False)])
def test_pace_is_that_of_the_language(syllables: int, flagged: bool) -> None:
    assert ("pace" in flags(speech=tone(2), syllables=syllables, usual_rate=6.5)) is flagged


def test_pauses_do_not_count_for_the_pace() -> None:
    assert sounding_seconds(np.concatenate([tone(1), quiet(0.8), tone(1)]), RATE) == pytest.approx(
        2, abs=0.01
    )
    assert sounding_seconds(quiet(1), RATE) == 0


def test_two_people_at_once_are_flagged_where_the_source_has_them_apart() -> None:
    lines = [
        TimedLine("a", (0, 2), (0.0, 3.0)),
        TimedLine("b", (2.5, 4), (2.5, 4.0)),
        TimedLine("c", (4, 5), (3.8, 5.0)),
    ]
    assert talked_over(lines, {"a": "one", "b": "two", "c": "two"}) == {"a": 0.5, "b": 0.5}
    assert talked_over(lines, dict.fromkeys("abc", "one")) == {}
    both = [TimedLine("a", (0, 3), (0, 3)), TimedLine("b", (2, 4), (2, 4))]
    assert talked_over(both, {"a": "one", "b": "two"}) == {}
    assert "talked-over" in flags(talked_over=0.5)
    assert "talked-over" not in flags(talked_over=0.2)


def test_a_quiet_measure_is_kept_and_shown_only_with_its_flag() -> None:
    from dubkit.qc.check import told_measures

    found = measures.line_qc(replace(LINE, alike=0.9))
    assert (found.measures or {})["voice-changed"] == 0.9
    assert "voice-changed" not in told_measures(found.measures, found.flags)
    assert "voice-changed" in told_measures(found.measures, ("voice-changed",))


def test_every_check_with_a_switch_can_be_switched_off() -> None:
    for check in CHECKS:
        if check.settings is not None and hasattr(check.settings, "on"):
            tables = {check.name: replace(check.settings(), on=False)}
            bad = replace(BAD, settings=LINE.settings)
            assert check.name not in measures.line_qc(bad, tables).flags, check.name


BAD: LineEvidence = replace(
    LINE,
    text="Amanhã cedo vamos todos juntos para a praia",
    heard="the quick brown fox is here today",
    source_text="the quick brown fox is here today",
    source_language="en",
    source_words="fox",
    line_end=0.5,
    talked_over=2.0,
    alike=0.1,
    melody=Pair(0.5, 9.0),
    quality=Pair(1.0, 5.0),
    syllables=90,
    usual_rate=6.0,
)
