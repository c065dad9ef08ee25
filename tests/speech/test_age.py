"""Age from the voice: a small child is heard as one, and no adult is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]
from scipy.signal import lfilter, resample_poly  # type: ignore[import-untyped]

from dubkit.config import Settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.errors import ArtifactDamaged
from dubkit.models.store import ModelStore
from dubkit.speech.description import describe_voice, guess_age
from dubkit.speech.pitch import median_pitch
from dubkit.speech.tract import tract_length
from dubkit.speech.vad import speech_spans
from dubkit.types import ASR_RATE, SAMPLE_RATE, AudioStream, Cast, Episode, Segment, Transcript
from stages.cast import STAGE
from tests.support.speech_clips import clip


def tube(hertz: float, centimetres: float, seconds: float = 3.0, rate: int = ASR_RATE) -> np.ndarray:
    """A voice of that pitch through a tube of that length, swaying a little as voices do."""
    time = np.arange(round(seconds * rate)) / rate
    turns = np.cumsum(hertz * (1 + 0.03 * np.sin(2 * np.pi * 3 * time)) / rate)
    sound = lfilter([1], [1, -0.95], np.diff(np.floor(turns), prepend=0.0))
    for number in range(1, 6):
        place, width = (number - 0.5) * 35_000 / (2 * centimetres), 60 + 20 * number
        if place < 0.48 * rate:
            size = np.exp(-np.pi * width / rate)
            sound = lfilter([1], [1, -2 * size * np.cos(2 * np.pi * place / rate), size**2], sound)
    return (0.2 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.mark.parametrize("hertz", [220, 270, 320])
@pytest.mark.parametrize("centimetres", [11.0, 12.5, 14.0])
def test_the_length_of_a_tube_is_heard_through_a_high_voice(hertz: float, centimetres: float) -> None:
    assert tract_length(tube(hertz, centimetres), [(0, 3)]) == pytest.approx(centimetres, rel=0.05)


def test_a_child_is_high_and_short_and_either_alone_is_nobody() -> None:
    def age(hertz: float, centimetres: float) -> str:
        sound = tube(hertz, centimetres)
        return guess_age(sound, [(0, 3)], median_pitch(sound, [(0, 3)]))

    assert (age(290, 11.0), age(290, 14.0), age(210, 11.0), age(110, 17.0)) == ("child", "", "", "")


def test_too_little_voice_has_no_length() -> None:
    assert tract_length(tube(290, 11.0), [(0, 0.3)]) == 0.0
    assert tract_length(np.zeros(ASR_RATE, dtype=np.float32), [(0, 1)]) == 0.0
    assert tract_length(tube(290, 11.0), []) == 0.0


@pytest.mark.parametrize("name", ["c_asr/pt_ibm_18s.flac", "a_talk/ru_contracted_10s_1080x1920_hevc.mp4"])
def test_a_woman_played_faster_than_she_spoke_is_a_child_and_she_is_none(name: str) -> None:
    audio = clip(name)[: 10 * ASR_RATE]
    spans = speech_spans(audio)
    assert guess_age(audio, spans, median_pitch(audio, spans)) == ""
    small = resample_poly(audio, 10, 13).astype(np.float32)
    spans = [(start / 1.3, end / 1.3) for start, end in spans]
    assert guess_age(small, spans, median_pitch(small, spans)) == "child"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "a_talk/en_google_paris_35s_2997.mp4",  # over music
        "b_dialog/en_telephone_30s.wav",
        "c_asr/de_taugenichts_25s_8k.flac",
        "c_asr/en_jfk_11s.flac",  # a man who declaims at 250 Hz
        "c_asr/es_leopard.wav",  # a woman at 320 Hz
        "c_asr/ja_common_voice.mp3",
        "c_asr/zh_aishell1.wav",
    ],
)
def test_no_high_voice_of_an_adult_is_a_child(name: str) -> None:
    audio = clip(name)
    spans = speech_spans(audio)
    assert guess_age(audio, spans, median_pitch(audio, spans)) == ""


# --- in the cast --------------------------------------------------------------------------------


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """An episode in which a child and then a woman speak for three seconds each."""
    store, source = EpisodeStore(tmp_path / "Output/ep"), tmp_path / "ep.wav"
    sound = np.concatenate([tube(hz, cm, rate=SAMPLE_RATE) for hz, cm in ((290, 11.0), (210, 14.5))])
    sf.write(source, sound, SAMPLE_RATE)
    track = AudioStream(0, 1, "pcm_s16le", SAMPLE_RATE, 1, "mono")
    store.write_json("episode.json", Episode("ep", "0" * 64, "wav", 6, None, (track,), (), 1, 1, len(sound)))  # type: ignore[arg-type]
    sf.write(store.path("audio.wav"), sound, SAMPLE_RATE)
    sf.write(store.path("speech16k.wav"), resample_poly(sound, 1, 3), ASR_RATE)
    segments = (Segment("s0001", 0, 3, "spk1", "Hi."), Segment("s0002", 3, 6, "spk2", "Go."))
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    settings = with_settings(Settings(), {"speak.provider": "espeak"})
    return Context(store, settings, source, "0" * 64, ModelStore(tmp_path / "models"), "es")


class Kept:
    """Keeps the cast that the stage hands over."""

    cast: Cast

    def write_json(self, relative: str, value: Cast) -> None:
        self.cast = value

    def done(self, item: str, **result: object) -> None: ...

    def say(self, text: str) -> None: ...


def cast(context: Context) -> list[tuple[str, str, str, bool]]:
    kept = Kept()
    STAGE.run(context, STAGE.items(context), kept)  # type: ignore[arg-type]
    return [(s.description, s.age or "", s.age_guess or "", s.guessed) for s in kept.cast.speakers]


def test_the_cast_says_who_is_a_child_and_that_it_is_a_guess(context: Context) -> None:
    assert cast(context) == [("The child", "child", "voice", True), ("The woman", "", "", True)]


def test_a_persons_word_wins_over_the_guess(context: Context) -> None:
    file = context.source.with_name("cast.toml")
    file.write_text('[spk1]\nage = "adult"\n[spk2]\nage = "elderly"\n')
    assert cast(context) == [("The woman", "adult", "", True), ("The elderly woman", "elderly", "", True)]
    file.write_text('[spk1]\ndescription = "The squeaky robot"\n[spk2]\nage = "old"\n')
    with pytest.raises(ArtifactDamaged, match=r"spk2\.age.*'old'.*\n.*child, young, adult, elderly"):
        STAGE.items(context)
    file.write_text('[spk1]\ndescription = "The squeaky robot"\n')
    assert cast(context)[0] == ("The squeaky robot", "", "", False)


def test_with_ages_off_nothing_is_guessed_and_the_key_is_that_of_before(context: Context) -> None:
    off = replace(context, settings=with_settings(context.settings, {"cast.ages": "off"}))
    assert cast(off)[0] == ("The woman", "", "", True)
    assert "cast.ages" in STAGE.items(context)[0].settings
    assert "cast.ages" not in STAGE.items(off)[0].settings


def test_words_for_the_prompt() -> None:
    assert describe_voice(160, "young") == "The young speaker"
    assert describe_voice(400, "adult") == "The woman"
