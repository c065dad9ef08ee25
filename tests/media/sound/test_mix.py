from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from dubkit.errors import MediaError, SettingError
from dubkit.media.sound import audio, loudness
from dubkit.media.sound.mix import MixRules, Placement, mix
from dubkit.media.sound.settings import Mix
from dubkit.types import MixReport
from tests.support.sounds import integrated, true_peak_db

RATE = 48_000
FADE = 960
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def voice(seconds: float, lufs: float, seed: int) -> NDArray[np.float64]:
    """Noise with a speech-like envelope, at an exact loudness when it is mono."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    envelope = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * np.arange(count) / RATE)
    sound = np.convolve(rng.normal(size=count), np.ones(12) / 12, "same") * envelope
    measured = integrated(sound, RATE)
    assert measured is not None
    return sound * 10 ** ((lufs - measured) / 20)


class Studio:
    """Make a source with dialogue in some spans over a quiet bed, and mix lines into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source.wav"
        self.out = folder / "mix.wav"

    def record(
        self,
        seconds: float,
        lines: Sequence[tuple[float, float]],
        channels: int = 2,
        lufs: float = -24,
        bed: float = 1e-3,
    ) -> None:
        rng = np.random.default_rng(7)
        sound = rng.normal(scale=bed, size=(round(seconds * RATE), channels))
        into = [2] if channels == 6 else list(range(channels))
        for number, (start, end) in enumerate(lines):
            speech = voice(end - start, lufs - 10 * np.log10(len(into)), number)
            first = round(start * RATE)
            sound[first : first + len(speech), into] += speech[:, None]
        audio.write_wav(self.source, np.clip(sound, -1, 1), RATE)

    def line(
        self,
        number: int,
        start: float,
        end: float,
        spoken: float,
        *,
        at: float | None = None,
        lufs: float = -20,
        speaker: str = "",
    ) -> Placement:
        path = self.folder / f"speech{number}.wav"
        audio.write_wav(path, voice(spoken, lufs, 100 + number), RATE)
        first = round((start if at is None else at) * RATE)
        span = (round(start * RATE), round(end * RATE))
        return Placement(f"s{number:04d}", path, first, span, speaker)

    def mix(
        self,
        placements: Sequence[Placement],
        settings: Mix | MixRules | None = None,
        background: Path | None = None,
    ) -> MixReport:
        channels = sf.info(self.source).channels
        return mix(
            self.source,
            placements,
            self.out,
            settings if isinstance(settings, Mix) else Mix(),
            rules=settings if isinstance(settings, MixRules) else None,
            channels=channels,
            layout=LAYOUTS[channels],
            background=background,
        )

    def pcm(self, path: Path) -> NDArray[np.int32]:
        samples: NDArray[np.int32] = sf.read(path, dtype="int32", always_2d=True)[0]
        return samples

    def assert_untouched_outside(self, report: MixReport) -> None:
        before, after = self.pcm(self.source), self.pcm(self.out)
        assert before.shape == after.shape
        outside = np.ones(len(before), dtype=bool)
        for span in report.spans:
            outside[span.start_sample : span.end_sample] = False
        assert outside.any()
        assert np.array_equal(before[outside], after[outside])
        assert not np.array_equal(before, after)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_outside_the_dubbed_spans_every_sample_is_the_source(studio: Studio, channels: int) -> None:
    studio.record(8, [(1, 3), (5, 6.5)], channels)
    report = studio.mix([studio.line(1, 1, 3, 1.5), studio.line(2, 5, 6.5, 1.8)])
    studio.assert_untouched_outside(report)
    assert [(s.start_sample, s.end_sample) for s in report.spans] == [
        (RATE - FADE, 3 * RATE + FADE),
        (5 * RATE - FADE, round(6.8 * RATE) + FADE),
    ]


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("speech_lufs", [-35, -14])
def test_dialogue_is_as_loud_as_the_source(studio: Studio, channels: int, speech_lufs: float) -> None:
    studio.record(10, [(1, 3), (5, 8)], channels)
    placements = [studio.line(1, 1, 3, 1.6, lufs=speech_lufs), studio.line(2, 5, 8, 3, lufs=speech_lufs)]
    report = studio.mix(placements)
    layout = LAYOUTS[channels]
    source = loudness.dialogue_loudness(studio.source, [p.source_span for p in placements], layout)
    dub = loudness.dialogue_loudness(studio.out, [p.source_span for p in placements], layout)
    assert source == pytest.approx(report.source_lufs, abs=0.01)
    assert report.dub_lufs == pytest.approx(report.source_lufs, abs=0.3)
    assert dub == pytest.approx(source, abs=0.6)
    whole = loudness.programme_loudness(studio.out, layout)
    assert whole == pytest.approx(loudness.programme_loudness(studio.source, layout), abs=1)


