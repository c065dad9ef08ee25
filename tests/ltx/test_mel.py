"""The mel front end against the original's numbers, and what it refuses."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from dubkit.ltx.mel import fit, log_mel, mel_filters, resample, sample_count
from tests.support.golden import assert_close, golden, requires_golden


@requires_golden
@pytest.mark.parametrize(
    ("name", "rate"), [("stereo48k", 48000), ("stereo44k", 44100), ("mono16k", 16000)], ids=str
)
def test_waveform_becomes_the_originals_mel(name: str, rate: int) -> None:
    unit = golden("unit_audio")
    wave = resample(unit[f"{name}.wave"], rate, 16000)
    assert_close(wave, unit[f"{name}.resampled"])
    assert_close(log_mel(wave), unit[f"{name}.mel"])


@requires_golden
def test_filter_bank_is_the_originals() -> None:
    assert_close(mel_filters(64, 1024, 16000), golden("unit_audio")["mel_filterbank"])


@requires_golden
def test_silence_is_the_floor() -> None:
    mel = log_mel(torch.zeros(1, 2, 1600))
    assert_close(mel, golden("unit_audio")["silence.mel"])
    assert torch.allclose(mel, torch.tensor(math.log(1e-5)))


@requires_golden
def test_clip_is_cut_to_its_frames_before_it_is_resampled() -> None:
    media = golden("e2e_media")
    wave = fit(media["clip_audio"], sample_count(25, Fraction(25), 48000))
    resampled = resample(wave, 48000, 16000)
    assert_close(resampled, media["audio_resampled"])
    assert_close(log_mel(resampled[None]), media["audio_mel"])


def test_sample_count_is_exact_for_broadcast_rates() -> None:
    assert sample_count(121, Fraction(25), 16000) == 77440
    assert sample_count(30000, Fraction(30000, 1001), 48000) == 48048000
    assert sample_count(1, Fraction(24000, 1001), 16000) == 667  # 667.33 rounded down


def test_fit_cuts_or_appends_silence() -> None:
    wave = torch.arange(1.0, 6.0).repeat(2, 1)
    assert fit(wave, 3).tolist() == [[1, 2, 3]] * 2
    assert fit(wave, 7).tolist() == [[1, 2, 3, 4, 5, 0, 0]] * 2
    assert torch.equal(fit(wave, 5), wave)


def test_resampling_keeps_a_tone_and_its_length() -> None:
    time = torch.arange(44101) / 44100
    tone = torch.sin(2 * math.pi * 440 * time)
    result = resample(tone, 44100, 16000)
    assert result.shape == (16001,)  # rounded up
    expected = torch.sin(2 * math.pi * 440 * torch.arange(16001) / 16000)
    assert (result - expected)[100:-100].abs().max() < 1e-2


def test_repeated_edges_keep_a_constant_constant() -> None:
    ones = torch.ones(1, 2, 50)
    repeated = resample(ones, 16000, 48000, edges="replicate")
    assert (repeated - 1).abs().max() < 0.01
    assert resample(ones, 16000, 48000)[0, 0, -1] < 0.9


def test_front_end_stays_float32_for_bfloat16_sound() -> None:
    wave = torch.randn(1, 2, 4000, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert resample(wave, 48000, 16000).dtype == torch.float32
    assert log_mel(wave).dtype == torch.float32


def test_filters_have_unit_area_and_reach_half_the_rate() -> None:
    filters = mel_filters(64, 1024, 16000)
    assert filters.shape == (513, 64)
    area = filters[:, 20:].sum(0) * (8000 / 512)  # wide enough to be sampled well
    assert (area - 1).abs().max() < 0.1
    assert filters[0].abs().max() == 0
    assert filters[-2].max() > 0
    assert mel_filters(4, 64, 1600).isfinite().all()  # wholly in the linear part of the scale


def test_513_samples_are_enough_and_512_are_refused() -> None:
    assert log_mel(torch.zeros(1, 1, 513)).shape == (1, 1, 4, 64)
    with pytest.raises(ValueError, match=r"512 samples at 16000 Hz; .* at least 513\. Append silence"):
        log_mel(torch.zeros(1, 1, 512))


@pytest.mark.parametrize("shape", [(2, 4000), (1, 6, 4000), (1, 0, 4000), (1, 1, 2, 4000)])
def test_mel_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="1 or 2 channels"):
        log_mel(torch.zeros(shape))


def test_integer_samples_are_refused_rather_than_taken_unscaled() -> None:
    wave = torch.zeros(1, 2, 4000, dtype=torch.int16)
    with pytest.raises(ValueError, match="integer samples"):
        log_mel(wave)
    with pytest.raises(ValueError, match="integer samples"):
        resample(wave, 48000, 16000)


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        resample(torch.zeros(1, 2, 0), 48000, 16000)


@pytest.mark.parametrize("rates", [(0, 16000), (48000, -1)])
def test_impossible_rates_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        resample(torch.zeros(1, 2, 100), *rates)


def test_impossible_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="-1 frames at 25 fps"):
        sample_count(-1, Fraction(25), 16000)
    with pytest.raises(ValueError, match="0 fps"):
        sample_count(10, Fraction(0), 16000)
