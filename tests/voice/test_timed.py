"""A line is spoken whole to a length that was set beforehand, once where its length was told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.types import SAMPLE_RATE, Length
from dubkit.voice.fit import NOTHING, Speech
from dubkit.voice.pauses import KEPT, KEPT_SHARE, with_pauses
from dubkit.voice.side_by_side import side_by_side
from dubkit.voice.timed import CLOSE, brought_to, speak_to, speed_for, told_samples

SPEEDS = (0.5, 2.0)
SECOND = 24_000
"""Samples of a second at the rate of the voice below."""


def tone(seconds: float, rate: int = SECOND) -> np.ndarray:
    return np.asarray(0.3 * np.sin(np.arange(round(seconds * rate)) / 10), np.float32)


class Voice:
    """Takes `seconds` at speed 1, and is late or early by `error`; counts its calls."""

    rate = SECOND

    def __init__(self, seconds: float = 2.0, error: float = 1.0) -> None:
        self.seconds, self.error = seconds, error
        self.speeds: list[float] = []

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> np.ndarray:
        self.speeds.append(speed)
        return tone(self.seconds * self.error / speed)


class Told:
    """Lengths in samples of a voice that takes `seconds` at speed 1, in frames of 25 ms."""

    def __init__(self, seconds: float = 2.0) -> None:
        self.seconds = seconds

    def __call__(self, speed: float) -> float:
        return round(self.seconds / speed / 0.025) * 0.025 * SAMPLE_RATE


def said(voice: Voice, seconds: float, told: float = 2.0) -> tuple[int, float, int]:
    speech = Speech(voice, "Bom dia.", "", "pt-BR")
    timed = speak_to(speech, round(seconds * SAMPLE_RATE), Told(told), SPEEDS)
    return len(timed.samples), timed.pace, timed.calls


@pytest.mark.parametrize("seconds", [1.3, 1.66, 1.9, 2.0, 2.11, 2.4])
@pytest.mark.parametrize("error", [0.94, 1.0, 1.06])
def test_a_line_lasts_its_length_or_a_little_less_and_is_spoken_once(seconds: float, error: float) -> None:
    samples, pace, calls = said(Voice(error=error), seconds)
    assert -0.010 * SAMPLE_RATE <= samples - seconds * SAMPLE_RATE <= 0
    assert calls == 1
    assert pace == pytest.approx(2.0 / seconds, rel=0.01)


@pytest.mark.parametrize("error", [0.7, 1.4])
def test_a_voice_that_is_not_as_told_speaks_twice_at_most(error: float) -> None:
    voice = Voice(error=error)
    samples, _, calls = said(voice, 1.8)
    assert calls == len(voice.speeds) == 2
    assert -0.010 * SAMPLE_RATE <= samples - 1.8 * SAMPLE_RATE <= 0


def test_a_voice_that_passes_over_speeds_is_not_asked_again() -> None:
    class Deaf(Voice):
        def speak(
            self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
        ) -> Any:
            self.speeds.append(speed)
            return tone(self.seconds)

    voice = Deaf()
    samples, pace, calls = said(voice, 1.5)
    assert calls == len(voice.speeds) == 1
    assert 1.49 <= samples / SAMPLE_RATE <= 1.5
    assert pace == pytest.approx(2.0 / 1.5, abs=0.001)


def test_a_line_that_is_far_too_long_is_spoken_whole_at_a_speed_that_the_voice_has() -> None:
    voice = Voice()
    samples, pace, _ = said(voice, 0.6)
    assert max(voice.speeds) <= 2.0
    assert samples <= 0.6 * SAMPLE_RATE
    assert pace == pytest.approx(3.333, rel=0.01)


def test_a_voice_is_not_asked_for_speeds_at_which_it_is_unclear() -> None:
    voice = Voice()
    timed = speak_to(Speech(voice, "Bom dia.", "", "pt-BR"), round(1.6 * SAMPLE_RATE), Told(), (0.9, 1.0))
    assert voice.speeds == [1.0]
    assert -0.010 * SAMPLE_RATE <= len(timed.samples) - 1.6 * SAMPLE_RATE <= 0


def test_a_line_without_words_is_silent_and_flagged() -> None:
    timed = speak_to(Speech(Voice(), "[suspira]", "", "pt-BR"), SAMPLE_RATE, Told(), SPEEDS)
    assert (len(timed.samples), timed.calls, timed.flags) == (0, 0, (NOTHING,))


def test_a_line_without_a_length_is_spoken_at_its_own_pace() -> None:
    samples, pace, _ = said(Voice(), 0.0)
    assert samples == pytest.approx(2.0 * SAMPLE_RATE, abs=0.010 * SAMPLE_RATE)
    assert pace == 1.0


@given(natural=st.floats(0.3, 20.0), pace=st.floats(0.6, 1.9))
def test_the_speed_is_the_one_whose_length_is_nearest(natural: float, pace: float) -> None:
    def told(speed: float) -> float:
        return max(1, round(natural / speed / 0.025)) * 0.025

    speed = speed_for(told, natural / pace, SPEEDS)
    length = natural / pace
    assert abs(told(speed) - length) <= max(0.0251, CLOSE * length)


def _line(*pauses: float) -> np.ndarray:
    """Return words of 0.3 s with some pauses between them."""
    parts = [tone(0.3, SAMPLE_RATE)]
    for pause in pauses:
        parts += [np.zeros(round(pause * SAMPLE_RATE), np.float32), tone(0.3, SAMPLE_RATE)]
    return np.concatenate(parts)


@pytest.mark.parametrize("by", [-0.2, -0.05, 0.05, 0.1])
def test_pauses_give_before_words_do(by: float) -> None:
    line = _line(0.3, 0.2)
    wanted = len(line) + round(by * SAMPLE_RATE)
    changed = with_pauses(line, SAMPLE_RATE, wanted)
    assert abs(len(changed) - wanted) <= 2
    assert np.count_nonzero(np.abs(changed) > 0.01) == np.count_nonzero(np.abs(line) > 0.01)


def test_a_pause_is_still_heard_and_a_closure_is_none() -> None:
    line = _line(0.3, 0.1)
    shorter = with_pauses(line, SAMPLE_RATE, len(line) // 2)
    assert len(line) - len(shorter) == pytest.approx(
        (0.3 - max(KEPT, 0.3 * KEPT_SHARE)) * SAMPLE_RATE, abs=300
    )
    assert len(with_pauses(_line(0.1), SAMPLE_RATE, 1)) == len(_line(0.1))


@given(length=st.floats(0.6, 1.3))
def test_speech_is_brought_to_a_length_and_keeps_both_ends(length: float) -> None:
    line = _line(0.25, 0.15)
    wanted = round(length * len(line))
    changed = brought_to(line, wanted)
    assert 0 <= wanted - len(changed) <= 0.010 * SAMPLE_RATE
    ends = np.abs(changed[: SAMPLE_RATE // 20]).max(), np.abs(changed[-SAMPLE_RATE // 20 :]).max()
    assert min(ends) > 0.2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_lines_spoken_side_by_side_come_in_order_and_fail_alone(threads: int) -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError(number)
        return number * number

    with side_by_side(work, range(6), threads) as results:
        assert [_outcome(result) for result in results] == [0, 1, 4, "failed", 16, 25]


def _outcome(result: Callable[[], int]) -> int | str:
    try:
        return result()
    except ValueError:
        return "failed"


def test_a_single_caller_stays_in_its_own_thread() -> None:
    with side_by_side(lambda _: threading.current_thread(), [1, 2], 1) as results:
        assert {result() for result in results} == {threading.current_thread()}


def test_work_that_has_not_begun_is_dropped_when_a_run_is_stopped() -> None:
    done: list[int] = []
    gate = threading.Event()

    def work(number: int) -> None:
        gate.wait(5)
        time.sleep(0.02)
        done.append(number)

    def stopped() -> None:
        with side_by_side(work, range(50), 2):
            gate.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert len(done) < 50


def test_a_voice_is_asked_only_for_speeds_that_are_not_its_own_pace() -> None:
    class Asked:
        def __init__(self, source: Any) -> None:
            self.source, self.speeds = source, list[float]()

        def ask(self, text: str, *, speed: float = 1.0, **_: object) -> Length:
            self.speeds.append(speed)
            return Length(1.5, 0.0, self.source)

    speech, network, reckoned = Speech(Voice(), "Bom dia.", "", "pt-BR"), Asked("network"), Asked("syllables")
    assert told_samples(speech, network, 90_000, 1.0) == 90_000
    assert told_samples(speech, network, 90_000, 1.25) == 1.5 * SAMPLE_RATE
    assert told_samples(speech, reckoned, 90_000, 1.25) == 72_000
    assert network.speeds == [1.25]
