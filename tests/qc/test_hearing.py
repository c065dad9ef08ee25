"""Words that are missing, added, others, or in the source's language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dubkit.qc import measures
from dubkit.qc.alignment import Difference, differences, letter_error
from dubkit.qc.checks.hearing import LeakLimit, LetterLimit, MissingLimit
from tests.qc.test_measures import LINE

LEAKS = {"source-language": LeakLimit(on=True)}
SAID = "Amanhã cedo vamos todos juntos para a praia"


def heard(text: str, said: str = SAID, **changes: object) -> dict[str, object]:
    line = measures.line_qc(replace(LINE, text=said, heard=text, **changes), LEAKS)  # type: ignore[arg-type]
    return {flag: (line.measures or {}).get(flag) for flag in line.flags}


def test_what_was_heard_to_the_word_has_no_flag() -> None:
    assert heard(SAID) == {}


def test_words_that_are_not_heard_are_named() -> None:
    assert heard("Amanhã cedo vamos para a praia")["missing-words"] == "todos juntos"


def test_words_that_nobody_wrote_are_named() -> None:
    found = heard("Amanhã cedo vamos todos juntos de carro para a praia")
    assert found == {"added-words": "de carro"}


def test_a_word_that_is_heard_as_two_is_neither_missing_nor_added() -> None:
    assert heard("a manhã cedo vamos todos juntos para a praia") == {}


def test_another_word_in_place_of_one_is_not_missing() -> None:
    assert "missing-words" not in heard("Amanhã cedo vamos todos depois para a praia")


def test_a_short_line_that_is_misheard_as_a_whole_is_neither_missing_nor_added() -> None:
    assert heard("Obrigado", "Sim.") == {"words": None}


def test_a_sign_that_is_heard_for_a_word_is_not_missing() -> None:
    assert "missing-words" not in heard("faz 20°", "faz vinte graus centígrados")


def test_a_line_that_was_not_heard_at_all_has_that_flag_alone() -> None:
    assert list(heard("")) == ["not-heard"]


def test_letters_that_differ_throughout_are_flagged() -> None:
    found = heard("A mancha crê durante os túneis para a Bahia")
    assert found["letter-error"] > 0.25  # type: ignore[operator]


def test_missing_characters_count_where_words_are_not_parted() -> None:
    assert (
        heard("明日は海へ行きます", "明日はみんなで海へ行きます", language="ja")["missing-words"]
        == "みんなで"
    )


def test_the_limit_of_missing_words_is_a_setting() -> None:
    line = replace(LINE, text=SAID, heard="Amanhã cedo vamos para a praia")
    found = measures.line_qc(line, {"missing-words": MissingLimit(letters=50)})
    assert "missing-words" not in found.flags
    off = {"letter-error": LetterLimit(on=False)}
    assert "letter-error" not in (measures.line_qc(line, off).measures or {})


def test_without_a_known_text_words_are_not_judged() -> None:
    line = replace(LINE, text="We all go to the beach", heard="vamos todos para a praia", text_known=False)
    assert measures.line_qc(line).flags == ()


@pytest.mark.parametrize(
    "got",
    [
        "tomorrow morning we will all go to the beach",
        "Tomorrow morning we all go together to the beach today",
    ],
)
def test_the_language_of_the_source_is_heard(got: str) -> None:
    said = "tomorrow morning we will all go to the beach"
    found = heard(got, source_text=said, source_language="en")
    assert "source-language" in found


def test_a_line_that_is_written_in_the_sources_language_is_not_said_to_leak() -> None:
    said = "Tomorrow morning we will all go to the beach"
    assert "source-language" not in heard(said, said, source_text=said, source_language="pt")


def test_the_language_of_what_is_heard_is_judged_only_where_that_is_switched_on() -> None:
    said = "tomorrow morning we will all go to the beach"
    line = replace(LINE, text=SAID, heard=said, source_text=said, source_language="en")
    assert "source-language" not in measures.line_qc(line).flags


def test_words_left_in_the_text_are_named() -> None:
    assert heard(SAID, source_words="beach")["source-words"] == "beach"
    assert "source-words" not in heard(SAID, source_words="")


def test_neighbouring_differences_are_one() -> None:
    assert differences(["a", "b", "c", "d"], ["a", "x", "d"]) == (Difference(("b", "c"), ("x",)),)
    assert differences([], ["x"]) == (Difference((), ("x",)),)
    assert differences([], []) == ()


def test_letters_are_compared_across_words() -> None:
    assert letter_error(["a", "way"], ["away"]) == 0
    assert letter_error([], []) == 0
    assert letter_error([], ["x"]) == 1
    assert letter_error(["x"], []) == 1
