from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from dubkit.errors import MediaError
from dubkit.media.sound import audio, loudness
from tests.support.sounds import integrated, true_peak_db

RATE = 48_000


def tone(seconds: float, level_db: float, hz: float = 1000.0, phase: float = 0.0) -> NDArray[np.float64]:
    at = np.arange(round(seconds * RATE)) / RATE
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * at + phase)


def stereo(*parts: NDArray[np.float64]) -> NDArray[np.float64]:
    whole = np.concatenate(parts)
    return np.stack([whole, whole], axis=1)


def test_ebu_tone_at_minus_23_reads_minus_23() -> None:
    assert integrated(stereo(tone(20, -23)), RATE) == pytest.approx(-23, abs=0.1)


def test_ebu_tone_at_minus_33_reads_minus_33() -> None:
    assert integrated(stereo(tone(20, -33)), RATE) == pytest.approx(-33, abs=0.1)


def test_relative_gate_leaves_out_quiet_parts() -> None:
    sound = stereo(tone(10, -36), tone(60, -23), tone(10, -36))
    assert integrated(sound, RATE) == pytest.approx(-23, abs=0.1)


def test_absolute_gate_leaves_out_near_silence() -> None:
    parts = [tone(10, -72), tone(10, -36), tone(60, -23), tone(10, -36), tone(10, -72)]
    assert integrated(stereo(*parts), RATE) == pytest.approx(-23, abs=0.1)


def test_parts_of_alternating_level_read_their_mean() -> None:
    parts = [tone(20, -26), tone(20.1, -20), tone(20, -26)]
    assert integrated(stereo(*parts), RATE) == pytest.approx(-23, abs=0.1)


def test_ebu_surround_case_weighs_the_surrounds_and_ignores_the_lfe() -> None:
    front, centre, back = tone(20, -28), tone(20, -24), tone(20, -30)
    loud_lfe = tone(20, -3, hz=50)
    sound = np.stack([front, front, centre, loud_lfe, back, back], axis=1)
    assert integrated(sound, RATE, "5.1") == pytest.approx(-23, abs=0.1)
    assert integrated(sound, RATE, "5.1(side)") == pytest.approx(-23, abs=0.1)


def test_agrees_with_pyloudnorm_on_five_channels() -> None:
    noise = np.random.default_rng(1).normal(scale=0.05, size=(12 * RATE, 5))
    theirs = pyloudnorm.Meter(RATE, filter_class="DeMan").integrated_loudness(noise)
    assert integrated(noise, RATE, "5.0") == pytest.approx(theirs, abs=0.02)


def test_weights_follow_the_layout() -> None:
    assert loudness.channel_weights("7.1", 8) == (1, 1, 1, 0, 1, 1, 1.41, 1.41)
    assert loudness.channel_weights("2.1", 3) == (1, 1, 0)
    assert loudness.channel_weights("mono", 1) == (1,)
    assert loudness.channel_weights("", 10) == (1,) * 10


def test_a_wrong_layout_falls_back_to_the_number_of_channels() -> None:
    assert audio.channel_roles("stereo", 6) == ("FL", "FR", "FC", "LFE", "BL", "BR")
    assert audio.channel_roles("6 channels", 6)[3] == "LFE"
    assert audio.channel_roles("nonsense", 2) == ("FL", "FR")


def test_a_line_shorter_than_a_block_has_a_loudness() -> None:
    assert integrated(stereo(tone(0.2, -23)), RATE) == pytest.approx(-23, abs=0.5)


@pytest.mark.parametrize("samples", [np.zeros((RATE, 2)), np.zeros((0, 2)), np.zeros(100)])
def test_silence_has_no_loudness(samples: NDArray[np.float64]) -> None:
    assert integrated(samples, RATE) is None


def test_dialogue_is_measured_inside_its_spans_only(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, stereo(tone(3, -10), tone(3, -23), tone(3, -10)), RATE)
    assert loudness.dialogue_loudness(path, [(3 * RATE + 20_000, 6 * RATE)]) == pytest.approx(-23, abs=0.1)
    assert loudness.programme_loudness(path) == pytest.approx(-10.2, abs=0.2)


def test_overlapping_spans_count_once_and_spans_beyond_the_end_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, stereo(tone(2, -23), tone(2, -29)), RATE)
    once = loudness.dialogue_loudness(path, [(0, 4 * RATE)])
    twice = loudness.dialogue_loudness(path, [(0, 2 * RATE), (RATE, 99 * RATE), (-50, 10)])
    assert twice == once
    assert loudness.dialogue_loudness(path, [(90 * RATE, 99 * RATE)]) is None


def test_pieces_do_not_change_the_loudness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, np.random.default_rng(2).normal(scale=0.1, size=(7 * RATE, 2)), RATE)
    whole = loudness.dialogue_loudness(path, [(1234, 6 * RATE)])
    monkeypatch.setattr(loudness, "PIECE_SECONDS", 1)
    assert loudness.dialogue_loudness(path, [(1234, 6 * RATE)]) == pytest.approx(whole, abs=1e-9)


