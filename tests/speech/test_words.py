"""Recognised words: times inside the speech, no loops, no stock phrases, packs and language votes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from dubkit.speech.language import (
    MOST_WINDOWS,
    Evidence,
    language_spans,
    languages_spoken,
    sample_windows,
    utterances,
    vote,
)
from dubkit.speech.packs import LONGEST, build_packs, split_spans
from dubkit.speech.words import drop_loops, drop_stock_phrases, is_cjk, missed_speech, place_words, plain
from dubkit.types import ASR_RATE, LanguageSpan, Word


def said(text: str, start: float = 0.0, pace: float = 0.3, probability: float = 0.9) -> list[Word]:
    return [
        Word(start + i * pace, start + (i + 1) * pace, " " + token, probability)
        for i, token in enumerate(text.split())
    ]


def text(words: list[Word]) -> str:
    return "".join(word.text for word in words).strip()


# --- times ------------------------------------------------------------------------------------


def test_a_word_stretched_over_the_pause_before_it_starts_after_the_pause() -> None:
    words = [Word(3.7, 4.2, " not"), Word(4.2, 5.5, " what"), Word(5.5, 5.8, " your")]
    placed = place_words(words, [(3.2, 4.45), (5.3, 7.7)])
    assert [(word.start, word.end) for word in placed] == [(3.7, 4.2), (5.3, 5.5), (5.5, 5.8)]


def test_the_last_word_of_a_sentence_stays_before_the_pause() -> None:
    placed = place_words([Word(1.0, 3.6, " banana.")], [(0.5, 1.6), (3.4, 5)])
    assert (placed[0].start, placed[0].end) == (1.0, 1.6)


def test_a_sliver_beyond_the_pause_does_not_move_a_word() -> None:
    placed = place_words([Word(1.0, 3.44, " over")], [(0.5, 1.6), (3.4, 5)])
    assert (placed[0].start, placed[0].end) == (1.0, 1.6)


def test_a_word_that_reaches_almost_to_the_next_speech_belongs_there() -> None:
    placed = place_words([Word(4.0, 9.5, "请"), Word(9.5, 10.0, "问")], [(2.9, 4.2), (9.76, 11.5)])
    assert placed[0].start == 9.76
    assert placed[1].start >= placed[0].end


def test_words_are_clipped_to_speech_and_far_ones_dropped() -> None:
    words = [Word(0.0, 1.4, " I"), Word(2.1, 2.3, " am"), Word(6.0, 6.5, " you")]
    placed = place_words(words, [(1.0, 2.0)])
    assert [word.text for word in placed] == [" I", " am"]
    assert (placed[0].start, placed[0].end) == (1.0, 1.4)
    assert placed[1].end == pytest.approx(2.0, abs=0.03)


def test_without_speech_no_word_stays() -> None:
    assert place_words(said("all of this"), []) == []


def test_placed_words_never_overlap_nor_go_back() -> None:
    rng = np.random.default_rng(0)
    words = [
        Word(t, t + d, " w") for t, d in zip(np.sort(rng.random(200) * 20), rng.random(200), strict=True)
    ]
    placed = place_words(words, [(0, 4), (4.5, 9), (11, 20)])
    assert all(a.end <= b.start for a, b in pairwise(placed))
    assert all(word.end > word.start for word in placed)


# --- loops and inventions ---------------------------------------------------------------------


def test_a_sentence_repeated_without_time_to_say_it_is_dropped() -> None:
    spoken = said("Okay. I'm Sheila and I live in Texas.")
    loop = said("Okay. I'm Sheila and I live in Texas.", start=2.4, pace=0.02)
    assert drop_loops([*spoken, *loop]) == spoken


def test_a_repeated_sentence_nobody_believes_is_dropped() -> None:
    spoken = said("I do not hear that.")
    assert drop_loops([*spoken, *said("I do not hear that.", 2, probability=0.1)]) == spoken


def test_an_endless_loop_is_cut_even_at_a_plausible_pace() -> None:
    kept = drop_loops(said("and that is the end of it " * 9))
    assert text(kept) == ("and that is the end of it " * 2).strip()
    assert len(drop_loops(said("no " * 40))) == 8


def test_a_repeat_farther_back_is_dropped_when_it_was_squeezed() -> None:
    first = said("we were expecting some turbulence here. Thank you all.")
    late = said("we were expecting some turbulence here.", start=4.0, pace=0.02)
    assert drop_loops([*first, *late]) == first


@pytest.mark.parametrize(
    "speech",
    [
        "Hello. Hello. Oh, hello.",
        "No, no, no, no, I will not go.",
        "Mucho, mucho. Pues está guapísimo.",
        "Ask not what your country can do for you, ask what you can do for your country.",
        "It's good. It's good. I said it's good.",
        "You know, you know, I think, you know.",
    ],
)
def test_what_people_repeat_stays(speech: str) -> None:
    assert text(drop_loops(said(speech))) == speech


def test_chinese_loops_are_seen_without_spaces() -> None:
    once = [Word(i * 0.2, i * 0.2 + 0.2, letter) for i, letter in enumerate("我们都在这里等你")]
    again = [Word(1.6 + i * 0.02, 1.62 + i * 0.02, letter) for i, letter in enumerate("我们都在这里等你")]
    assert drop_loops([*once, *again]) == once


def test_stock_phrases_go_only_where_they_are_not_believed() -> None:
    spoken = said("Here we are.")
    assert drop_stock_phrases([*spoken, *said("Thanks for watching!", 5, probability=0.6)]) == spoken
    assert drop_stock_phrases([*spoken, *said("you", 5, probability=0.05)]) == spoken
    polite = [*spoken, *said("Thank you.", 5, probability=0.95)]
    assert drop_stock_phrases(polite) == polite
    assert drop_stock_phrases([]) == []


def test_the_prompt_heard_back_is_dropped() -> None:
    heard = said("Shall we begin with it?", probability=0.6)
    assert drop_stock_phrases(heard, "Yes, of course. Shall we begin with it?") == []
    assert drop_stock_phrases(heard) == heard


def test_comparison_ignores_case_and_marks() -> None:
    assert plain(' "Hello!?"') == "hello"
    assert plain("你好。") == "你好"
    assert is_cjk("はい")
    assert is_cjk("ไทย")
    assert not is_cjk("Привет, 안녕")


# --- packs ------------------------------------------------------------------------------------


def test_packs_fit_the_window_and_hold_every_span() -> None:
    rng = np.random.default_rng(0)
    audio = rng.normal(size=200 * ASR_RATE).astype(np.float32)
    spans = [(float(t), float(t) + 3.1) for t in range(2, 190, 5)] + [(192.0, 192.3)]
    packs = build_packs(audio, spans)
    assert all(pack.samples <= LONGEST * ASR_RATE for pack in packs)
    pieces = [piece for pack in packs for piece in pack.pieces]
    assert all(a.end <= b.start for a, b in pairwise(pieces))
    for start, end in spans:
        assert any(p.start <= start * ASR_RATE and p.end >= end * ASR_RATE - 1 for p in pieces)
    assert all(len(pack.sound(audio)) == pack.samples for pack in packs)


def test_long_pauses_are_shortened_and_times_mapped_back() -> None:
    audio = np.zeros(60 * ASR_RATE, dtype=np.float32)
    (pack,) = build_packs(audio, [(5.0, 7.0), (50.0, 51.0)])
    assert pack.samples == pytest.approx(5 * ASR_RATE)
    assert pack.source_time(0.5, ends=False) == pytest.approx(5.0)
    assert pack.source_time(3.0, ends=True) == pytest.approx(7.5)
    assert pack.source_time(3.0, ends=False) == pytest.approx(49.5)
    assert pack.source_time(99, ends=True) == pytest.approx(51.5)


def test_speech_without_a_pause_is_cut_where_it_is_weakest() -> None:
    audio = np.full(70 * ASR_RATE, 0.1, dtype=np.float32)
    audio[20 * ASR_RATE : int(20.2 * ASR_RATE)] = 0.0
    parts = split_spans(audio, [(0.0, 70.0)], 27.0)
    assert parts[0][1] == pytest.approx(20.1, abs=0.1)
    assert all(end - start <= 27 for start, end in parts)
    assert parts[-1][1] == 70.0
    assert all(pack.samples <= LONGEST * ASR_RATE for pack in build_packs(audio, [(0.0, 70.0)]))


def test_a_full_pack_ends_at_the_longest_pause_in_reach() -> None:
    audio = np.zeros(60 * ASR_RATE, dtype=np.float32)
    spans = [(0.0, 9.0), (9.4, 18.0), (20.5, 25.0), (25.4, 40.0)]
    first = build_packs(audio, spans)[0]
    assert first.pieces[-1].end < 20 * ASR_RATE


def test_spans_beyond_the_sound_are_ignored() -> None:
    assert build_packs(np.zeros(ASR_RATE, dtype=np.float32), [(5.0, 6.0)]) == []


# --- language ---------------------------------------------------------------------------------


def test_the_vote_outweighs_one_misleading_window() -> None:
    evidence = [
        Evidence(0, 1.0, {"ja": 0.39, "en": 0.31}),
        Evidence(2, 3.5, {"en": 0.43, "el": 0.16}),
        Evidence(5, 6.5, {"en": 0.30, "bn": 0.24}),
    ]
    assert next(iter(vote(evidence))) == "en"
    assert languages_spoken(evidence) == []


def test_languages_count_only_when_two_windows_are_sure() -> None:
    english = [Evidence(t, t + 2, {"en": 0.95}) for t in (0.0, 6.0, 12.0)]
    assert languages_spoken([*english, Evidence(3, 5, {"fr": 0.9})]) == ["en"]
    mixed = [*english, Evidence(3, 5, {"zh": 0.9}), Evidence(9, 11, {"zh": 0.99})]
    assert languages_spoken(mixed) == ["en", "zh"]


def test_unsure_short_windows_follow_the_language_before() -> None:
    evidence = [
        Evidence(0, 2, {"zh": 0.9}),
        Evidence(3, 3.4, {"en": 0.5, "zh": 0.1}),
        Evidence(5, 7, {"en": 0.9}),
    ]
    assert language_spans(evidence, ["en", "zh"]) == (
        LanguageSpan(0, 2, "zh"),
        LanguageSpan(3, 3.4, "zh"),
        LanguageSpan(5, 7, "en"),
    )


def test_windows_are_utterances_spread_over_the_recording() -> None:
    assert utterances([(0, 1), (1.3, 2), (4, 5)]) == [(0, 2), (4, 5)]
    many = [(float(t), t + 0.5 + (t % 3)) for t in range(0, 400, 4)]
    chosen = sample_windows(many)
    assert len(chosen) == MOST_WINDOWS
    assert chosen[0][0] < 40 < 360 < chosen[-1][0]
    assert all(end - start == 2.5 for start, end in chosen)


def test_speech_in_which_no_word_was_heard_is_found() -> None:
    spans = [(0.0, 10.0), (12.0, 12.9), (20.0, 22.0)]
    words = [Word(0.5, 1.0, " a"), Word(3.0, 3.5, " b"), Word(9.5, 12.5, " c")]
    assert missed_speech(words, spans, 1.2) == [(1.0, 3.0), (3.5, 9.5), (20.0, 22.0)]
    assert missed_speech(words, spans, 5.0) == [(3.5, 9.5)]
    assert missed_speech([], [(0.0, 1.0)], 1.2) == []
