"""Who speaks when: the right number of voices, stable names, no flicker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubkit.errors import ModelDamaged, ModelMissing, SettingError
from dubkit.formats.reading import read_turns
from dubkit.speech import clusters
from dubkit.speech.clusters import Evidence, cluster
from dubkit.speech.diarize import diarize
from dubkit.speech.embeddings import VoiceEncoder, mel_filters
from dubkit.speech.settings import Diarize
from dubkit.speech.turns import doubted, hardly_heard, single_speaker
from dubkit.speech.vad import speech_spans
from dubkit.types import ASR_RATE, Diarization, Turn
from tests.support.speech_clips import MEDIA, clip, voice_weights


@pytest.fixture(scope="module")
def encoder() -> VoiceEncoder:
    return VoiceEncoder(voice_weights())


class ScriptedEncoder(VoiceEncoder):
    """Gives each window the voice whose turn holds its middle, with a little noise."""

    def __init__(self, turns: list[tuple[float, float, int]], likeness: float = 0.3) -> None:
        self.turns = turns
        self.likeness = likeness

    def embed_windows(self, audio, spans, window=1.2, hop=0.2):  # type: ignore[no-untyped-def]
        rng = np.random.default_rng(0)
        times = [
            (a, min(a + window, end))
            for start, end in spans
            for a in np.arange(start, max(end - window, start) + 0.01, hop)
        ]
        vectors = np.full((len(times), 256), 0.0)
        for row, (start, end) in enumerate(times):
            middle = (start + end) / 2
            voice = next((v for a, b, v in self.turns if a <= middle < b), 0)
            vectors[row, 100 + voice] = np.sqrt(1 - self.likeness)
            vectors[row, 99] = np.sqrt(self.likeness)
            vectors[row] += 0.025 * rng.normal(size=256)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.array(times), vectors.astype(np.float32)


def scripted(turns: list[tuple[float, float, int]], **settings: int) -> Diarization:
    spans = [(turns[0][0], turns[-1][1])]
    return diarize(np.zeros(ASR_RATE, dtype=np.float32), spans, ScriptedEncoder(turns), Diarize(**settings))


def test_turns_follow_the_voices() -> None:
    found = scripted([(0, 5, 1), (5, 9, 0), (9, 15, 1)])
    assert [turn.speaker for turn in found.turns] == ["spk1", "spk2", "spk1"]
    assert [turn.end for turn in found.turns] == pytest.approx([5, 9, 15], abs=0.3)
    assert found.method == "resemblyzer+spectral"


def test_three_voices_are_counted_and_named_by_first_speech() -> None:
    found = scripted([(0, 5, 2), (5, 10, 0), (10, 15, 1), (15, 20, 2)])
    assert [turn.speaker for turn in found.turns] == ["spk1", "spk2", "spk3", "spk1"]
    assert set(found.embeddings) == {"spk1", "spk2", "spk3"}
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-3) for vector in found.embeddings.values())


def test_the_given_number_of_speakers_wins() -> None:
    voices = [(0.0, 5.0, 0), (5.0, 10.0, 1)]
    assert len(scripted(voices, speakers=1).embeddings) == 1
    assert len(scripted(voices, speakers=3).embeddings) == 3
    assert len(scripted([(0, 5, 0), (5, 10, 1), (10, 15, 2)], max_speakers=2).embeddings) == 2


def test_more_speakers_than_windows_do_not_break() -> None:
    assert len(scripted([(0, 1.5, 0)], speakers=6).turns) >= 1


def test_equal_input_gives_equal_turns() -> None:
    voices = [(0.0, 5.0, 0), (5.0, 10.0, 1), (10.0, 13.0, 0)]
    assert scripted(voices) == scripted(voices)


def test_a_flicker_of_another_voice_is_smoothed_away() -> None:
    found = scripted([(0, 5, 0), (5, 5.25, 1), (5.25, 10, 0), (10, 15, 1)])
    assert [turn.speaker for turn in found.turns] == ["spk1", "spk2"]


def test_long_recordings_are_clustered_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "MOST_WINDOWS", 60)
    found = scripted([(0, 20, 0), (20, 40, 1)])
    assert [turn.end for turn in found.turns] == pytest.approx([20, 40], abs=0.3)


def test_no_speech_has_no_turns(encoder: VoiceEncoder) -> None:
    assert diarize(np.zeros(ASR_RATE, dtype=np.float32), [], encoder).turns == ()
    assert single_speaker([]).turns == ()


def test_without_a_voice_model_all_speech_is_one_speaker() -> None:
    found = single_speaker([(0, 1), (1.2, 2), (4, 5)])
    assert found == Diarization((Turn(0, 2, "spk1"), Turn(4, 5, "spk1")), "single", {})


def test_a_single_window_is_one_speaker() -> None:
    assert cluster(np.zeros((1, 2)), np.ones((1, 256), dtype=np.float32), 0, 8).tolist() == [0]


@pytest.mark.parametrize("wrong", [{"speakers": -1}, {"max_speakers": 0}])
def test_impossible_settings_are_named(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingError, match=r"diarize\.(max_)?speakers"):
        Diarize(**wrong)


def test_embeddings_tell_voices_apart(encoder: VoiceEncoder) -> None:
    audio = clip("b_dialog/en_katie_steve_29s.flac")
    katie, again, steve = (
        encoder.embed(audio[int(a * ASR_RATE) : int(b * ASR_RATE)])
        for a, b in ((3.8, 7.6), (8.2, 11.5), (12.3, 20))
    )
    assert katie @ again > 0.85
    assert katie @ steve < 0.7
    assert np.linalg.norm(katie) == pytest.approx(1, abs=1e-5)


def test_embeddings_do_not_depend_on_loudness(encoder: VoiceEncoder) -> None:
    audio = clip("c_asr/en_leopard.wav")
    assert encoder.embed(audio) @ encoder.embed(0.05 * audio) > 0.9999


def test_silence_has_no_embedding(encoder: VoiceEncoder) -> None:
    assert not encoder.embed(np.zeros(ASR_RATE, dtype=np.float32)).any()
    assert not encoder.embed(np.zeros(0, dtype=np.float32)).any()


def test_windows_stay_in_their_spans_and_cover_them(encoder: VoiceEncoder) -> None:
    audio = clip("c_asr/en_leopard.wav")
    times, vectors = encoder.embed_windows(audio, [(0.5, 3.3), (4.0, 4.1)], window=1.5, hop=0.5)
    assert len(times) == len(vectors)
    assert times[0].tolist() == [0.5, 2.0]
    assert times[-2].tolist() == pytest.approx([1.8, 3.3])
    assert times[-1].tolist() == pytest.approx([3.85, 4.25])
    assert encoder.embed_windows(audio, [])[1].shape == (0, 256)


def test_mel_filters_have_slaneys_shape() -> None:
    filters = mel_filters()
    assert filters.shape == (40, 201)
    # Linear below 1 kHz: equal spacing of the peaks; area of each filter the same.
    peaks = filters.argmax(axis=1) * 40.0
    assert np.ptp(np.diff(peaks[:10])) <= 40
    assert filters[25:].sum(axis=1) * 40 == pytest.approx(np.ones(15), rel=0.05)


def test_missing_and_foreign_weights_are_named(tmp_path: Path) -> None:
    import torch

    with pytest.raises(ModelMissing, match=r"absent\.pt"):
        VoiceEncoder(tmp_path / "absent.pt")
    (tmp_path / "text.pt").write_text("not a model")
    with pytest.raises(ModelDamaged, match="not a readable voice encoder"):
        VoiceEncoder(tmp_path / "text.pt")
    torch.save({"model_state": {"lstm.x": torch.zeros(1)}}, tmp_path / "other.pt")
    with pytest.raises(ModelDamaged, match="not the weights"):
        VoiceEncoder(tmp_path / "other.pt")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "speakers"),
    [
        ("a_talk/en_jordi_10s.mp4", 1),
        ("c_asr/en_jfk_11s.flac", 1),
        ("a_talk/en_contracted_20s_1080x1920_hevc.mp4", 1),
        ("a_talk/en_banana_42s_timecode.mp4", 1),
        ("c_asr/de_taugenichts_25s_8k.flac", 1),
        ("a_talk/grid_bbaf2n.mpg", 1),
        ("b_dialog/en_interview_55s.flac", 2),
        ("b_dialog/en_telephone_30s.wav", 2),
        ("b_dialog/en_shop_call_45s_8k.flac", 2),
        ("b_dialog/ami_dev00_2spk.flac", 2),
        ("b_dialog/en_3spk_clean_19s.wav", 3),
    ],
)
def test_speakers_of_real_recordings_are_counted(encoder: VoiceEncoder, name: str, speakers: int) -> None:
    audio = clip(name)
    found = diarize(audio, speech_spans(audio), encoder)
    assert len({turn.speaker for turn in found.turns}) == speakers


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("b_dialog/en_telephone_30s.wav", 0.22),
        ("b_dialog/en_3spk_clean_19s.wav", 0.06),
        ("a_talk/grid_dialog_5turns.mp4", 0.20),
        ("b_dialog/ami_dev00_2spk.flac", 0.30),
    ],
)
def test_diarisation_error_of_labelled_recordings(encoder: VoiceEncoder, name: str, most: float) -> None:
    pytest.importorskip("pyannote.metrics")
    from benchmarks.diarization import _error

    audio = clip(name)
    truth = read_turns((MEDIA / name).with_suffix(".rttm"))
    assert _error(truth, diarize(audio, speech_spans(audio), encoder).turns) <= most


# --- doubt ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("evidence", "doubted"),
    [
        (Evidence(0.75, float("nan"), 1), False),
        (Evidence(0.705, float("nan"), 1), True),
        (Evidence(0.60, 0.65, 2), False),
        (Evidence(0.68, 0.88, 2), True),
        (Evidence(0.60, 0.75, 3), False),
        (Evidence(0.60, 0.79, 3), True),
        (Evidence(float("nan"), float("nan"), 1), False),
    ],
)
def test_a_number_of_speakers_near_its_limit_is_doubted(evidence: Evidence, doubted: bool) -> None:
    assert bool(evidence.doubt) == doubted


def test_the_doubt_of_a_recording_is_told_once_and_never_of_a_number_that_a_person_set() -> None:
    turns, told = [(0.0, 5.0, 1), (5.0, 9.0, 0)], list[str]()
    sound = np.zeros(ASR_RATE, dtype=np.float32)
    diarize(sound, [(0, 9)], ScriptedEncoder(turns), Diarize(), told.append)
    assert told == []
    alike = ScriptedEncoder(turns, likeness=0.725)
    diarize(sound, [(0, 9)], alike, Diarize(), told.append)
    assert len(told) == 1
    diarize(sound, [(0, 9)], alike, Diarize(speakers=2), told.append)
    assert len(told) == 1


def test_speakers_who_say_very_little_are_doubted_with_the_option_that_mends_it() -> None:
    turns = [Turn(0, 9, "spk1"), Turn(9, 10.2, "spk2"), Turn(11, 12, "spk3")]
    (remark,) = hardly_heard(turns)
    assert remark.sentence.startswith(
        "3 speakers were found, of whom spk2, spk3 speak for less than 2 seconds"
    )
    assert "--speakers N" in remark.sentence
    assert "--speakers N" in doubted("2 speakers were found").sentence
    assert not hardly_heard(turns[:1])
    assert not hardly_heard([Turn(0, 1, "spk1")])
    assert not hardly_heard([*turns[:1], Turn(9, 12, "spk2")])
