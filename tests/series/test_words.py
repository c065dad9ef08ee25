"""What series.toml may say, what of it counts where, and how mistakes are named."""

from __future__ import annotations

from typing import Any

import pytest

from dubkit.series.reading import SeriesUnfit, parse_words
from dubkit.series.words import EpisodeWords, Person
from dubkit.translate.wording import forms, terms

ANA, TOM = Person("spk1", frozenset({"spk1", "ana"})), Person("spk2", frozenset({"spk2"}))

TERMS = """
[[terms]]
source = "Warden"
approved.pt = ["Guardião"]
approved.pt-BR = ["Guarda-mor"]
episodes = ["s01*"]

[[terms]]
source = "warden"
characters = ["Ana"]
approved.pt-br = ["Zelador"]
forbidden.pt-br = ["Diretor"]

[titles]
"The Long Winter" = {pt-BR = "O Longo Inverno"}
"""


def words(text: str, episode: str = "s01e02", language: str = "pt-BR") -> EpisodeWords:
    return EpisodeWords(parse_words(text, "series.toml"), episode, language)


def test_scope_and_language_say_what_counts() -> None:
    assert [t.approved for t in words(TERMS).terms(TOM)] == [("Guarda-mor",), ("O Longo Inverno",)]
    assert next(t.approved for t in words(TERMS, "s02e01").terms(ANA)) == ("Zelador",)
    assert [t.source for t in words(TERMS, "s02e01").terms(TOM)] == ["The Long Winter"]
    assert [t.approved for t in words(TERMS, language="pt-PT").terms(TOM)] == [("Guardião",)]
    assert words(TERMS, language="fr").terms(ANA) == ()


def test_two_entries_for_one_word_are_a_conflict_and_the_first_counts() -> None:
    here = words(TERMS)
    assert here.terms(ANA)[0].approved == ("Guarda-mor",)
    (conflict,) = here.conflicts([ANA, TOM])
    assert "“warden”" in conflict.sentence
    assert "“Guarda-mor” is taken" in conflict.sentence
    assert words(TERMS, "s02e01").conflicts([ANA, TOM]) == []


def test_forms_of_address_go_from_one_person_to_another() -> None:
    text = '[[address]]\nfrom = "Ana"\nto = "spk2"\nuse.pt = "tu"\n'
    assert words(text).address(ANA, TOM) == "tu"
    assert words(text).address(TOM, ANA) == ""
    assert words(text + "both = true\n").address(TOM, ANA) == "tu"
    other = text + '[[address]]\nfrom = "spk1"\nto = "spk2"\nuse.pt = "você"\n'
    (conflict,) = words(other).conflicts([ANA, TOM])
    assert "how spk1 addresses spk2" in conflict.sentence


def test_pronunciations_are_for_a_language_and_an_engine() -> None:
    text = (
        '[[pronunciations]]\nword = "Xibalba"\nsay = "chibalbá"\nlanguages = ["pt"]\nengines = ["kokoro"]\n'
    )
    assert [one.say for one in words(text).pronunciations(ANA, "kokoro")] == ["chibalbá"]
    assert words(text).pronunciations(ANA, "piper") == ()
    assert words(text, language="fr").pronunciations(ANA, "kokoro") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[[terms]]\nsource = "x"\nforbiden.fr = ["y"]',
            r"line 3, terms\[1\]\.forbiden: there is no such key",
        ),
        ('[[terms]]\napproved.fr = ["y"]', r"line 1, terms\[1\]\.source: it is missing"),
        ('[[terms]]\nsource = "x"\napproved.fr = "y"', r"line 3, terms\[1\]\.approved.*expected a list"),
        ('[[terms]]\nsource = "x"', r"line 1, terms\[1\]: “x” has no forms"),
        (
            '[[terms]]\nsource = "x"\napproved.fr = []',
            r"line 3, terms\[1\]\.approved\.fr: it has an empty form",
        ),
        ('[[terms]]\nsource = "x"\napproved.xqq9 = ["y"]', r"line 3.*'xqq9' is no language"),
        (
            '[[terms]]\nsource = "x"\napproved.fr = ["Y"]\nforbidden.fr = ["y"]',
            r"line 4, terms\[1\]\.forbidden\.fr: “y” is approved and forbidden",
        ),
        ('[[address]]\nfrom = "a"\nto = "b"\nuse.de = "tu"', r"line 4.*German has du, Sie, ihr"),
        ('[[address]]\nfrom = "a"\nto = "A"\nuse.de = "du"', r"line 3, address\[1\]\.to: a cannot address"),
        (
            '[[pronunciations]]\nword = "x"\nsay = "y"\n[[pronunciations]]\nword = "X"\nsay = "z"',
            r"line 6, pronunciations\[2\]\.say: “X” is said “y” in an entry above",
        ),
        ("titel = 3", r"line 1, titel: there is no such key"),
        ("a = ", r"not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(text: str, said: str) -> None:
    with pytest.raises(SeriesUnfit, match=said):
        parse_words(text, "series.toml")


def test_all_mistakes_are_named_at_once() -> None:
    text = '[[terms]]\nsource = "x"\n[[address]]\nfrom = "a"\nto = "b"\nuse.fr = "du"\n'
    with pytest.raises(SeriesUnfit) as caught:
        parse_words(text, "series.toml")
    assert len(str(caught.value).splitlines()) == 2


def test_each_line_is_read_once_however_many_terms_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f'[[terms]]\nsource = "Warden{n}"\napproved.pt = ["x"]\n' for n in range(200))
    here = words(text)
    looked: list[int] = []
    look = forms.stands_at

    def counted(*given: Any, **how: Any) -> bool:
        looked.append(1)
        return look(*given, **how)

    monkeypatch.setattr(terms, "stands_at", counted)
    assert [term.source for term in here.terms_in("The Warden7 has seen nobody.", ANA, "en")] == ["Warden7"]
    assert here.terms_in("Nobody has seen him since.", ANA, "en") == ()
    assert len(looked) == 1
