"""What was heard against what should be said, in any language."""

from __future__ import annotations

import pytest

from dubkit.qc.text import join_words, pooled_word_error, word_error


@pytest.mark.parametrize(
    ("reference", "heard", "language"),
    [
        ("Good morning, my name is Jordi.", "good morning my name is jordi", "en"),
        ("Tenho 25 anos e 1.250 euros", "tenho vinte e cinco anos e mil duzentos e cinquenta euros", "pt-BR"),
        ("It\u2019s 7 o'clock", "its seven oclock", "en-GB"),
        ("今日は、良い天気です。", "今日は 良い天気です", "ja"),
        ("Straße", "STRASSE", "de"),
        ("caf\u00e9", "cafe\u0301", "fr"),
        ("\u0645\u064e\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627", "ar"),
        ("हिन्दी में", "हिन्दी में", "hi"),
        ("42", "42", "xx"),
        ("Zeit: 3,5 Sekunden", "zeit 3,5 sekunden", "de"),
        ("", "...", "en"),
    ],
)
def test_spelling_alone_is_no_error(reference: str, heard: str, language: str) -> None:
    assert word_error(reference, heard, language) == 0


def test_wrong_missing_and_added_words_count() -> None:
    assert word_error("one two three four", "one too four", "en") == pytest.approx(0.5)
    assert word_error("one two", "one two three four", "en") == pytest.approx(1)
    assert word_error("one two", "", "en") == 1
    assert word_error("", "noise", "en") == 1


def test_unspaced_languages_are_compared_by_character() -> None:
    assert word_error("今日は天気", "今日は元気", "ja") == pytest.approx(0.2)
    assert word_error("今天天气好", "今天天气", "zh-CN") == pytest.approx(0.2)


def test_vowel_signs_of_indic_scripts_count() -> None:
    assert word_error("की", "का", "hi") == 1


def test_accents_count() -> None:
    assert word_error("está", "esta", "es") == 1


def test_pooled_error_weighs_lines_by_their_words() -> None:
    pairs = [("one", "none"), ("a b c d e f g h i", "a b c d e f g h i")]
    assert pooled_word_error(pairs, "en") == pytest.approx(0.1)
    assert pooled_word_error([], "en") is None
    assert pooled_word_error([("", "")], "en") == 0


def test_words_are_joined_as_their_script_writes_them() -> None:
    assert join_words([" Hello", " world", ""]) == "Hello world"
    assert join_words(["今日", "は", "OK"]) == "今日は OK"