def test_programme_and_dialogue_share_what_cannot_both_be_matched(studio: Studio) -> None:
    """Under a loud bed that ducking removes, the dialogue alone would leave the programme too quiet."""
    studio.record(12, [(1, 2.5), (4, 5.5), (7, 8.5)], lufs=-24, bed=0.02)
    lines = [studio.line(n, s, s + 1.5, 0.9) for n, s in enumerate((1, 4, 7))]
    alone = studio.mix(lines, MixRules(programme_share_lu=0))
    assert alone.dub_lufs == pytest.approx(alone.source_lufs, abs=0.3)
    before = loudness.programme_loudness(studio.out)
    shared = studio.mix(lines)
    assert abs(shared.dub_lufs - shared.source_lufs) <= 0.7
    source, after = loudness.programme_loudness(studio.source), loudness.programme_loudness(studio.out)
    assert source is not None
    assert before is not None
    assert after is not None
    assert abs(after - source) <= abs(before - source)


def test_speech_lands_on_its_sample(studio: Studio) -> None:
    audio.write_wav(studio.source, np.zeros((4 * RATE, 2)), RATE)
    line = studio.line(1, 1, 3, 1.0, at=1.25)
    report = studio.mix([line])
    speech = audio.read_span(line.speech, 0, RATE)[:, 0]
    mixed = audio.read_span(studio.out, 0, 4 * RATE)[:, 0]
    offsets = np.arange(-20, 21)
    first = line.start_sample
    match = [float(mixed[first + o : first + o + RATE] @ speech) for o in offsets]
    assert offsets[int(np.argmax(match))] == 0
    gain = 10 ** (report.spans[0].gain_db / 20) * np.sqrt(0.5)
    assert np.allclose(mixed[first : first + RATE], speech * gain, atol=1e-4)
    assert not mixed[: first - 1].any()


def test_speech_goes_to_the_front_centre_only_in_5_1(studio: Studio) -> None:
    audio.write_wav(studio.source, np.zeros((3 * RATE, 6)), RATE)
    studio.mix([studio.line(1, 1, 2, 1)])
    mixed = studio.pcm(studio.out)
    assert [bool(mixed[:, channel].any()) for channel in range(6)] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_silent_source_gets_speech_at_programme_level(studio: Studio) -> None:
    audio.write_wav(studio.source, np.zeros((5 * RATE, 2)), RATE)
    report = studio.mix([studio.line(1, 1, 3, 2, lufs=-31)])
    assert report.source_lufs == -70
    assert report.dub_lufs == pytest.approx(-23, abs=0.3)


@pytest.mark.parametrize("noise", [-70.0, -54.0, -40.0])
def test_noise_in_which_nobody_speaks_sets_no_level(studio: Studio, noise: float) -> None:
    audio.write_wav(studio.source, np.tile(voice(6, noise - 3, 1)[:, None], 2), RATE)
    lines = [
        replace(studio.line(1, 1, 2, 1, lufs=-31), heard=False),
        replace(studio.line(2, 3, 5, 1.5, lufs=-18), heard=False),
    ]
    report = studio.mix(lines)
    assert report.source_lufs == -70
    assert report.dub_lufs == pytest.approx(-23, abs=0.3)


def test_a_line_over_noise_is_as_loud_as_its_speaker_elsewhere(studio: Studio) -> None:
    studio.record(10, [(1, 3)], lufs=-24)
    lines = [studio.line(1, 1, 3, 2), replace(studio.line(2, 6, 8, 2), heard=False)]
    report = studio.mix(lines)
    assert report.source_lufs == pytest.approx(-24, abs=0.3)
    first, second = (line.gain_db for line in report.spans)
    assert second == pytest.approx(first, abs=0.5)


def test_original_voice_stays_ducked_for_the_whole_source_line(studio: Studio) -> None:
    studio.record(6, [(1, 5)])
    studio.mix([studio.line(1, 1, 5, 1)], Mix(duck_db=-30))
    before, after = (audio.read_span(p, 0, 6 * RATE) for p in (studio.source, studio.out))
    rest = slice(round(2.01 * RATE), 5 * RATE)
    assert np.allclose(after[rest], before[rest] * 10 ** (-30 / 20), atol=2e-7)


