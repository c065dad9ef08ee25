"""A line fits its slot: it starts with it, never passes its limit, and says what it took."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dubkit.errors import SettingError, VoiceError
from dubkit.types import SAMPLE_RATE, Slot
from dubkit.voice.fit import CEILING, MAX_CALLS, FittedSpeech, Speech, at_clock_rate, fit_line
from dubkit.voice.settings import Speak
from dubkit.voice.stretch import stretched
from dubkit.voice.trim import trimmed

RATE = 24_000
LIMITS = Speak(max_speed=1.35)
SECOND = SAMPLE_RATE
FRAME = round(0.005 * SAMPLE_RATE)


@dataclass
class ToneSynthesiser:
    """Speaks a tone: `seconds` long at speed 1, off by `error` of what its speed asks for."""

    seconds: float
    error: float = 0.0
    obeys: bool = True
    lead: float = 0.2
    level: float = 0.5
    rate: int = RATE
    speeds: list[float] = field(default_factory=list)

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        self.speeds.append(speed)
        pace = speed if self.obeys else 1.0
        length = self.seconds / pace * (1.0 + (self.error if speed > 1.0 else 0.0))
        tone = self.level * np.sin(2 * np.pi * 220 * np.arange(round(length * self.rate)) / self.rate)
        silence = np.zeros(round(self.lead * self.rate))
        return np.concatenate([silence, tone, silence]).astype(np.float32)


def slot(seconds: float, limit: float, start: int = 1000) -> Slot:
    return Slot(start, start + round(seconds * SECOND), start + round(limit * SECOND))


def fit(synthesiser: ToneSynthesiser, room: Slot, limits: Speak = LIMITS) -> FittedSpeech:
    return fit_line(Speech(synthesiser, "uma linha boa", "sine", "pt-BR"), room, limits)


def test_a_line_that_fits_keeps_its_pace() -> None:
    synthesiser = ToneSynthesiser(1.0)
    fitted = fit(synthesiser, slot(1.1, 3.0))
    assert (fitted.fit, fitted.speed, fitted.flags) == ("fits", 1.0, ())
    assert synthesiser.speeds == [1.0]
    assert len(fitted.samples) == pytest.approx(SECOND, abs=0.03 * SECOND)


def test_a_short_line_is_slowed_to_the_slowest_speed_and_no_further() -> None:
    synthesiser = ToneSynthesiser(1.0)
    fitted = fit(synthesiser, slot(4.0, 4.0), Speak(min_speed=0.9))
    assert (fitted.fit, fitted.speed) == ("fits", 0.9)
    assert synthesiser.speeds == [0.9]


def test_a_guess_that_slowed_a_long_line_is_taken_back() -> None:
    fitted = fit(ToneSynthesiser(4.1), slot(4.2, 4.2), Speak(min_speed=0.9))
    assert fitted.fit == "fits"
    assert len(fitted.samples) <= 4.2 * SECOND


def test_a_line_a_little_too_long_is_spoken_faster() -> None:
    fitted = fit(ToneSynthesiser(1.2), slot(1.0, 3.0))
    assert fitted.fit == "faster"
    assert 1.2 <= fitted.speed <= 1.25
    assert len(fitted.samples) <= SECOND


def test_a_synthesiser_that_falls_short_of_its_speed_is_asked_once_more() -> None:
    synthesiser = ToneSynthesiser(1.15, error=0.05)
    fitted = fit(synthesiser, slot(1.0, 1.0))
    assert (fitted.fit, fitted.flags, len(synthesiser.speeds)) == ("faster", (), 3)
    assert len(fitted.samples) <= SECOND


def test_a_longer_line_borrows_the_silence_after_it() -> None:
    fitted = fit(ToneSynthesiser(2.0), slot(1.0, 2.0))
    assert (fitted.fit, fitted.speed, fitted.flags) == ("borrowed", 1.35, ())
    assert SECOND < len(fitted.samples) <= 2 * SECOND


def test_a_line_too_long_for_pace_and_silence_is_rushed_and_flagged() -> None:
    fitted = fit(ToneSynthesiser(1.5), slot(1.0, 1.0))
    assert (fitted.fit, fitted.flags) == ("faster", ("rushed",))
    assert 1.5 <= fitted.speed <= 1.6


def test_a_line_that_cannot_fit_is_cut_at_the_limit_with_a_fade() -> None:
    fitted = fit(ToneSynthesiser(4.0), slot(1.0, 1.25))
    assert (fitted.fit, fitted.flags) == ("cut", ("rushed", "cut"))
    assert len(fitted.samples) == 1.25 * SECOND
    assert abs(float(fitted.samples[-1])) < 1e-6


def test_sound_is_squeezed_when_the_synthesiser_has_one_pace_only() -> None:
    fitted = fit(ToneSynthesiser(1.4, obeys=False), slot(1.0, 1.0), Speak(max_speed=1.5))
    assert fitted.fit != "cut"
    assert len(fitted.samples) <= SECOND


def test_a_line_whose_source_ran_into_the_next_one_ends_before_it() -> None:
    fitted = fit(ToneSynthesiser(1.2), Slot(0, 2 * SECOND, SECOND))
    assert fitted.fit == "faster"
    assert len(fitted.samples) <= SECOND


@pytest.mark.parametrize("limit_sample", [500, 1000])
def test_a_slot_without_room_loses_the_line_and_says_so(limit_sample: int) -> None:
    synthesiser = ToneSynthesiser(1.0)
    fitted = fit(synthesiser, Slot(1000, 1000, limit_sample))
    assert (fitted.fit, fitted.flags, len(fitted.samples)) == ("cut", ("cut",), 0)
    assert not synthesiser.speeds


def test_a_line_of_stage_directions_says_nothing_and_is_flagged() -> None:
    synthesiser = ToneSynthesiser(1.0)
    fitted = fit_line(Speech(synthesiser, "[música] ♪", "sine", "pt-BR"), slot(1.0, 1.0), LIMITS)
    assert (fitted.flags, len(fitted.samples), synthesiser.speeds) == (("nothing-to-say",), 0, [])


def test_a_synthesiser_without_sound_is_an_error_that_names_engine_and_line() -> None:
    with pytest.raises(VoiceError, match="gave no sound for 'uma linha boa' in pt-BR"):
        fit(ToneSynthesiser(1.0, level=0.0), slot(1.0, 1.0))
    mute = Speech(ToneSynthesiser(1.0, level=0.0), "uma linha boa", "sine", "pt-BR", engine="Kokoro")
    with pytest.raises(VoiceError, match=r"^Kokoro gave no sound for 'uma linha boa'"):
        fit_line(mute, slot(1.0, 1.0), LIMITS)


@pytest.mark.parametrize(
    ("slowest", "fastest", "problem"),
    [(0.0, 1.0, "must be above 0"), (1.5, 1.2, r"must not exceed speak\.max_speed")],
)
def test_speeds_that_do_not_rise_are_refused(slowest: float, fastest: float, problem: str) -> None:
    with pytest.raises(SettingError, match=problem):
        Speak(min_speed=slowest, max_speed=fastest)


def test_a_fastest_speed_above_the_hard_limit_moves_it() -> None:
    assert Speak(max_speed=2.0).hard_max_speed == 2.0


@given(
    seconds=st.floats(0.05, 6.0),
    room=st.floats(0.0, 4.0),
    extra=st.floats(-0.5, 3.0),
    error=st.floats(-0.1, 0.15),
    obeys=st.booleans(),
    rate=st.sampled_from([16_000, 22_050, 24_000, 48_000]),
)
@settings(max_examples=60, deadline=None)
def test_no_line_passes_its_limit_and_the_flags_tell_the_truth(
    seconds: float, room: float, extra: float, error: float, obeys: bool, rate: int
) -> None:
    synthesiser = ToneSynthesiser(seconds, error=error, obeys=obeys, rate=rate)
    place = slot(room, max(room + extra, 0.0))
    fitted = fit(synthesiser, place)
    length, limit = len(fitted.samples), place.limit_sample - place.start_sample
    limits = LIMITS
    assert length <= limit
    assert len(synthesiser.speeds) <= MAX_CALLS
    assert fitted.speed <= limits.hard_max_speed + 1e-3
    assert ("cut" in fitted.flags) == (fitted.fit == "cut")
    if fitted.fit in ("fits", "faster"):
        assert length <= place.end_sample - place.start_sample
        assert (fitted.speed > 1.0) == (fitted.fit == "faster")
    if fitted.fit == "borrowed":
        assert place.end_sample - place.start_sample < length
    if fitted.fit == "cut":
        assert length == limit
    if "rushed" not in fitted.flags:
        assert fitted.speed <= limits.max_speed * 1.01 + 1e-3
    if length > 2 * FRAME:
        assert np.abs(fitted.samples[:FRAME]).max() > 0.01
        assert np.abs(fitted.samples).max() <= CEILING


def test_the_same_line_gives_the_same_samples() -> None:
    one, other = (fit(ToneSynthesiser(1.4, obeys=False), slot(1.0, 1.0)) for _ in range(2))
    assert np.array_equal(one.samples, other.samples)


@pytest.mark.parametrize("rate", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_resampling_keeps_pitch_level_and_length(rate: int) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.float32)
    raised = at_clock_rate(tone, rate)
    assert len(raised) == SAMPLE_RATE
    spectrum = np.abs(np.fft.rfft(raised))
    assert int(spectrum.argmax()) == 440
    assert np.sqrt(np.mean(raised**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_a_voice_above_full_scale_is_lowered_not_clipped() -> None:
    loud = (1.4 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)
    raised = at_clock_rate(loud, RATE)
    assert np.abs(raised).max() == pytest.approx(CEILING, abs=1e-3)
    assert np.sqrt(np.mean(raised**2)) == pytest.approx(CEILING / np.sqrt(2), rel=0.01)


def test_stretching_moves_the_length_and_not_the_pitch() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE * 2) / SAMPLE_RATE)).astype(np.float32)
    shorter = stretched(tone, 1.25, SAMPLE_RATE)
    assert len(shorter) == pytest.approx(len(tone) / 1.25, abs=0.02 * SAMPLE_RATE)
    peak = np.abs(np.fft.rfft(shorter)).argmax() * SAMPLE_RATE / len(shorter)
    assert peak == pytest.approx(440, abs=5)


def test_silence_around_speech_goes_and_the_speech_stays() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(RATE)
    kept = trimmed(np.concatenate([noise, tone, noise]).astype(np.float32), RATE)
    assert len(kept) == pytest.approx(RATE, abs=0.03 * RATE)
    assert np.abs(kept[: round(0.005 * RATE)]).max() > 0.01
    assert len(trimmed(kept, RATE)) == pytest.approx(len(kept), abs=0.005 * RATE)


def test_a_click_after_the_speech_is_dropped_but_a_released_consonant_is_not() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
    burst = 0.4 * np.random.default_rng(0).standard_normal(round(0.012 * RATE))

    def after(gap: float) -> NDArray[np.float32]:
        return np.concatenate([tone, np.zeros(round(gap * RATE)), burst, np.zeros(2000)]).astype(np.float32)

    assert len(trimmed(after(0.3), RATE)) < 1.05 * RATE
    assert len(trimmed(after(0.08), RATE)) > 1.08 * RATE


@pytest.mark.parametrize("samples", [0, 1, 5, 24_000])
def test_silence_of_any_length_has_no_speech(samples: int) -> None:
    assert len(trimmed(np.zeros(samples, np.float32), RATE)) == 0
    assert len(at_clock_rate(np.zeros(0, np.float32), RATE)) == 0
