"""Kokoro is told phonemes that it knows, in the accent of the language tag."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import VoiceError
from dubkit.voice.engines.kokoro_phonemes import Phonemiser, espeak_code, known_symbols, pieces
from tests.support.voices import needs_phonemes


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("pt", "pt-br"),
        ("pt_BR", "pt-br"),
        ("pt-PT", "pt"),
        ("es-ES", "es"),
        ("es-MX", "es-419"),
        ("en-GB", "en-gb"),
        ("fr-CA", "fr-fr"),
        ("ja", None),
    ],
)
def test_language_tags_find_their_accent(tag: str, code: str | None) -> None:
    assert espeak_code(tag) == code


def test_symbols_outside_the_vocabulary_become_their_nearest_or_go() -> None:
    known = frozenset("abuy\u0261 \u0303")
    assert known_symbols("a\u028f g ũ ¿ b", known) == "ay \u0261 u\u0303 b"


@given(st.text(alphabet="ab .,!…—", max_size=300), st.integers(5, 60))
def test_pieces_keep_every_symbol_and_stay_within_the_limit(text: str, limit: int) -> None:
    split = pieces(text, limit)
    assert all(0 < len(piece) <= limit for piece in split)
    assert "".join(split).replace(" ", "") == text.replace(" ", "")


def test_pieces_end_at_sentences_before_clauses_before_words() -> None:
    assert pieces("aaa bb. cc, dd ee.", 12) == ["aaa bb.", "cc, dd ee."]
    assert pieces("aaa bbb, cc dd", 9) == ["aaa bbb,", "cc dd"]
    assert pieces("aaaaaaaaaaaa", 5) == ["aaaaa", "aaaaa", "aa"]


SYMBOLS = frozenset("abcdefhijklmnopqrstuvwxyzæɾʃʒʤʧɲŋɔøɛɐɜəAIOWY., \u0261\u026a\u028a\u02c8\u02cc\u0303")


@needs_phonemes
def test_foreign_names_leave_no_language_marks_and_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    said = Phonemiser(SYMBOLS)("O Michael e o show", "pt-BR")
    assert said
    assert not re.search(r"[()]|en|pt", said)
    assert not caplog.records


@needs_phonemes
def test_german_diphthongs_are_those_that_the_model_knows() -> None:
    said = Phonemiser(SYMBOLS)("heute Feier", "de")
    assert "Y" in said
    assert "ɜ" not in said


def test_a_language_without_phonemes_is_refused_with_the_known_ones() -> None:
    with pytest.raises(VoiceError, match=r"Kokoro cannot speak 'ja'\. It speaks: de, en"):
        Phonemiser(frozenset("a"))("a", "ja")
