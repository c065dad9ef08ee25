"""The sound of generated clips: where it lies, how loud it is, and how clips join."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.dubbing.film.delay import MARGIN, REACH_MS, SIMILARITY, Delay, find_delay
from dubkit.dubbing.film.sound import (
    EDGE,
    JOIN,
    LIFT_LIMIT_DB,
    PEAK,
    ClipSound,
    SoundWindow,
    SourceSound,
    place_sound,
)
from dubkit.types import SAMPLE_RATE, Clip, Fit, VideoStream
from tests.support.paths import MEDIA, require
from tests.support.sounds import integrated

Sound = NDArray[np.floating]

RATES = [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60000, 1001)]


def video(rate: Fraction, frames: int = 1000, start: Fraction = Fraction(0)) -> VideoStream:
    return VideoStream(0, "h264", 64, 64, rate, frames, start, start + frames / rate)


def clip(name: str, start: int, frames: int, keep: tuple[int, int], shot: str = "s0001") -> Clip:
    return Clip(name, shot, start, frames, frames, *keep, ("l1",), "", Fit(64, 64, 0, 0, 64, 64))


def voice(seconds: float, seed: int = 0, rate: int = SAMPLE_RATE) -> Sound:
    """A buzz that comes and goes in syllables, about as loud as speech."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * rate)) / rate
    knots = np.arange(0, seconds + 0.4, 0.11)
    level = np.interp(at, knots, rng.random(len(knots)) ** 2)
    buzz = sum(np.sin(2 * np.pi * 130 * k * at + k) / k for k in range(1, 25))
    return (0.15 * level * (buzz + 0.2 * rng.normal(size=len(at)))).astype(np.float32)


def late(sound: Sound, milliseconds: float) -> Sound:
    samples = round(milliseconds * SAMPLE_RATE / 1000)
    if samples < 0:
        return np.concatenate((sound[-samples:], np.zeros(-samples, np.float32)))
    return np.concatenate((np.zeros(samples, np.float32), sound))[: len(sound)]


def through_a_codec(sound: Sound, seed: int = 0) -> Sound:
    """Keep the bands' levels of a sound at 24 kHz with random phases, and noise at -10 dB."""
    from scipy.signal import istft, resample_poly, stft  # type: ignore[import-untyped]

    rng = np.random.default_rng(seed)
    _, _, bins = stft(resample_poly(sound, 1, 2), 24000, nperseg=512, noverlap=392)
    kernel = np.ones(9) / 9
    magnitude = np.apply_along_axis(lambda column: np.convolve(column, kernel, "same"), 0, np.abs(bins))
    _, wave = istft(magnitude * np.exp(2j * np.pi * rng.random(bins.shape)), 24000, nperseg=512, noverlap=392)
    wide = resample_poly(wave, 2, 1)[: len(sound)]
    wide = np.pad(wide, (0, len(sound) - len(wide)))
    noisy: Sound = (wide + rng.normal(size=len(wide)) * wide.std() * 10**-0.5).astype(np.float32)
    return noisy


def real(name: str, seconds: float = 4.84) -> Sound:
    import av

    path = MEDIA / name
    require(path)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as container:
        parts = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        parts += resampler.resample(None)
    whole = np.concatenate([part.to_ndarray().reshape(-1) for part in parts]).astype(np.float32)
    return whole[: round(seconds * SAMPLE_RATE)]


def window_of(sound: Sound, start: int = 0) -> SoundWindow:
    return SoundWindow(start, (start, start + len(sound)))


# --- where a clip lies ----------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start", [Fraction(0), Fraction(1, 30), Fraction(-1, 90)])
def test_windows_tile_the_clock_without_drift(rate: Fraction, start: Fraction) -> None:
    clips = [clip(f"c{k}", max(0, 96 * k - 8), 121, (96 * k, 96 * (k + 1))) for k in range(100)]
    windows = [SoundWindow.of(one, video(rate, 9600, start), clips) for one in clips]
    for k, window in enumerate(windows):
        assert window.keep[0] == round((start + 96 * k / rate) * SAMPLE_RATE)
        assert k == 0 or window.keep[0] == windows[k - 1].keep[1]
        assert (window.joins_before, window.joins_after) == (k > 0, k < 99)
    assert abs(windows[-1].keep[1] - (start + 9600 / rate) * SAMPLE_RATE) <= Fraction(1, 2)


def test_clips_of_different_shots_do_not_join() -> None:
    a, b = clip("a", 0, 25, (0, 25)), clip("b", 25, 25, (25, 50), "s0002")
    assert not SoundWindow.of(a, video(Fraction(25)), [a, b]).joins_after
    assert not SoundWindow.of(b, video(Fraction(25)), [a, b]).joins_before


