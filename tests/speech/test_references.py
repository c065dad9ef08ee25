"""Pieces of the source to clone voices from: whole sentences, one voice, clean, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.speech.embeddings import VoiceEncoder
from dubkit.speech.references.likeness import manner, unlikeness
from dubkit.speech.references.search import Source, find_pieces
from dubkit.speech.references.sound import clipped_share, decay_seconds, high_band_db, levels
from dubkit.speech.references.spoken import Sentence, pieces_of, sentences_of, with_margins
from dubkit.types import ASR_RATE, Segment, Turn, Word
from dubkit.types.references import SpeakerPieces
from tests.support.persons import RATE, man, woman
from tests.support.speech_clips import clip, voice_weights


@cache
def encoder() -> VoiceEncoder:
    return VoiceEncoder(voice_weights())


def sentence(start: float, end: float, text: str = "Yes.", *, whole: bool = True) -> Sentence:
    return Sentence(start, end, text, whole, "spk1")


def test_a_segment_is_cut_into_its_sentences_by_its_words() -> None:
    words = (Word(0.0, 0.4, " I"), Word(0.5, 1.0, " came."), Word(1.4, 1.8, " He"), Word(1.9, 2.5, " went.”"))
    said = Segment("s1", 0.0, 2.5, "spk1", "I came. He went.”", words)
    found = sentences_of([said], {"s1": "spk7"})["spk1"]
    assert [(one.start, one.end, one.text) for one in found] == [
        (0.0, 1.0, "I came."),
        (1.4, 2.5, "He went.”"),
    ]
    assert {one.heard_as for one in found} == {"spk7"}


def test_a_segment_whose_words_are_not_known_is_one_sentence() -> None:
    found = sentences_of([Segment("s1", 1.0, 3.0, "spk1", "Typed by hand")], {})["spk1"]
    assert [(one.start, one.end, one.whole) for one in found] == [(1.0, 3.0, False)]


def test_neighbouring_sentences_make_pieces_of_3_to_12_seconds() -> None:
    pieces = pieces_of([sentence(0, 2), sentence(2.2, 4), sentence(4.5, 13)], [])
    assert [piece.spans for piece in pieces] == [((0, 4),), ((2.2, 13),), ((4.5, 13),)]


def test_a_sentence_over_which_somebody_else_speaks_is_in_no_piece() -> None:
    pieces = pieces_of([sentence(0, 4), sentence(4.2, 8)], [(5.0, 6.0)])
    assert [piece.spans for piece in pieces] == [((0, 4),)]


def test_a_piece_never_spans_another_person_in_a_pause() -> None:
    pieces = pieces_of([sentence(0, 2), sentence(2.9, 4.9)], [(2.1, 2.8)])
    assert [piece.spans for piece in pieces] == [((0, 2), (2.9, 4.9))], "joined, without what is between them"


def test_the_edge_of_a_turn_does_not_spoil_a_piece() -> None:
    assert pieces_of([sentence(0, 4)], [(3.95, 6.0)])


def test_short_sentences_that_lie_apart_are_joined_up_to_what_is_enough() -> None:
    short = [sentence(10 * n, 10 * n + 1.9, f"Number {n}.") for n in range(8)]
    (piece,) = pieces_of(short, [])
    assert 6.0 <= piece.seconds <= 12.0
    assert list(piece.spans) == sorted(piece.spans)
    assert piece.text.startswith("Number 0. Number 1.")


def test_who_hardly_speaks_has_no_piece() -> None:
    assert pieces_of([sentence(0, 1.2)], []) == []


def test_margins_end_half_way_to_the_next_word() -> None:
    said = [(0.0, 1.0), (1.06, 4.0), (6.0, 7.0)]
    assert with_margins([(1.06, 4.0)], said, 10.0) == ((1.03, 4.08),)


def source(
    parts: Sequence[tuple[str, NDArray[np.float64]]],
    music: Sequence[tuple[float, float]] = (),
    noise: float = 1e-4,
    turns: Sequence[Turn] | None = None,
) -> Source:
    """Return a source in which people speak one after the other, with a second between them."""
    gap = np.zeros(RATE)
    sounds: list[NDArray[np.float64]] = [gap]
    segments, at = [], 1.0
    for number, (speaker, sound) in enumerate(parts, 1):
        seconds = len(sound) / RATE
        segments.append(Segment(f"s{number}", at, at + seconds, speaker, f"Sentence {number}."))
        sounds += [sound, gap]
        at += seconds + 1
    wide = np.concatenate(sounds)
    wide += noise * np.random.default_rng(0).standard_normal(len(wide))
    audio = wide.reshape(-1, RATE // ASR_RATE).mean(axis=1).astype(np.float32)
    own = turns if turns is not None else [Turn(s.start, s.end, s.speaker) for s in segments]
    heard = {segment.id: segment.speaker for segment in segments}
    return Source(audio, lambda a, b: wide[int(a * RATE) : int(b * RATE)], segments, own, heard, music)


def found(of: Source) -> dict[str, SpeakerPieces]:
    return {one.speaker: one for one in find_pieces(of, encoder())}


def test_the_clean_piece_comes_before_the_noisy_one() -> None:
    noisy = man(5, 3) + 0.02 * np.random.default_rng(1).standard_normal(5 * RATE)
    pieces = found(source([("a", noisy), ("b", woman(4, 1)), ("a", man(5, 2))]))["a"].pieces
    assert pieces[0].spans[0][0] > 10
    assert pieces[0].score > pieces[1].score
    assert set(pieces[0].scores) == {"voice", "clean", "music", "length", "sentence", "dry", "band"}


def test_music_and_clipping_are_refused_and_said() -> None:
    loud = np.clip(8 * man(5, 2), -1.0, 1.0)
    one = found(source([("a", man(5, 1)), ("b", woman(4, 1)), ("a", loud)], music=[(0.0, 6.5)]))["a"]
    assert one.pieces == ()
    reasons = " ".join(refused.why for refused in one.refused)
    assert "music is heard in 100% of it" in reasons
    assert "clipped" in reasons
    assert one.missing


def test_a_line_that_another_person_speaks_is_refused() -> None:
    """A turn that the diarisation got wrong: the woman's long line counts as the man's."""
    parts = [("a", man(5, 1)), ("a", man(5, 2)), ("b", woman(6, 3)), ("b", woman(5, 4)), ("a", woman(4, 5))]
    one = found(source(parts))["a"]
    assert all(piece.spans[0][0] < 13 for piece in one.pieces)
    assert any("sounds more like b" in refused.why for refused in one.refused)


def test_a_line_that_was_given_to_another_speaker_by_hand_is_theirs() -> None:
    """The turns still say `b`: they are the line itself, not somebody who speaks over it."""
    of = source([("a", man(5, 1)), ("b", woman(5, 1))], turns=[Turn(1.0, 6.0, "x"), Turn(7.0, 12.0, "b")])
    of = Source(of.audio, of.read, of.segments, of.turns, {"s1": "x", "s2": "b"})
    assert found(of)["a"].pieces


def test_sound_is_measured() -> None:
    dry = np.concatenate([man(1, 1), np.zeros(RATE)])
    hall = np.convolve(
        dry, np.exp(-6.9 * np.arange(RATE) / RATE) * np.random.default_rng(0).standard_normal(RATE)
    )
    low = [
        levels((sound / np.abs(sound).max()).reshape(-1, 3).mean(axis=1).astype(np.float32))
        for sound in (dry, hall[: len(dry)])
    ]
    short, long = decay_seconds(low[0]), decay_seconds(low[1])
    assert short is not None
    assert short < 0.3
    assert long is None or long > 0.6
    assert clipped_share(np.clip(3 * np.sin(np.arange(1000) / 20), -1, 1)) > 0.3
    assert clipped_share(0.9 * np.sin(np.arange(1000) / 20)) == 0.0
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    assert high_band_db(noise) > -3
    assert high_band_db(np.sin(np.arange(16_000) * 2 * np.pi * 1000 / 16_000).astype(np.float32)) < -60


def test_the_manner_of_a_line_tells_a_shout_from_a_murmur() -> None:
    loud, soft = man(3, 1), 0.1 * man(3, 1)
    of = source([("a", loud), ("a", soft), ("a", 0.9 * loud)])
    shout, murmur, other = (manner(of.audio, segment) for segment in of.segments)
    assert unlikeness(shout, other) < unlikeness(shout, murmur)
    assert abs(shout[1] - 105) < 8


CLIP = "b_dialog/en_3spk_clean_19s.wav"
TRUE = {"spk1": (1.7, 3.9), "spk2": (6.2, 11.1), "spk3": (12.8, 18.0)}
"""Who speaks when, by the labels that come with the clip."""


def test_references_of_a_real_conversation_are_of_their_own_speaker() -> None:
    audio = clip(CLIP)
    segments = [
        Segment(f"s{n}", a + 0.05, b - 0.05, name, "A sentence.")
        for n, (name, (a, b)) in enumerate(TRUE.items())
    ]
    turns = [Turn(a, b, name) for name, (a, b) in TRUE.items()]
    of = Source(audio, lambda a, b: audio[int(a * ASR_RATE) : int(b * ASR_RATE)], segments, turns)
    for speaker, one in found(of).items():
        start, end = TRUE[speaker]
        inside = sum(max(0.0, min(b, end) - max(a, start)) for a, b in one.pieces[0].spans)
        assert inside >= 0.95 * one.pieces[0].seconds, speaker


@pytest.mark.parametrize("seconds", [2.0, 3.0, 6.0, 11.9])
def test_a_longer_piece_scores_more_until_it_is_long_enough(seconds: float) -> None:
    scores = found(source([("a", man(seconds, 1))]))["a"].pieces[0].scores
    expected = {2.0: 0.267, 3.0: 0.5, 6.0: 1.0, 11.9: 0.902}
    assert scores["length"] == pytest.approx(expected[seconds], abs=0.01)
