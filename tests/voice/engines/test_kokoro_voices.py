"""Every speaker gets a voice of their own, near their own pitch and well understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import VoiceError
from dubkit.voice.engine import ENGINES, SpeakerTraits
from dubkit.voice.engines.espeak import HIGH, LOW
from dubkit.voice.engines.kokoro_voices import LADDER, WORD_ERROR, parse_blend, voice_for


@pytest.mark.parametrize("language", ["pt-BR", "es", "it", "fr", "de", "en"])
def test_a_low_speaker_gets_a_lower_voice_than_a_high_one(language: str) -> None:
    pitch = {blend.name: blend.pitch_hz for blend in LADDER}
    voices = [pitch[voice_for(SpeakerTraits(language, hz), ())] for hz in (90, 130, 170, 220)]
    assert voices == sorted(voices)
    assert voices[0] < 135 < 150 < voices[-1]


def test_every_language_rates_every_voice() -> None:
    assert all(len(errors) == len(LADDER) for errors in WORD_ERROR.values())


@given(
    st.lists(st.floats(0, 500), max_size=40),
    st.sampled_from(["kokoro", "espeak"]),
    st.sampled_from(["pt-BR", "fr", "de", "xx"]),
)
def test_speakers_get_voices_of_their_own_and_always_the_same(
    pitches: list[float], name: str, language: str
) -> None:
    engine = ENGINES.records[name]
    cast: list[str] = []
    for pitch in pitches:
        traits = SpeakerTraits(language, pitch)
        voice = engine.voice_for(traits, cast)
        assert voice == engine.voice_for(traits, tuple(cast))
        cast.append(voice)
    distinct = len(pitches) if name == "kokoro" else min(len(pitches), len(LOW + HIGH))
    assert len(set(cast)) == distinct


def test_a_crowd_larger_than_all_voices_still_gets_one() -> None:
    cast: list[str] = []
    for _ in range(90):
        cast.append(voice_for(SpeakerTraits("pt-BR", 120), cast))
    assert len(set(cast)) > 50
    assert all(parse_blend(voice, KNOWN) for voice in cast)


KNOWN = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")


def test_weights_of_a_blend_add_up_to_one() -> None:
    assert parse_blend(" 3 * jm_kumo+jf_alpha ", KNOWN) == ((0.75, "jm_kumo"), (0.25, "jf_alpha"))
    assert parse_blend("jm_kumo", KNOWN) == ((1.0, "jm_kumo"),)


@pytest.mark.parametrize("voice", ["", "0*jm_kumo", "0.5*", "a b", "jm_kumo+", "-1*jm_kumo"])
def test_a_voice_that_is_no_blend_is_refused_with_the_form(voice: str) -> None:
    with pytest.raises(VoiceError, match="neither a name nor a blend"):
        parse_blend(voice, KNOWN)


def test_an_unknown_voice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(VoiceError, match=r"There is no voice 'bob' \(in '0\.5\*bob\+jm_kumo'\).*jf_alpha"):
        parse_blend("0.5*bob+jm_kumo", KNOWN)
