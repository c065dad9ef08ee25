"""What a text loses of its line: names, numbers and denials, in the languages whose words are known."""

from __future__ import annotations

import pytest

from dubkit.translate.adaptation.guards import Guards
from dubkit.translate.adaptation.negation import denials
from dubkit.translate.adaptation.numbers import other_numbers

KEPT = [
    # language of the source, of the text; source, first translation, another text that keeps all
    ("en", "pt-BR", "I do not know Maria.", "Eu não conheço Maria.", "Não conheço a Maria."),
    ("en", "pt-BR", "He is 2 years old.", "Ele tem 2 anos.", "Ele tem dois anos."),
    ("en", "pt-BR", "There are 2 girls.", "Há duas meninas.", "São 2 meninas."),
    ("en", "pt-BR", "It costs $1,250.", "Custa 1.250 dólares.", "São mil duzentos e cinquenta dólares."),
    ("en", "pt-BR", "It's good, isn't it?", "É bom, não é?", "É bom?"),
    ("en", "pt-BR", "No, I don't know.", "Não, eu não sei.", "Eu não sei."),
    ("pt", "en", "Maria não veio.", "Maria did not come.", "Maria didn't come."),
    ("pt", "en", "Tenho vinte e um anos.", "I am twenty-one years old.", "I'm 21."),
    ("en", "es", "John is here, isn't he?", "John está aquí, ¿no?", "¿Está aquí John?"),
    ("en", "es", "I have never seen it.", "Yo nunca lo he visto.", "No lo he visto jamás."),
    ("en", "fr", "I don't have 9 euros.", "Je n'ai pas 9 euros.", "J'ai pas neuf euros."),
    ("en", "fr", "Paul is back.", "Paul est de retour.", "Paul est revenu."),
    ("en", "it", "Forty-two people came.", "Quarantadue persone sono venute.", "Vennero in 42."),
    ("en", "it", "He doesn't say it.", "Lui non lo dice.", "Non lo dice."),
    ("en", "de", "Berlin is not big.", "Berlin ist nicht groß.", "Berlin ist keine große Stadt."),
    ("en", "de", "Anna's 42 books", "Annas zweiundvierzig Bücher", "42 Bücher von Anna"),
    ("de", "en", "Das Haus gehört Anna.", "The house belongs to Anna.", "It's Anna's house."),
]

LOST = [
    ("en", "pt-BR", "I do not know Maria.", "Eu não conheço Maria.", "Conheço Maria.", "negation"),
    ("en", "pt-BR", "I do not know Maria.", "Eu não conheço Maria.", "Não a conheço.", "name: Maria"),
    ("en", "pt-BR", "Lisbon is far.", "É longe de Lisboa.", "É longe.", "name: Lisboa"),
    ("en", "pt-BR", "At 9.", "Às 9.", "Às dez.", "number: 9"),
    ("en", "pt-BR", "Nobody came.", "Ninguém veio.", "Eles vieram.", "negation"),
    ("en", "pt-BR", "It is good.", "Isso é bom.", "Nada mau, não é ruim.", "other negation"),
    ("en", "pt-BR", "He came.", "Ele veio.", "Ele veio às 7.", "other number: 7"),
    ("en", "pt-BR", "Are you coming?", "Você vem?", "Você vem.", "question"),
    ("pt", "en", "Maria não veio.", "Maria did not come.", "Maria came.", "negation"),
    ("pt", "en", "São três horas.", "It is three o'clock.", "It's late.", "number: three"),
    ("en", "es", "Do not go, Juan.", "No te vayas, Juan.", "Vete, Juan.", "negation"),
    ("en", "es", "I have 15.", "Tengo quince.", "Tengo muchos.", "number: quince"),
    ("en", "es", "Tell Ana.", "Díselo a Ana.", "Díselo.", "name: Ana"),
    ("en", "fr", "I don't want it.", "Je ne le veux pas.", "Je le veux.", "negation"),
    ("en", "fr", "Without Paul.", "On part sans Paul.", "On part avec Paul.", "negation"),
    ("en", "fr", "Eighty people.", "Quatre-vingts personnes.", "Beaucoup de gens.", "number: vingt"),
    ("en", "it", "I don't know.", "Io non lo so.", "Io lo so.", "negation"),
    ("en", "it", "Thirty years.", "Sono trent'anni, trenta.", "Sono tanti anni.", "number: trenta"),
    ("en", "it", "Rome is far.", "È lontano da Roma.", "È lontano.", "name: Roma"),
    ("en", "de", "I have no time.", "Ich habe keine Zeit.", "Ich habe Zeit.", "negation"),
    ("en", "de", "Twenty-one.", "Es sind einundzwanzig.", "Es sind viele.", "number: einundzwanzig"),
    ("en", "de", "See Hannah.", "Besuch Hannah.", "Besuch sie.", "name: Hannah"),
    ("en", "ja", "Room 12.", "12号室です。", "部屋です。", "number: 12"),
]


@pytest.mark.parametrize(("source_language", "language", "source", "first", "text"), KEPT)
def test_a_text_that_says_the_same_loses_nothing(
    source_language: str, language: str, source: str, first: str, text: str
) -> None:
    assert Guards(source_language, language).losses(source, first, text) == ()


@pytest.mark.parametrize(("source_language", "language", "source", "first", "text", "lost"), LOST)
def test_a_text_that_loses_something_says_what(
    source_language: str, language: str, source: str, first: str, text: str, lost: str
) -> None:
    assert lost in Guards(source_language, language).losses(source, first, text)


@pytest.mark.parametrize(
    ("source_language", "language", "source", "first"), [row[:4] for row in (*KEPT, *LOST)]
)
def test_the_first_translation_loses_nothing_of_itself(
    source_language: str, language: str, source: str, first: str
) -> None:
    assert Guards(source_language, language).losses(source, first, first) == ()


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("en", "I can't and I won't.", 2),
        ("en", "Not only that.", 0),
        ("en", "No, no, no!", 1),
        ("pt", "Não tenho nada.", 1),
        ("pt", "Sem dúvida.", 0),
        ("es", "No es él, sino ella.", 1),
        ("fr", "Il n'a rien dit, et je ne sais pas.", 2),
        ("it", "Non lo so, ma non importa.", 2),
        ("de", "Nein, das ist kein Problem.", 1),
        ("ja", "知らない", None),
    ],
)
def test_denials_are_counted_by_clauses(language: str, text: str, count: int | None) -> None:
    assert denials(text, language) == count


@pytest.mark.parametrize(
    ("language", "text", "other"),
    [
        ("en", "I'll be there at 3:30.", "Be there at three thirty."),
        ("pt-BR", "Em 1998.", "Em mil novecentos e noventa e oito."),
        ("de", "Es kostet 250 Euro.", "Es kostet zweihundertfünfzig Euro."),
        ("it", "Sei tu?", "Tu sei?"),
        ("es", "Uno de los dos.", "Una de las 2."),
        ("fr", "Un neuf.", "Un nouveau."),
    ],
)
def test_numbers_are_the_same_in_figures_and_in_words(language: str, text: str, other: str) -> None:
    assert other_numbers(text, other, language) == []
    assert other_numbers(other, text, language) == []