def test_frames_of_variable_rate_lie_where_they_are_shown_and_the_drift_is_told() -> None:
    times = [Fraction(n, 25) + (Fraction(1, 10) if n >= 10 else 0) for n in range(25)]
    stream = video(Fraction(25), 25)
    window = SoundWindow.of(clip("a", 0, 25, (5, 25)), stream, times=times)
    assert window.keep == (9600, SAMPLE_RATE)
    assert window.drift_ms == 100
    sound = voice(1.2)
    placed = place_sound(sound[None], SAMPLE_RATE, window, SourceSound(sound, 0, ((9600, 40000),)))
    assert "drift" in placed.flags


def test_frames_that_are_not_there_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="Clip a has frames 0 to 25; 5 to 26 cannot be kept"):
        SoundWindow.of(clip("a", 0, 25, (5, 26)), video(Fraction(25)))
    with pytest.raises(ValueError, match="the source has 20"):
        SoundWindow.of(clip("a", 0, 25, (5, 25)), video(Fraction(25)), times=[Fraction(n) for n in range(20)])


# --- the samples ----------------------------------------------------------------------------------


def test_sound_comes_out_at_its_sample_and_only_in_the_spans() -> None:
    sound = voice(4)
    spans = ((148_000, 170_000), (190_000, 230_000), (280_000, 400_000))
    window = SoundWindow(100_000, (110_000, 290_000))
    placed = place_sound(sound[None], SAMPLE_RATE, window, SourceSound(sound, 100_000, spans))
    assert placed.spans == (spans[0], spans[1], (280_000, 290_000))
    assert placed.start_sample == 148_000
    assert len(placed.samples) == 290_000 - 148_000
    assert placed.samples.dtype == np.float32
    inside = np.zeros(len(placed.samples), bool)
    for a, b in placed.spans:
        inside[a - 148_000 : b - 148_000] = True
        core = slice(a - 148_000 + EDGE, b - 148_000 - EDGE)
        expected = sound[a - 100_000 + EDGE : b - 100_000 - EDGE]
        assert np.abs(placed.samples[core] - expected).max() < 1e-4
    assert not placed.samples[~inside].any()
    assert abs(placed.gain_db) < 0.01
    assert placed.delay_ms == 0
    assert placed.flags == ()


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_every_rate_keeps_length_time_and_pitch(rate: int) -> None:
    at = np.arange(2 * rate) / rate
    tone = (0.3 * np.sin(2 * np.pi * 1000 * at)).astype(np.float32)
    wanted = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE)
    source = SourceSound(wanted.astype(np.float32), 0, ((0, 96_000),))
    placed = place_sound(np.stack((tone, tone)), rate, SoundWindow(0, (0, 96_000)), source)
    assert np.abs(placed.samples - wanted)[1000:-1000].max() < 1e-3


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001)])
def test_two_clips_that_join_add_up_to_the_whole(rate: Fraction) -> None:
    """Both hold the same sound at the join, as two clips with common latents do."""
    whole = voice(8)
    clips = [clip("a", 0, 97, (0, 89)), clip("b", 81, 97, (89, 178))]
    source = SourceSound(whole, 0, ((20_000, 330_000),))
    windows = [SoundWindow.of(one, video(rate), clips) for one in clips]
    parts = [whole[w.start_sample : w.start_sample + round(97 / rate * SAMPLE_RATE)] for w in windows]
    first = place_sound(parts[0][None], SAMPLE_RATE, windows[0], source)
    second = place_sound(parts[1][None], SAMPLE_RATE, windows[1], source, follows=first)
    assert (second.gain_db, second.delay_ms) == (first.gain_db, first.delay_ms)
    summed = np.zeros(len(whole), np.float64)
    for placed in (first, second):
        summed[placed.start_sample : placed.start_sample + len(placed.samples)] += placed.samples
    edge = windows[0].keep[1]
    near = slice(edge - JOIN, edge + JOIN)
    gain = 10 ** (first.gain_db / 20)
    assert np.abs(summed[near] - gain * whole[near]).max() < 1e-5
    assert first.spans[0][1] - second.spans[0][0] == JOIN