def test_true_peak_finds_the_peak_between_samples() -> None:
    sound = tone(1, -6, hz=RATE / 4, phase=np.pi / 4)
    assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-9, abs=0.1)
    assert true_peak_db(sound, RATE) == pytest.approx(-6, abs=0.4)


def test_true_peak_of_long_sound_is_that_of_its_pieces(tmp_path: Path) -> None:
    sound = stereo(tone(12, -20))
    sound[10 * RATE + 3] = 0.9
    path = tmp_path / "a.wav"
    audio.write_wav(path, sound, RATE)
    assert true_peak_db(sound, RATE) == pytest.approx(loudness.true_peak_of_file(path), abs=0.001)


def test_a_piece_border_inside_loud_sound_is_no_peak() -> None:
    assert true_peak_db(tone(10.5, -6, hz=20), RATE) == pytest.approx(-6, abs=0.05)


def test_true_peak_of_silence_is_minus_infinity() -> None:
    assert true_peak_db(np.zeros((100, 2)), RATE) == -np.inf
    assert true_peak_db(np.zeros((0, 2)), RATE) == -np.inf


def test_24_bit_values_survive_reading_and_writing(tmp_path: Path) -> None:
    pcm = np.random.default_rng(3).integers(-(2**23), 2**23, size=(5000, 3)).astype(np.int32) << 8
    path = tmp_path / "a.wav"
    audio.write_wav(path, pcm, RATE)
    samples = audio.read_span(path, 0, 5000)
    assert np.array_equal(audio.to_pcm(samples), pcm)
    audio.write_wav(tmp_path / "b.wav", samples, RATE)
    assert (tmp_path / "b.wav").read_bytes() == path.read_bytes()


def test_samples_beyond_full_scale_stop_there() -> None:
    pcm = audio.to_pcm(np.array([2.0, -2.0]))
    assert pcm.tolist() == [(2**23 - 1) << 8, -(2**31)]


def test_reading_past_the_end_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, np.zeros(1000), RATE)
    assert audio.read_span(path, 900, 2000).shape == (100, 1)
    assert audio.read_span(path, 3000, 4000).shape == (0, 1)
    with pytest.raises(ValueError, match="not a span"):
        audio.read_span(path, 5, 2)


def test_a_file_that_is_no_sound_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"no sound")
    with pytest.raises(MediaError, match=r"a\.wav"):
        audio.read_span(path, 0, 1)
    with pytest.raises(MediaError, match=r"b\.wav"):
        audio.read_span(tmp_path / "b.wav", 0, 1)


def test_speech_models_get_16_khz_mono_or_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, tone(0.1, -6), 16_000, "PCM_16")
    samples = audio.read_mono16(path)
    assert samples.dtype == np.float32
    assert samples.shape == (4800,)
    audio.write_wav(path, tone(0.1, -6), RATE)
    with pytest.raises(MediaError, match="16000"):
        audio.read_mono16(path)


def test_waveform_peaks_show_where_it_is_loud(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, stereo(tone(1, -40), tone(1, -6)), RATE)
    peaks = audio.waveform_peaks(path, 10)
    assert len(peaks) == 10
    assert max(peaks[:5]) == pytest.approx(0.01, abs=0.001)
    assert min(peaks[5:]) == pytest.approx(0.5, abs=0.01)
    audio.write_wav(path, np.zeros(3), RATE)
    assert audio.waveform_peaks(path, 10) == (0, 0, 0)


def worst() -> NDArray[np.float64]:
    """Return the sound that rises the most above its samples between two of them, `(n,)`."""
    at = np.arange(-10, 10) + 0.5
    return np.where(np.sinc(at) >= 0, 0.1, -0.1)


@pytest.mark.parametrize("above", [0.05, 0.2, 0.3, 0.9])
def test_what_is_not_oversampled_stays_below_the_level(above: float) -> None:
    random = np.random.default_rng(3)
    sound = (
        random.normal(scale=0.05, size=(RATE, 2)) * np.repeat(random.random(100) ** 4, RATE // 100)[:, None]
    )
    sound[20_000:20_020, 1] = worst()
    whole, sparse = loudness.peak_envelope(sound), loudness.peak_envelope(sound, above)
    assert whole.max() > 0.21
    assert np.array_equal(np.maximum(sparse, above), np.maximum(whole, above))


def test_a_peak_between_low_samples_is_the_peak_of_its_piece() -> None:
    sound = np.zeros((RATE, 1))
    sound[30_000:30_020, 0] = worst()
    sound[10_000, 0] = 0.2
    assert loudness.peak_of_piece(lambda a, b: sound[max(0, a) : b], 0, RATE) > 0.21
