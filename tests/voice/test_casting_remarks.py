"""Voices that several people share, or that are unlike them, are said aloud; a person's own choice is not."""

from __future__ import annotations

import pytest

from dubkit.voice.casting_remarks import CastVoice, casting_remarks
from dubkit.voice.engine import ENGINES, SpeakerTraits, Voice, VoiceList

ONE = VoiceList((Voice("heart", "the one", "female", 210.0),))
NAMED = VoiceList((Voice("low", gender="male"), Voice("high", gender="female")))


def codes(*cast: CastVoice, listed: VoiceList | None = ONE) -> list[str]:
    return [remark.code for remark in casting_remarks(cast, "the engine", listed)]


def test_a_voice_that_people_share_is_said_once_with_their_names() -> None:
    cast = [CastVoice(name, 200.0, "heart") for name in ("Ana", "Bea", "Carla")]
    (remark,) = casting_remarks(cast, "hibari", ONE)
    assert (remark.code, remark.weight) == ("voice-shared", "degraded")
    assert remark.sentence.startswith(
        "Ana, Bea and Carla have one voice, heart: hibari has no other for them."
    )
    assert "cast.toml" in remark.sentence


def test_a_man_with_the_voice_of_a_woman_is_said() -> None:
    (remark,) = casting_remarks([CastVoice("Rui", 97.0, "heart")], "hibari", ONE)
    assert (remark.code, remark.weight) == ("voice-unsure", "degraded")
    assert "Rui speaks at 97 Hz and gets heart, a voice at 210 Hz" in remark.sentence


@pytest.mark.parametrize(
    ("pitch", "voice", "expected"),
    [
        (110.0, "low", []),
        (220.0, "high", []),
        (165.0, "low", []),
        (110.0, "high", ["voice-unsure"]),
        (220.0, "low", ["voice-unsure"]),
        (0.0, "low", ["voice-unmeasured"]),
    ],
)
def test_without_a_pitch_of_its_own_a_voice_is_judged_by_what_it_sounds_like(
    pitch: float, voice: str, expected: list[str]
) -> None:
    assert codes(CastVoice("Kim", pitch, voice), listed=NAMED) == expected


def test_what_a_person_chose_is_not_doubted() -> None:
    assert (
        codes(CastVoice("A", 97.0, "heart", by_hand=True), CastVoice("B", 0.0, "heart", by_hand=True)) == []
    )
    # The other one got the voice because there is no other.
    assert codes(CastVoice("A", 97.0, "heart", by_hand=True), CastVoice("B", 205.0, "heart")) == [
        "voice-shared"
    ]


def test_an_engine_that_cannot_list_its_voices_is_judged_by_sharing_alone() -> None:
    assert codes(CastVoice("A", 97.0, "x"), CastVoice("B", 210.0, "x"), listed=None) == ["voice-shared"]


PITCHES = (97.4, 193.5, 94.9, 112.2, 230.0, 160.0, 120.0, 205.0)


@pytest.mark.parametrize("engine", ["kokoro", "espeak"])
@pytest.mark.parametrize("language", ["en", "pt-BR", "de"])
def test_people_of_unlike_pitch_never_share_a_voice_while_there_are_others(
    engine: str, language: str
) -> None:
    voice_for, voices = ENGINES.records[engine].voice_for, list[str]()
    for pitch in PITCHES:
        voices.append(voice_for(SpeakerTraits(language, pitch), tuple(voices)))
    assert len(set(voices)) == len(PITCHES)