def test_the_ends_of_a_span_are_ramps_and_not_steps() -> None:
    sound = np.full(96_000, 0.25, np.float32)
    placed = place_sound(
        sound[None],
        SAMPLE_RATE,
        window_of(sound),
        SourceSound(sound, 0, ((24_000, 48_000), (60_000, 60_003))),
    )
    steps = np.abs(np.diff(np.concatenate(([0], placed.samples, [0]))))
    assert steps[: len(steps) - 10].max() < 0.25 * 1.6 / EDGE
    assert placed.samples[12_000] == pytest.approx(0.25, abs=0.01)


def test_a_clip_without_dubbed_spans_gives_no_sound() -> None:
    sound = voice(2)
    placed = place_sound(
        sound[None], SAMPLE_RATE, window_of(sound), SourceSound(sound, 0, ((200_000, 210_000),))
    )
    assert (len(placed.samples), placed.spans, placed.flags) == (0, (), ("outside",))
    following = place_sound(
        sound[None], SAMPLE_RATE, window_of(sound), SourceSound(2 * sound, 0, ((0, 96_000),)), follows=placed
    )
    assert following.gain_db == pytest.approx(6.02, abs=0.05)


# --- delay ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0, 37, -37, 120, 7000 / 25, 7 * 1001 / 24])
def test_a_delay_is_found_within_two_milliseconds(delay: float) -> None:
    sound = real("a_talk/en_jordi_10s.mp4")
    found = find_delay(sound, late(through_a_codec(sound), delay), SAMPLE_RATE)
    assert found is not None
    assert found.certain
    assert abs(found.ms - delay) < 2


def test_the_delay_is_taken_out_to_the_sample_and_reported() -> None:
    sound = real("c_asr/en_jfk_11s.flac")
    source = SourceSound(sound, 5000, ((30_000, 200_000),))
    placed = place_sound(late(sound, 37)[None], SAMPLE_RATE, window_of(sound, 5000), source)
    assert abs(placed.delay_ms - 37) < 0.5
    assert placed.measured is not None
    found = find_delay(sound[25_000:195_000], placed.samples, SAMPLE_RATE)
    assert found is not None
    assert abs(found.ms) < 1


def test_other_words_are_not_moved() -> None:
    ours, theirs = real("c_asr/es_leopard.wav"), real("c_asr/de_leopard.wav")
    length = min(len(ours), len(theirs))
    source = SourceSound(ours, 0, ((0, length),))
    placed = place_sound(theirs[None, :length], SAMPLE_RATE, SoundWindow(0, (0, length)), source)
    assert placed.delay_ms == 0
    assert placed.measured is not None
    assert not placed.measured.certain


def test_a_delay_too_short_to_be_heard_is_left() -> None:
    sound = voice(4)
    source = SourceSound(sound, 0, ((0, len(sound)),))
    assert place_sound(late(sound, 3)[None], SAMPLE_RATE, window_of(sound), source).delay_ms == 0


def test_short_or_silent_sound_has_no_delay() -> None:
    assert find_delay(voice(0.9), voice(0.9), SAMPLE_RATE) is None
    assert find_delay(voice(2), np.zeros(96_000, np.float32), SAMPLE_RATE) is None


def test_a_delay_at_the_end_of_the_reach_is_not_certain() -> None:
    assert not Delay(float(REACH_MS), 0.9, 0.9).certain
    assert not Delay(10.0, SIMILARITY - 0.01, 0.9).certain
    assert not Delay(10.0, 0.9, MARGIN - 0.01).certain
    assert Delay(-10.0, SIMILARITY, MARGIN).certain


