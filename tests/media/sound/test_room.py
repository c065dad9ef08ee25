"""The place and the room of a voice: found in sounds whose place and room are known, and given to another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

from dubkit.media.sound.audio import read_span, write_wav
from dubkit.media.sound.decay import Decay, hear_decay
from dubkit.media.sound.dress import DRY_DB, MOST_DOUBT
from dubkit.media.sound.mix import Placement, mix
from dubkit.media.sound.place import Place, find_place
from dubkit.media.sound.room import delayed, response, stand_in
from dubkit.media.sound.settings import Mix
from dubkit.types import MixReport
from dubkit.types.reports import LineRoom
from tests.support.programmes import RATE, voice
from tests.support.voices import needs_espeak, open_engine

Samples = NDArray[np.float64]
SENTENCES = (
    "Good morning, everybody. The train to the coast leaves in ten minutes.",
    "Take a seat, please, and put the bags under the table.",
    "Nobody knew what to say, so we talked about the weather.",
)


def echoing(sound: Samples, seconds: float, direct_db: float, seed: int) -> Samples:
    """Return what a room adds to a sound: noise that fades by 60 dB in `seconds`."""
    at = np.arange(round(seconds * RATE)) / RATE
    tail = np.random.default_rng(seed).normal(size=len(at)) * 10 ** (-3 * at / seconds)
    tail[: RATE // 1000] = 0
    tail *= np.sqrt(10 ** (-direct_db / 10) / np.square(tail).sum())
    echo: Samples = fftconvolve(sound, tail)[: len(sound)]
    return echo


def panned(sound: Samples, level_db: float, delay_ms: float) -> Samples:
    """Put a sound between two channels: the left one louder by a level, the right one later by a delay."""
    late = delay_ms * RATE / 1000
    left = delayed(sound, max(0.0, -late)) * 10 ** (level_db / 40)
    return np.stack((left, delayed(sound, max(0.0, late)) * 10 ** (-level_db / 40)), axis=1)


def with_bed(sound: Samples, below_db: float = 20, seed: int = 9) -> Samples:
    noise = np.random.default_rng(seed).normal(size=sound.shape)
    return sound + noise * np.sqrt(np.mean(np.square(sound))) * 10 ** (-below_db / 20)


@pytest.fixture(scope="module")
def spoken() -> Samples:
    """Some ten seconds of speech with pauses, by an engine."""
    engine = open_engine("espeak")
    parts = []
    for text in SENTENCES:
        said = np.asarray(engine.speak(text, voice="", language="en", speed=1.0), dtype=np.float64)
        parts += [resample_poly(said, RATE, engine.rate), np.zeros(RATE // 2)]
    return 0.5 * np.concatenate(parts)


@pytest.mark.parametrize(("level_db", "delay_ms"), [(0, 0), (6, 0), (-9, 0.3), (3, -0.6), (-2, 0.08)])
@pytest.mark.parametrize("shared", [False, True], ids=["echo of each channel", "echo panned too"])
def test_a_place_is_found_in_echo_and_noise(level_db: float, delay_ms: float, shared: bool) -> None:
    dry = voice(5)
    if shared:
        sound = panned(dry + echoing(dry, 0.5, 2, 1), level_db, delay_ms)
    else:
        sound = panned(dry, level_db, delay_ms)
        sound += np.stack([echoing(dry, 0.5, 2, seed) for seed in (1, 2)], axis=1)
    place = find_place(with_bed(sound), (0, 1))
    assert place is not None
    assert 20 * np.log10(place.levels[0] / place.levels[1]) == pytest.approx(level_db, abs=1)
    assert (place.delays[1] - place.delays[0]) / 48 == pytest.approx(delay_ms, abs=0.1)


def test_two_sounds_beside_each_other_are_no_place() -> None:
    noise = np.random.default_rng(1).normal(size=(4 * RATE, 2))
    assert find_place(noise, (0, 1)) is None
    assert find_place(np.zeros((4 * RATE, 2)), (0, 1)) is None


@needs_espeak
@pytest.mark.parametrize("seconds", [0.25, 0.45, 0.7, 1.1])
@pytest.mark.parametrize("direct_db", [2, -8])
def test_a_reverberation_time_is_heard_within_a_fifth(
    spoken: Samples, seconds: float, direct_db: float
) -> None:
    wet = spoken + echoing(spoken, seconds, direct_db, 3)
    for sound in (wet[:, None], with_bed(wet[:, None])):
        decay = hear_decay(sound)
        assert decay is not None
        assert decay.seconds[1] == pytest.approx(seconds, rel=0.2)
        assert decay.doubt < MOST_DOUBT


@needs_espeak
def test_a_dry_voice_has_no_room_that_one_could_be_sure_of(spoken: Samples) -> None:
    decay = hear_decay(spoken[:, None])
    assert decay is not None
    assert decay.doubt > MOST_DOUBT or decay.direct_db > DRY_DB


def test_a_moment_of_speech_says_nothing_of_a_room() -> None:
    assert hear_decay(voice(2)[:, None]) is None


def fallen(answer: Samples) -> float:
    """Reverberation time of a response, from its fall between -5 and -25 dB (T20)."""
    left = np.cumsum(np.square(answer)[::-1])[::-1]
    level = 10 * np.log10(left / left[0] + 1e-12)
    first, last = np.argmax(level < -5), np.argmax(level < -25)
    return float(3 * (last - first) / RATE)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.2])
def test_a_voice_gets_the_place_and_the_room_that_were_found(seconds: float) -> None:
    place = Place((0.9, 0.436), (0.0, 14.4), (0.707, 0.707))
    decay = Decay((seconds,) * 3, 3.0, 0.1)
    answer = response(place, decay)
    for channel in answer.T:
        assert fallen(channel) == pytest.approx(seconds, rel=0.1)
    assert 10 * np.log10(1 / np.square(answer).sum()) == pytest.approx(3, abs=0.3)
    click = np.zeros(1000)
    click[100] = 1
    heard = stand_in(click, place, decay)
    assert np.array_equal(heard, stand_in(click, place, decay))
    assert heard[100, 0] == pytest.approx(0.9, abs=0.01)
    assert heard[95:125, 1].argmax() + 95 == 114


class Stage:
    """A source with a voice in a place and a room, and a dry line for it."""

    def __init__(self, folder: Path, sound: Samples, layout: str) -> None:
        self.folder, self.sound, self.layout = folder, sound, layout
        write_wav(folder / "source.wav", np.clip(sound, -1, 1), RATE)
        write_wav(folder / "speech.wav", voice(2, 0.2, 8), RATE)

    def mix(self, settings: Mix) -> tuple[MixReport, Samples]:
        """Mix the line over the whole of the source but its last second; return the stem of its voice."""
        stems = {name: self.folder / name for name in ("dub.wav", "dialogue.wav", "me.wav")}
        span = (RATE // 2, len(self.sound) - RATE)
        line = Placement("s0001", self.folder / "speech.wav", RATE, span)
        channels = self.sound.shape[1]
        out, source = self.folder / "mix.wav", self.folder / "source.wav"
        report = mix(source, [line], out, settings, channels=channels, layout=self.layout, stems=stems)
        return report, read_span(stems["dub.wav"], 0, len(self.sound))


def room_of(report: MixReport) -> LineRoom:
    assert report.rooms
    return report.rooms[0]


def test_the_dub_stands_where_the_source_stood(tmp_path: Path) -> None:
    sound = np.pad(panned(voice(6), 6, 0.3), ((RATE // 2, RATE), (0, 0)))
    stage = Stage(tmp_path, sound, "stereo")
    report, stem = stage.mix(Mix(room="auto"))
    room = room_of(report)
    assert room.levels_db[0] - room.levels_db[1] == pytest.approx(6, abs=1)
    power = np.square(stem).sum(axis=0)
    assert 10 * np.log10(power[0] / power[1]) == pytest.approx(6, abs=1)
    lags = np.correlate(stem[RATE : RATE + 9600, 1], stem[RATE + 50 : RATE + 9550, 0], "valid")
    assert lags.argmax() - 50 == pytest.approx(0.3 * 48, abs=4.8)
    before, after = (
        read_span(tmp_path / "source.wav", 0, len(sound)),
        read_span(tmp_path / "mix.wav", 0, len(sound)),
    )
    outside = np.ones(len(sound), dtype=bool)
    for span in report.spans:
        outside[span.start_sample : span.end_sample] = False
    assert np.array_equal(before[outside], after[outside])
    assert not stage.mix(Mix())[0].rooms


@needs_espeak
def test_the_dub_gets_the_room_of_the_source_and_its_echo_counts_as_dubbed(
    tmp_path: Path, spoken: Samples
) -> None:
    wet = np.pad(spoken + echoing(spoken, 0.8, 1, 4), (RATE // 2, RATE))[:, None]
    stage = Stage(tmp_path, wet, "mono")
    report, stem = stage.mix(Mix(room="auto"))
    room = room_of(report)
    assert room.reverberation_s[1] == pytest.approx(0.8, rel=0.2)
    dry = stage.mix(Mix())[1]
    pause = slice(int(2.3 * RATE), int(2.4 * RATE))  # a tenth of a second after the last syllable
    assert np.abs(dry[pause]).max() < 1e-6
    assert np.abs(stem[pause]).max() > 1e-3


def test_a_voice_in_the_centre_of_surround_stays_there(tmp_path: Path) -> None:
    sound = np.random.default_rng(2).normal(scale=1e-4, size=(7 * RATE, 6))
    sound[RATE // 2 : 6 * RATE - RATE // 2, 2] += voice(5)
    _, stem = Stage(tmp_path, sound, "5.1").mix(Mix(room="auto"))
    power = np.square(stem).sum(axis=0)
    assert power[2] > 1e3 * (power.sum() - power[2])
