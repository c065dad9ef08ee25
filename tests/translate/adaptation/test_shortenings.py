"""Harmless shortenings: what they leave out, and what they never touch."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.translate.adaptation.shortenings import shortenings

LANGUAGES = ("en", "pt-BR", "es", "fr", "it", "de")


@pytest.mark.parametrize(
    ("language", "text", "shortest"),
    [
        ("en", "Well, I do not know what it is, you know.", "I don't know what it is."),
        ("en", "It is late. It is very, very late.", "It's late. It's very late."),
        (
            "pt-BR",
            "Bem, eu não sei, mas eu acho que vamos em um minuto.",
            "Não sei, mas acho que vamos num minuto.",
        ),
        ("pt-BR", "Nós não temos nada.", "Não temos nada."),
        ("es", "Bueno, yo no sé nada de el coche.", "No sé nada del coche."),
        ("fr", "Eh bien, je crois que il vient, vous savez.", "Je crois qu'il vient."),
        ("it", "Beh, io non so nulla.", "Non so nulla."),
        ("de", "Also, ich bin in dem Haus, weißt du.", "Ich bin im Haus."),
    ],
)
def test_what_people_leave_out_is_left_out(language: str, text: str, shortest: str) -> None:
    found = list(shortenings(text, language))
    assert found[-1].text == shortest
    assert [len(short.changes) for short in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I know what it is."),
        ("en", "Yes, it is."),
        ("pt-BR", "Eu e você vamos."),
        ("pt-BR", "Eu estava lá."),  # so was he, by the verb
        ("pt-BR", "Bem."),
        ("es", "Soy de El Salvador."),
        ("it", "Io sono qui."),  # so are they
        ("fr", "Nous nous voyons."),
        ("de", "Das Haus, in dem Maria wohnt."),
        ("de", "Ich weiß, dass das das Beste ist."),
        ("ja", "はい、そうです。"),
    ],
)
def test_what_says_something_stays(language: str, text: str) -> None:
    assert list(shortenings(text, language)) == []


def test_every_change_has_a_name() -> None:
    (*_, last) = shortenings("Well, it is very, very late.", "en")
    assert last.changes == ("doubled word: very, very", "contraction: it is → it's", "filler: Well")


STAY = frozenset(("not", "não", "no", "ne", "non", "nicht", "Anna", "Ana", "Juan", "Paul", "12"))
WORDS = {
    "en": "well it is not you know I do Anna 12 very , , .",
    "pt-BR": "bem eu não sei nós vamos em um Ana 12 muito , , . sabe",
    "es": "bueno yo no sé de el Juan 12 muy , , . sabes",
    "fr": "bon je ne que il Paul 12 très , , . disons",
    "it": "beh io non so di il Anna 12 molto , , . sai",
    "de": "also in dem Haus nicht Anna 12 sehr , , . nun",
}


@pytest.mark.parametrize("language", LANGUAGES)
@given(numbers=st.lists(st.integers(0, 99), max_size=12))
def test_no_shortening_loses_a_name_a_number_or_a_denial(language: str, numbers: list[int]) -> None:
    words = WORDS[language].split()
    text = " ".join(words[n % len(words)] for n in numbers).replace(" ,", ",").replace(" .", ".")
    before = re.findall(r"\w+", text)
    for short in shortenings(text, language):
        after = re.findall(r"\w+", short.text)
        assert len(short.text) < len(text)
        assert STAY.intersection(before) == STAY.intersection(after)