# --- level ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("name", ["a_talk/en_ecb_7s.mp4", "a_talk/en_jordi_10s.mp4"])
def test_the_loudness_becomes_the_sources_within_one_unit(name: str, gain: float) -> None:
    ours, theirs = real(name), real("c_asr/es_leopard.wav")
    span = (SAMPLE_RATE // 2, 4 * SAMPLE_RATE)
    source = SourceSound(np.stack((ours, ours)) / np.sqrt(2).astype(np.float32), 0, (span,))
    placed = place_sound(gain * theirs[None], SAMPLE_RATE, window_of(theirs), source)
    wanted, heard = integrated(ours[slice(*span)], SAMPLE_RATE), integrated(placed.samples, SAMPLE_RATE)
    assert wanted is not None
    assert heard is not None
    assert abs(heard - wanted) < 1
    assert np.abs(placed.samples).max() <= PEAK + 1e-6


def placed_over(generated: Sound, source: Sound) -> ClipSound:
    """One clip over the whole source."""
    return place_sound(generated, SAMPLE_RATE, window_of(source), SourceSound(source, 0, ((0, len(source)),)))


def test_a_very_quiet_voice_is_lifted_only_so_far() -> None:
    sound = voice(2)
    placed = placed_over(sound[None] / 8, sound)
    assert placed.gain_db == LIFT_LIMIT_DB
    assert placed.flags == ("gain-bounded",)


def test_a_peak_never_reaches_full_scale() -> None:
    sound = voice(2)
    spiky = sound / 4
    spiky[50_000:50_020] += 0.9 * np.hanning(20).astype(np.float32)
    placed = placed_over(spiky[None], sound)
    assert np.abs(placed.samples).max() <= PEAK + 1e-6
    assert "peak-bounded" in placed.flags


def test_a_clip_that_says_nothing_is_flagged_and_not_lifted() -> None:
    sound = voice(2)
    noise = (1e-4 * np.random.default_rng(0).normal(size=len(sound))).astype(np.float32)
    for generated in (np.zeros_like(sound), noise):
        placed = placed_over(generated[None], sound)
        assert placed.flags == ("silent",)
        assert np.abs(placed.samples).max() < 1e-3


def test_a_silent_source_leaves_the_level_alone() -> None:
    sound = voice(2)
    placed = placed_over(sound[None], np.zeros_like(sound))
    assert (placed.gain_db, placed.flags) == (0.0, ("no-reference",))


def test_values_that_are_no_numbers_become_silence_and_are_told() -> None:
    sound = voice(2)
    broken = np.stack((sound, sound))
    broken[0, 1000:1100], broken[1, 5000] = np.nan, np.inf
    placed = placed_over(broken, sound)
    assert np.isfinite(placed.samples).all()
    assert placed.flags == ("not-finite",)


def test_a_clipped_wave_is_told_from_one_that_peaks() -> None:
    sound = voice(2)
    peak = sound / np.abs(sound).max()
    assert "clipped" not in placed_over(peak[None], sound).flags
    assert "clipped" in placed_over(np.clip(20 * peak[None], -1, 1), sound).flags


def test_channels_that_cancel_each_other_are_not_mixed() -> None:
    sound = voice(2)
    placed = placed_over(np.stack((sound, -0.95 * sound)), sound)
    assert "cancelled" in placed.flags
    assert np.abs(placed.samples[1000:-1000] - sound[1000:-1000]).max() < 1e-3


def test_sound_that_ends_too_early_is_told() -> None:
    sound = voice(2)
    placed = placed_over(sound[None, :-4800], sound)
    assert "short" in placed.flags
    assert not placed.samples[-4800:].any()
    assert "short" not in placed_over(sound[None, :-300], sound).flags


@pytest.mark.parametrize("shape", [(48_000,), (3, 48_000), (1, 0)])
def test_sound_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    sound = voice(1)
    with pytest.raises(ValueError, match=r"Generated sound is \(1 or 2, N\)"):
        placed_over(np.zeros(shape, np.float32), sound)


def test_a_rate_or_source_that_makes_no_sense_is_refused() -> None:
    sound = voice(1)
    with pytest.raises(ValueError, match="positive number of samples"):
        place_sound(sound[None], 0, window_of(sound), SourceSound(sound, 0, ((0, 48_000),)))
    source = SourceSound(sound[None, None], 0, ((0, 48_000),))
    with pytest.raises(ValueError, match=r"Source sound is \(N,\) or \(C, N\)"):
        place_sound(sound[None], SAMPLE_RATE, window_of(sound), source)


@pytest.mark.parametrize(
    "name", ["a_talk/en_jordi_10s.mp4", "a_talk/en_ecb_7s.mp4", "b_dialog/it_call_47s.flac"]
)
def test_edges_in_real_speech_are_no_larger_steps_than_the_speech_itself(name: str) -> None:
    sound = real(name)
    spans = ((31_111, 80_003), (90_001, 200_017))
    window = SoundWindow(0, (0, 150_000), joins_after=False)
    placed = place_sound(sound[None], SAMPLE_RATE, window, SourceSound(sound, 0, spans))
    whole = np.pad(placed.samples, 100)
    steps = np.abs(np.diff(whole))
    own = np.abs(np.diff(sound)) * 10 ** (placed.gain_db / 20)
    for a, b in placed.spans:
        for edge in (a, b):
            at = edge - placed.start_sample + 100
            near = own[max(0, edge - 4800) : edge + 4800].max()
            assert steps[max(0, at - EDGE - 5) : at + EDGE + 5].max() <= near


def test_placing_twice_gives_the_same_samples() -> None:
    sound = voice(3)
    first, second = (placed_over(late(sound, 50)[None], sound) for _ in range(2))
    assert np.array_equal(first.samples, second.samples)
    assert first.delay_ms == second.delay_ms
