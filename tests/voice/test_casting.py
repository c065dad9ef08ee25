"""All speakers are cast together: near their pitch, in its order, with a voice each as long as there are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.voice.casting import Role, cast_voices
from dubkit.voice.engine import ENGINES, SpeakerTraits, Voice, VoiceList, VoiceOpening

FOUR = VoiceList(
    (
        Voice("bass", gender="male", pitch_hz=90),
        Voice("tenor", gender="male", pitch_hz=125),
        Voice("alto", gender="female", pitch_hz=180),
        Voice("soprano", gender="female", pitch_hz=230),
    )
)


def never(pitch_hz: float, taken: Sequence[str]) -> str:
    raise AssertionError("the listed voices are enough")


def role(name: str, pitch_hz: float, seconds: float = 10.0, voice: str = "") -> Role:
    return Role(name, pitch_hz, seconds, voice)


def listed(engine: str) -> VoiceList:
    voices = ENGINES.records[engine].voices
    assert voices is not None
    return voices(VoiceOpening(None))


def cast(*roles: Role, voices: VoiceList = FOUR, language: str = "en") -> dict[str, str]:
    return cast_voices(roles, voices, language, never)


@pytest.mark.parametrize("language", ["en", "pt-BR", "de", "fr"])
@pytest.mark.parametrize("engine", ["kokoro", "espeak"])
@pytest.mark.parametrize("pitches", [(95, 118, 190, 225), (100, 104, 205, 210), (118, 95, 225, 190)])
def test_two_men_and_two_women_get_four_voices_in_the_order_of_their_pitch(
    engine: str, language: str, pitches: tuple[float, ...]
) -> None:
    sounds = {voice.name: voice for voice in listed(engine).voices}
    roles = [role(str(pitch), pitch) for pitch in pitches]
    got = cast(*roles, voices=listed(engine), language=language)
    voices = [sounds[got[str(pitch)]] for pitch in sorted(pitches)]
    assert len({voice.name for voice in voices}) == 4
    assert [voice.pitch_hz for voice in voices] == sorted(voice.pitch_hz for voice in voices)
    assert voices[1].gender != "female"
    assert voices[2].gender != "male"


def test_the_first_speaker_does_not_take_the_only_voice_that_suits_another() -> None:
    # One after the other, the first would take the tenor, and a man at 128 Hz get a woman's voice.
    voices = VoiceList(FOUR.voices[:3])
    assert cast(role("a", 112), role("b", 128), voices=voices) == {"a": "bass", "b": "tenor"}


@pytest.mark.parametrize("language", ["en", "pt-BR", "es"])
def test_six_people_of_one_kind_get_voices_that_can_be_told_apart(language: str) -> None:
    sounds = {voice.name: voice.pitch_hz for voice in listed("kokoro").voices}
    men_and_women = [role(str(hz), hz) for hz in (95, 108, 125, 185, 205, 228)]
    got = cast(*men_and_women, voices=listed("kokoro"), language=language)
    rising = [sounds[got[one.id]] for one in men_and_women]
    steps = [12 * math.log2(high / low) for low, high in pairwise(rising)]
    assert min(steps) > 1.9, rising


def test_voices_that_are_alike_are_taken_where_others_would_be_far_off() -> None:
    voices = VoiceList((*FOUR.voices[:1], Voice("bass2", gender="male", pitch_hz=92), *FOUR.voices[2:]))
    assert set(cast(role("a", 91), role("b", 92), voices=voices).values()) == {"bass", "bass2"}


def test_somebody_who_says_one_sentence_moves_nobody() -> None:
    main = (role("a", 118, 40), role("b", 185, 40))
    before = cast(*main)
    after = cast(role("c", 122, 1.5), *main)
    assert {name: after[name] for name in before} == before == {"a": "tenor", "b": "alto"}
    assert after["c"] == "bass"


def test_a_voice_that_a_person_chose_stays_and_is_taken() -> None:
    got = cast(role("a", 90, voice="soprano"), role("b", 232))
    assert got == {"a": "soprano", "b": "alto"}


def test_without_a_pitch_the_voice_that_is_best_understood_speaks() -> None:
    voices = VoiceList(
        (
            Voice("a", pitch_hz=100, word_error={"en": 0.2}),
            Voice("b", pitch_hz=150, word_error={"en": 0.0}),
            Voice("c", pitch_hz=200, word_error={"en": 0.1}),
        )
    )
    assert cast(role("x", 0.0), voices=voices) == {"x": "b"}


def test_voices_of_the_language_come_first_and_those_of_another_never() -> None:
    voices = VoiceList(
        (
            Voice("any", pitch_hz=110),
            Voice("german", gender="male", languages=("de",)),
            Voice("english", gender="male", languages=("en-GB", "en-US")),
        )
    )
    assert cast(role("x", 110), voices=voices, language="en") == {"x": "english"}
    two = cast(role("x", 110), role("y", 108), voices=voices, language="en")
    assert set(two.values()) == {"any", "english"}


def test_more_speakers_than_voices_share_with_those_they_are_like() -> None:
    pitches = {"a": 90.0, "b": 120.0, "c": 185.0, "d": 230.0, "e": 88.0, "f": 235.0}
    got = cast_voices(
        [role(name, hz, 20.0 - place) for place, (name, hz) in enumerate(pitches.items())],
        FOUR,
        "en",
        lambda pitch_hz, taken: "bass",
    )
    assert set(got.values()) == {voice.name for voice in FOUR.voices}
    for voice in set(got.values()):
        same = [pitches[name] for name in got if got[name] == voice]
        assert max(same) / min(same) < 1.5, "a man and a woman share"


def test_speakers_beyond_the_list_get_what_else_the_engine_has() -> None:
    voices = VoiceList((Voice("only", pitch_hz=100),))
    got = cast_voices(
        [role("a", 100, 20), role("b", 101, 10)], voices, "en", lambda hz, taken: f"blend{len(taken)}"
    )
    assert got == {"a": "only", "b": "blend1"}


@pytest.mark.parametrize("voices", [None, VoiceList((Voice("x", gender="male"),))])
def test_an_engine_that_lists_no_pitch_is_asked_for_each_speaker(voices: VoiceList | None) -> None:
    asked = []

    def ask(pitch_hz: float, taken: Sequence[str]) -> str:
        asked.append((pitch_hz, tuple(taken)))
        return f"v{len(taken)}"

    got = cast_voices([role("a", 100), role("b", 200)], voices, "en", ask)
    assert got == {"a": "v0", "b": "v1"}
    assert asked == [(100, ()), (200, ("v0",))]


@given(
    st.lists(st.tuples(st.floats(60, 400), st.floats(0.1, 100)), min_size=1, max_size=14),
    st.sampled_from(["kokoro", "espeak"]),
    st.sampled_from(["en", "pt-BR", "ja"]),
)
def test_nobody_shares_while_there_are_others_and_it_always_ends_the_same(
    people: list[tuple[float, float]], engine: str, language: str
) -> None:
    record = ENGINES.records[engine]

    def ask(pitch_hz: float, taken: Sequence[str]) -> str:
        return record.voice_for(SpeakerTraits(language, pitch_hz), taken)

    roles = [Role(str(place), hz, seconds) for place, (hz, seconds) in enumerate(people)]
    first, again = (cast_voices(roles, listed(engine), language, ask) for _ in range(2))
    assert first == again
    assert list(first) == [one.id for one in roles]
    enough = len(roles) if engine == "kokoro" else min(len(roles), len(listed(engine).voices))
    assert len(set(first.values())) == enough


@pytest.mark.parametrize("language", ["pt-BR", "en", "es"])
def test_a_woman_gets_no_voice_that_is_half_a_mans_where_another_is_as_near(language: str) -> None:
    women = (196, 202, 208, 216)
    got = [cast(role("a", hz), voices=listed("kokoro"), language=language)["a"] for hz in women]
    shares = {voice.name: voice.male_share for voice in listed("kokoro").voices}
    assert all((shares[name] or 0.0) < 0.5 for name in got), got


def test_a_blend_costs_by_its_share_of_another_kind_of_voice() -> None:
    half, little = (
        Voice("half", gender="female", pitch_hz=202, male_share=0.5),
        Voice("little", gender="female", pitch_hz=212, male_share=0.1),
    )
    assert cast(role("a", 202), voices=VoiceList((half, little))) == {"a": "little"}
    assert cast(role("a", 165), voices=VoiceList((half, little))) == {"a": "half"}  # neither man nor woman


@pytest.mark.parametrize("hz", [75, 85, 92, 130, 139])
def test_a_man_gets_a_voice_of_the_language_before_a_nearer_one_of_another(hz: float) -> None:
    voices = VoiceList(
        (
            Voice("japanese", gender="male", pitch_hz=92, word_error={"pt": 0.0}),
            Voice("portuguese", gender="male", languages=("pt-BR",)),
        )
    )
    assert cast(role("a", hz), voices=voices, language="pt-BR") == {"a": "portuguese"}


def test_a_voice_that_nobody_measured_counts_as_the_worst_that_was() -> None:
    voices = VoiceList(
        (
            Voice("measured", pitch_hz=110, word_error={"en": 0.1}),
            Voice("bad", pitch_hz=400, word_error={"en": 0.4}),
            Voice("unknown", pitch_hz=102),
        )
    )
    assert cast(role("a", 100), voices=voices) == {"a": "measured"}


def test_a_voice_that_others_of_the_series_have_is_cast_where_another_is_nearly_as_near() -> None:
    held = role("a", 118)
    near = VoiceList((Voice("one", pitch_hz=118), Voice("two", pitch_hz=124)))
    assert cast(held, voices=near) == {"a": "one"}
    assert cast(replace(held, held=frozenset({"one"})), voices=near) == {"a": "two"}
    far = VoiceList((Voice("one", pitch_hz=118), Voice("two", pitch_hz=230)))
    assert cast(replace(held, held=frozenset({"one"})), voices=far) == {"a": "one"}