def test_ramps_are_smooth_and_reach_the_source_at_both_ends(studio: Studio) -> None:
    audio.write_wav(studio.source, np.full((4 * RATE, 1), 0.25), RATE)
    line = studio.line(1, 1, 2, 1)
    audio.write_wav(line.speech, np.zeros(RATE), RATE)
    report = studio.mix([line])
    mixed = audio.read_span(studio.out, 0, 4 * RATE)[:, 0]
    assert np.abs(np.diff(mixed)).max() < 0.25 / 200
    assert mixed[RATE] == pytest.approx(0.25 * 10 ** (-24 / 20), abs=1e-6)
    assert report.spans[0].gain_db == 0


def test_speech_longer_than_its_line_keeps_the_bed_ducked(studio: Studio) -> None:
    studio.record(6, [(1, 2)], bed=0.01)
    line = studio.line(1, 1, 2, 3)
    report = studio.mix([line])
    assert report.spans[0].end_sample == 4 * RATE + FADE
    studio.assert_untouched_outside(report)


@pytest.mark.parametrize("at", [0.3, 1.8, 3.4])
def test_beside_a_line_that_was_moved_the_original_voice_stays_ducked(studio: Studio, at: float) -> None:
    """The speech may begin long before its source line, in the middle of it, or after its end."""
    audio.write_wav(studio.source, np.full((6 * RATE, 1), 0.25), RATE)
    line = studio.line(1, 1, 3, 0.5, at=at)
    audio.write_wav(line.speech, np.zeros(RATE // 2), RATE)
    report = studio.mix([line])
    begin, end = round(min(1, at) * RATE), round(max(3, at + 0.5) * RATE)
    ducked = audio.read_span(studio.out, begin, end)[:, 0]
    assert np.allclose(ducked, 0.25 * 10 ** (-24 / 20), atol=1e-6)
    assert (report.spans[0].start_sample, report.spans[0].end_sample) == (begin - FADE, end + FADE)
    studio.assert_untouched_outside(report)


def test_adjacent_and_overlapping_lines_are_ducked_once(studio: Studio) -> None:
    audio.write_wav(studio.source, np.full((6 * RATE, 1), 0.25), RATE)
    lines = [
        studio.line(1, 1, 2, 1),
        studio.line(2, 2.05, 3, 0.5),
        studio.line(3, 2.9, 4, 1),
        studio.line(4, 3.2, 3.4, 0.1),
    ]
    for line in lines:
        audio.write_wav(line.speech, np.zeros(4800), RATE)
    report = studio.mix(lines)
    ducked = audio.read_span(studio.out, 0, 6 * RATE)[RATE : 4 * RATE, 0]
    assert np.allclose(ducked, 0.25 * 10 ** (-24 / 20), atol=1e-6)
    assert report.spans[0].end_sample == report.spans[1].start_sample == round(2.025 * RATE)
    studio.assert_untouched_outside(report)


def test_a_line_at_the_very_start_and_end_needs_no_ramp(studio: Studio) -> None:
    studio.record(3, [(0, 1), (2, 3)])
    report = studio.mix([studio.line(1, 0, 1, 1), studio.line(2, 2, 3, 1.5)])
    assert report.spans[0].start_sample == 0
    assert report.spans[1].end_sample == 3 * RATE == report.samples
    studio.assert_untouched_outside(report)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_hot_speech_is_limited_and_a_hot_source_outside_stays(studio: Studio, channels: int) -> None:
    studio.record(6, [(1, 3)], channels, lufs=-10)
    hot = audio.read_span(studio.source, 0, 6 * RATE)
    hot[4 * RATE : 4 * RATE + 100] = 0.9999
    audio.write_wav(studio.source, hot, RATE)
    line = studio.line(1, 1, 3, 2)
    peaky = np.random.default_rng(5).normal(scale=0.01, size=2 * RATE)
    peaky[::9600] = 0.95
    audio.write_wav(line.speech, peaky, RATE)
    report = studio.mix([line])
    assert report.limited
    assert report.true_peak_db <= -0.95
    span = report.spans[0]
    inside = audio.read_span(studio.out, span.start_sample, span.end_sample)
    assert true_peak_db(inside, RATE) <= -0.9
    studio.assert_untouched_outside(report)


def test_quiet_mix_is_not_called_limited(studio: Studio) -> None:
    studio.record(4, [(1, 3)])
    assert not studio.mix([studio.line(1, 1, 3, 2)]).limited


def test_limiter_is_the_identity_at_the_edges_of_a_hot_source(studio: Studio) -> None:
    """A gain below 1 where the untouched source begins would click."""
    hot = np.full((3 * RATE, 2), 0.98)
    audio.write_wav(studio.source, hot, RATE)
    report = studio.mix([studio.line(1, 1, 2, 1, lufs=-6)])
    mixed = audio.read_span(studio.out, 0, 3 * RATE)
    span = report.spans[0]
    assert mixed[span.start_sample + 1, 0] == pytest.approx(0.98, abs=1e-4)
    assert mixed[span.end_sample - 2, 0] == pytest.approx(0.98, abs=1e-4)
    studio.assert_untouched_outside(report)


def test_background_takes_the_place_of_the_source_under_speech(studio: Studio) -> None:
    studio.record(6, [(1, 4)])
    music = np.random.default_rng(9).normal(scale=0.01, size=(6 * RATE - 100, 2))
    background = studio.folder / "background.wav"
    audio.write_wav(background, music, RATE)
    report = studio.mix([studio.line(1, 1, 4, 1)], background=background)
    mixed = audio.read_span(studio.out, 0, 6 * RATE)
    rest = slice(round(2.01 * RATE), 4 * RATE)
    assert np.allclose(mixed[rest], music[rest], atol=2e-7)
    studio.assert_untouched_outside(report)


def test_background_of_another_length_is_refused(studio: Studio) -> None:
    studio.record(4, [(1, 2)])
    background = studio.folder / "background.wav"
    audio.write_wav(background, np.zeros((2 * RATE, 2)), RATE)
    with pytest.raises(MediaError, match="same length"):
        studio.mix([studio.line(1, 1, 2, 1)], background=background)


def test_without_lines_the_mix_is_an_exact_copy(studio: Studio) -> None:
    studio.record(2, [(0.5, 1.5)])
    report = studio.mix([])
    assert np.array_equal(studio.pcm(studio.source), studio.pcm(studio.out))
    assert report.spans == ()
    assert report.source_lufs == report.dub_lufs
    assert not report.limited


def test_a_shout_is_followed_within_limits_only(studio: Studio) -> None:
    studio.record(9, [(1, 3), (4, 6)])
    loud = audio.read_span(studio.source, 0, 9 * RATE)
    loud[4 * RATE : 6 * RATE] *= 10 ** (-20 / 20)
    audio.write_wav(studio.source, loud, RATE)
    report = studio.mix([studio.line(1, 1, 3, 2), studio.line(2, 4, 6, 2)])
    assert report.spans[0].gain_db - report.spans[1].gain_db == pytest.approx(6, abs=0.2)


def test_a_whisperer_is_measured_against_their_own_voice(studio: Studio) -> None:
    studio.record(9, [(1, 3), (4, 6)])
    sound = audio.read_span(studio.source, 0, 9 * RATE)
    sound[4 * RATE : 6 * RATE] *= 10 ** (-20 / 20)
    audio.write_wav(studio.source, sound, RATE)
    lines = [studio.line(1, 1, 3, 2, speaker="A"), studio.line(2, 4, 6, 2, speaker="B")]
    report = studio.mix(lines)
    assert report.spans[0].gain_db - report.spans[1].gain_db == pytest.approx(20, abs=0.5)


def test_a_nearly_silent_take_is_not_blown_up(studio: Studio) -> None:
    studio.record(12, [(1, 3), (4, 6), (7, 9)])
    takes = ((1, 1, -20), (2, 4, -20), (3, 7, -60))
    lines = [studio.line(n, s, s + 2, 2, lufs=level) for n, s, level in takes]
    gains = [span.gain_db for span in studio.mix(lines).spans]
    assert gains[2] - gains[0] == pytest.approx(12, abs=0.5)


def test_a_silent_take_gets_the_usual_gain(studio: Studio) -> None:
    studio.record(6, [(1, 2), (3, 4)])
    lines = [studio.line(1, 1, 2, 1), studio.line(2, 3, 4, 1)]
    audio.write_wav(lines[1].speech, np.zeros(RATE), RATE)
    first, second = studio.mix(lines).spans
    assert first.gain_db == second.gain_db


def test_same_input_gives_the_same_bytes(studio: Studio) -> None:
    studio.record(5, [(1, 3)])
    lines = [studio.line(1, 1, 3, 2)]
    reports, sums = [], []
    for _ in range(2):
        reports.append(studio.mix(lines))
        sums.append(hashlib.sha256(studio.out.read_bytes()).hexdigest())
    assert reports[0] == reports[1]
    assert sums[0] == sums[1]


def test_big_files_become_rf64(studio: Studio) -> None:
    studio.record(3, [(1, 2)])
    line = studio.line(1, 1, 2, 1)
    studio.mix([line])
    plain = studio.pcm(studio.out)
    report = studio.mix([line], MixRules(rf64_bytes=100_000))
    assert studio.out.read_bytes()[:4] == b"RF64"
    assert np.array_equal(studio.pcm(studio.out), plain)
    studio.assert_untouched_outside(report)


def test_pieces_leave_no_seam(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.record(8, [(1, 7)], lufs=-9)
    lines = [studio.line(1, 1, 7, 6, lufs=-9)]
    studio.mix(lines, Mix(true_peak_db=-4))
    whole = studio.pcm(studio.out)
    monkeypatch.setattr("dubkit.media.sound.mix._PIECE", RATE // 3)
    assert studio.mix(lines, Mix(true_peak_db=-4)).limited
    assert np.abs(studio.pcm(studio.out).astype(np.int64) - whole).max() <= 256


def test_memory_does_not_grow_with_the_episode(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.record(60, [(5, 55)], channels=1)
    largest = 0
    real = audio.read_open

    def watched(file: sf.SoundFile, start: int, end: int) -> NDArray[np.float64]:
        nonlocal largest
        largest = max(largest, end - start)
        return real(file, start, end)

    monkeypatch.setattr("dubkit.media.sound.scene.read_open", watched)
    studio.mix([studio.line(1, 5, 55, 50)])
    assert RATE < largest < 11 * RATE


@pytest.mark.parametrize(("start", "end", "at"), [(5, 6, 5), (1, 2, -0.5)])
def test_a_line_outside_the_sound_is_named(studio: Studio, start: float, end: float, at: float) -> None:
    studio.record(3, [(1, 2)])
    with pytest.raises(MediaError, match="line s0001"):
        studio.mix([studio.line(1, start, end, 1, at=at)])


def test_sound_of_the_wrong_form_is_refused(studio: Studio) -> None:
    studio.record(3, [(1, 2)])
    line = studio.line(1, 1, 2, 1)
    with pytest.raises(ValueError, match="2 channels"):
        mix(studio.source, [line], studio.out, Mix(), channels=1, layout="mono")
    wrong_rate = studio.folder / "rate.wav"
    audio.write_wav(wrong_rate, np.zeros(100), 44_100)
    with pytest.raises(MediaError, match="44100"):
        studio.mix([replace(line, speech=wrong_rate)])
    two = studio.folder / "two.wav"
    audio.write_wav(two, np.zeros((100, 2)), RATE)
    with pytest.raises(MediaError, match="2 channels"):
        studio.mix([replace(line, speech=two)])
    sf.write(studio.source, np.zeros((RATE * 3, 2)), RATE, subtype="FLOAT")
    with pytest.raises(MediaError, match="FLOAT"):
        studio.mix([line])


@pytest.mark.parametrize("wrong", [{"fade_ms": 0}, {"hold_ms": -1}])
def test_rules_out_of_range_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} of a mix"):
        MixRules(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"duck_db": 3.0}, {"duck_db": -81.0}, {"true_peak_db": 1.0}])
def test_settings_out_of_range_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=f"mix.{next(iter(wrong))}"):
        Mix(**wrong)


def test_a_line_that_a_person_wants_softer_is_so_beside_its_speakers_others(studio: Studio) -> None:
    studio.record(8, [(1, 3), (5, 7)])
    lines = [studio.line(1, 1, 3, 1.8), studio.line(2, 5, 7, 1.8)]
    plain, wished = (
        studio.mix([lines[0], replace(lines[1], louder_db=louder)]).spans for louder in (0.0, -6.0)
    )
    before, after = (spans[1].gain_db - spans[0].gain_db for spans in (plain, wished))
    assert after - before == pytest.approx(-6.0, abs=0.01)
