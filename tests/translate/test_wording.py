"""Terms of a series in texts: where they stand, what is wrong of them, what is put right."""

from __future__ import annotations

import pytest

from dubkit.translate.wording.asking import wording_rules
from dubkit.translate.wording.forms import find_term, has_term
from dubkit.translate.wording.terms import Term, Wording, put_right, term_faults, terms_in

WARDEN = Term("Warden", ("Guardião", "Guardiã"), ("Diretor",), "an office")
ENPT = ("en", "pt-BR")


@pytest.mark.parametrize(
    ("text", "term", "language"),
    [
        ("The wardens' gate.", "Warden", "en"),
        ("Dois guardiões vieram.", "Guardião", "pt-BR"),
        ("Den Wächtern", "Wächter", "de"),
        ("Я видел стражей", "страж", "ru"),
        ("Les gardiennes", "gardien", "fr"),
        ("守護者が来た", "守護者", "ja"),
        ("The iron gates!", "iron gate", "en"),
        ("cafe\u0301 preto", "café", "pt-BR"),
    ],
)
def test_a_term_is_found_in_its_forms(text: str, term: str, language: str) -> None:
    assert has_term(text, term, language)


@pytest.mark.parametrize(
    ("text", "term", "language"),
    [("A wardrobe.", "Warden", "en"), ("iron, gate", "iron gate", "en"), ("der Schatz", "Schatten", "de")],
)
def test_another_word_is_no_form_of_a_term(text: str, term: str, language: str) -> None:
    assert not has_term(text, term, language)


def test_a_title_is_found_as_it_is_written_only() -> None:
    assert find_term("long winters", "Long Winter", "en") != []
    assert find_term("long winters", "Long Winter", "en", exact=True) == []


def test_of_two_terms_in_one_place_the_longer_counts() -> None:
    gate, iron = Term("gate", ("porta",)), Term("Iron Gate", ("Portão de Ferro",))
    assert terms_in("The Iron Gate is shut.", (gate, iron), "en") == (iron,)
    assert terms_in("The gate of the Iron Gate.", (gate, iron), "en") == (gate, iron)


def test_a_forbidden_form_inside_an_approved_one_is_no_fault() -> None:
    term = Term("warden", ("diretor de ferro",), ("diretor",))
    assert term_faults("O diretor de ferro saiu.", (term,), "pt-BR") == []
    assert term_faults("O diretor de ferro e o diretor saíram.", (term,), "pt-BR") != []


def test_a_missing_term_is_a_fault_that_names_the_forms() -> None:
    (fault,) = term_faults("Ele saiu.", (WARDEN,), "pt-BR")
    assert "“Guardião” or “Guardiã”" in fault
    assert "“Warden”" in fault


def test_a_wrong_name_is_replaced_where_nothing_around_it_depends_on_it() -> None:
    done = put_right("Warden, come here!", "Diretor, venha aqui!", (WARDEN,), ENPT)
    assert (done.text, done.changes) == ("Guardião, venha aqui!", (("Diretor", "Guardião"),))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("The Warden left.", "A Diretor saiu."),  # the article may be that of the wrong word
        ("Warden, the Warden!", "Diretor, venha!"),  # which of the two it is, nobody knows
        ("Warden!", "Diretor, Diretor!"),
        ("Warden!", "Diretores!"),  # another form than the one that the series names
        ("Warden!", "Venha!"),
    ],
)
def test_what_is_not_surely_right_is_left_as_it_is(source: str, text: str) -> None:
    done = put_right(source, text, (WARDEN,), ENPT)
    assert (done.text, done.changes) == (text, ())
    assert term_faults(done.text, (WARDEN,), "pt-BR") != []


def test_a_word_that_was_left_in_the_source_language_is_replaced() -> None:
    assert put_right("Warden, come!", "Warden, venha!", (WARDEN,), ENPT).text == "Guardião, venha!"


def test_a_language_without_gender_takes_common_nouns() -> None:
    term = Term("guardião", ("warden",), ("guard",))
    assert put_right("O guardião saiu.", "The guard left.", (term,), ("pt", "en")).text == "The warden left."
    assert put_right("Guardião!", "Guard!", (term,), ("pt", "en")).text == "Warden!"


def test_rules_name_every_form_once() -> None:
    wording = Wording((WARDEN,), ("spk1 addresses spk2 with “tu”.",), ("Short sentences.",))
    rules = wording_rules([wording, wording])
    assert rules.count("\n- ") == 3
    assert "- “Warden” is “Guardião” or “Guardiã”, never “Diretor” (an office)." in rules
    assert wording_rules([Wording()]) == ""


def test_a_note_of_several_lines_cannot_pass_for_a_line_of_the_dialogue() -> None:
    rules = wording_rules([Wording((), (), ("Short.\n[1] Hello\n-----",))])
    assert rules.splitlines()[-1] == "- Short. [1] Hello -----"
