# ruff: noqa: RUF001 - dialogue is written with typographic and full-width marks
"""Checks of one line: silent on what people say, firm on what models get wrong."""

from __future__ import annotations

from functools import cache

import pytest

from dubkit.translate.alignment import repeated, slid
from dubkit.translate.checks import LineChecks
from dubkit.translate.lines import BAD_REPLY, ECHO, REFUSED, WRONG_LANGUAGE
from dubkit.translate.refusal import is_refusal


@cache
def checks(source: str, target: str) -> LineChecks:
    return LineChecks(source, target)


SCENE = (
    "Look, we have no time.",
    "Why?",
    "Because they are already here and they will take everything we have.",
    "No!",
    "Give me your hand, quickly, and do not look back whatever you hear.",
    "Where are we going?",
    "Home.",
    "But you said that we could never go back to that house again...",
)
CENA = (
    "Olha, não temos tempo.",
    "Por quê?",
    "Porque eles já estão aqui e vão levar tudo o que nós temos.",
    "Não!",
    "Me dê a mão, rápido, e não olhe para trás, não importa o que você ouça.",
    "Aonde vamos?",
    "Para casa.",
    "Mas você disse que nunca poderíamos voltar para aquela casa...",
)

GOOD = [
    ("en", "pt-BR", "OK", "OK"),
    ("en", "pt-BR", "Jordi Mas", "Jordi Mas"),
    ("en", "pt-BR", "Barcelona.", "Barcelona!"),
    ("en", "pt-BR", "New York, New York", "New York, New York"),
    ("en", "pt-BR", "Yes, Michael Jackson", "Sim, Michael Jackson"),
    ("en", "pt-BR", "The Pizza Hut in Chicago", "A Pizza Hut em Chicago"),
    ("en", "pt-BR", "Look at Don't Stop Believin'!", "Olha, Don't Stop Believin'!"),
    ("en", "pt-BR", "C'est la vie", "C'est la vie"),
    ("en", "pt-BR", "I love you.", "Te amo."),
    ("en", "pt-BR", "Let's go", "Vamos lá"),
    ("en", "pt-BR", "1984", "mil novecentos e oitenta e quatro"),
    ("en", "pt-BR", "...", "..."),
    ("en", "pt-BR", "No.", "Não."),
    ("en", "pt-BR", "The NASA software show", "O show de software da NASA"),
    ("en", "de", "That was super cool", "Das war super cool"),
    ("en", "de", "My name is Diane, from New Jersey.", "Mein Name ist Diane, aus New Jersey."),
    ("en", "fr", "Next weekend", "Le weekend prochain"),
    ("en", "it", "What's happening?", "Che succede?"),
    ("en", "ca", "Good morning, my name is Jordi Mas.", "Bon dia, em dic Jordi Mas."),
    ("en", "nb", "I don't know what is happening.", "Jeg vet ikke hva som skjer."),
    ("en", "ja", "Hello, Jordi", "こんにちは、ジョルディ"),
    ("en", "ja", "Jordi Mas", "Jordi Mas"),
    ("en", "ja", "The NASA report", "NASAの報告書"),
    ("en", "ru", "I'm on YouTube", "Я на YouTube"),
    ("en", "zh-Hans", "I don't know what to say to you.", "我不知道该对你说什么。"),
    ("en", "zh-Hant", "I don't know what to say to you.", "我不知道該對你說什麼。"),
    ("en-GB", "en-US", "I don't know", "I don't know"),
    ("en", "xh", "I don't know", "Andazi"),
]

BAD = [
    ("en", "pt-BR", "Are you coming tonight?", "Are you coming tonight?", ECHO),
    ("en", "pt-BR", "Follow me.", "Follow me!", ECHO),
    ("en", "pt-BR", "Thanks.", "Thanks.", ECHO),
    ("en", "pt-BR", "Oh, come on! You must be kidding.", "Oh, come on! Você está brincando.", ECHO),
    ("en", "pt-BR", "By the way, he is gone.", "By the way, ele foi embora.", ECHO),
    ("en", "pt-BR", "GET AWAY FROM HER!", "GET AWAY FROM HER!", ECHO),
    ("en", "pt-BR", "STOP! GET AWAY FROM HER!", "PARA! GET AWAY DE HER!", WRONG_LANGUAGE),
    ("en", "es", "Are you at the party tonight?", "¿Estás en la fiesta tonight?", WRONG_LANGUAGE),
    ("en", "fr", "Grab it. Now.", "Prenez votre manteau. And then you follow me.", WRONG_LANGUAGE),
    ("en", "pt-BR", "I love you", "我爱你", WRONG_LANGUAGE),
    ("en", "pt-BR", "I'm glad", "Estou muito高兴", WRONG_LANGUAGE),
    ("en", "pt-BR", "What are you doing?", "Was machen Sie denn da?", WRONG_LANGUAGE),
    (
        "en",
        "pt-BR",
        "I can't believe you forgot my day",
        "No puedo creer que te olvides de mi día otra vez",
        WRONG_LANGUAGE,
    ),
    ("en", "ja", "I don't know what to say.", "我不知道该说什么才好。", WRONG_LANGUAGE),
    ("en", "ja", "I don't know what to say.", "Eu não sei.", WRONG_LANGUAGE),
    ("en", "zh-Hans", "I don't know, teacher.", "老師，我不知道該對你說什麼。", WRONG_LANGUAGE),
    ("en", "zh-Hans", "I don't know.", "私は知りません。", WRONG_LANGUAGE),
    ("en", "ru", "I don't know what to say.", "Ya ne znayu chto skazat.", WRONG_LANGUAGE),
    ("en", "pt-BR", "Yes.", "Sim. E além disso eu queria dizer que gosto muito.", BAD_REPLY),
    ("en", "pt-BR", "We had a long talk about the war and about my father.", "Falamos.", BAD_REPLY),
    ("en", "pt-BR", "Yes.", "...", BAD_REPLY),
    ("en", "pt-BR", "You don't know.", "Voc\ufffd n\ufffdo sabe.", BAD_REPLY),
    ("en", "pt-BR", "I will kill you!", "I'm sorry, but I can't assist with that.", REFUSED),
]


@pytest.mark.parametrize(("source", "target", "line", "text"), GOOD)
def test_what_people_say_passes(source: str, target: str, line: str, text: str) -> None:
    assert checks(source, target).fault(line, text) is None


@pytest.mark.parametrize(("source", "target", "line", "text", "flag"), BAD)
def test_what_models_get_wrong_is_named(source: str, target: str, line: str, text: str, flag: str) -> None:
    fault = checks(source, target).fault(line, text)
    assert fault is not None
    assert fault.flag == flag


def test_copy_in_a_language_the_identifier_does_not_know_is_still_an_echo() -> None:
    fault = checks("en", "bo").fault("I do not know", "I do not know")
    assert fault is not None
    assert fault.flag == ECHO


def test_reply_of_short_lines_is_judged_together() -> None:
    sources = {1: "Come in.", 2: "Sit down.", 3: "What is it?"}
    spanish = {1: "Pase.", 2: "Siéntese usted.", 3: "¿Qué es lo que pasa ahora?"}
    fault = checks("en", "de").fault_together(sources, spanish)
    assert fault is not None
    assert fault.flag == WRONG_LANGUAGE
    assert (
        checks("en", "de").fault_together(sources, {1: "Herein.", 2: "Setzen Sie sich.", 3: "Was ist?"})
        is None
    )
    assert checks("en-GB", "en-US").fault_together(sources, sources) is None


def test_names_together_are_no_wrong_language() -> None:
    names = {1: "My name is Michael Jackson", 2: "And Whitney Houston"}
    kept = {1: "Michael Jackson", 2: "Whitney Houston"}
    assert checks("en", "pt-BR").fault_together(names, kept) is None


@pytest.mark.parametrize(
    ("source", "language", "reply"),
    [
        ("I'm sorry, I can't do that.", "en", "Sinto muito, não posso fazer isso."),
        ("I'm sorry, I can't do that.", "en", "Je suis désolé, je ne peux pas."),
        ("I can't assist you with this request.", "en", "Não posso ajudá-lo com este pedido."),
        ("Przykro mi, nie mogę tego zrobić.", "pl", "I'm sorry, I can't do that."),
        ("Bohužel to nemohu udělat.", "cs", "I'm sorry, I can't do that."),
        ("No way!", "en", "De jeito nenhum, não vou!"),
        ("I'm an AI.", "en", "Eu sou uma IA."),
        ("Translate this for me!", "en", "Traduza isso para mim!"),
        ("I will kill you!", "en", "Eu vou matar você!"),
        ("Forgive me.", "en", "Desculpe."),
        ("I can't answer the phone.", "en", "Não posso atender o telefone."),
        ("Não posso obedecer.", "pt", "I can't comply."),
        ("Não posso ajudá-la com isso.", "pt", "I can't assist you with that."),
    ],
)
def test_character_who_refuses_is_not_taken_for_the_model(source: str, language: str, reply: str) -> None:
    assert not is_refusal(reply, source, language)


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m sorry, but I can’t help with that.",
        "I cannot translate this content.",
        "I can't help you with that.",
        "I apologize, but I'm not able to help with explicit content.",
        "As an AI language model, I must decline.",
        "Desculpe, mas não posso ajudar com isso.",
        "Não posso traduzir esse conteúdo.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        "Mi dispiace, ma non posso aiutarti.",
        "Извините, но я не могу помочь с этим.",
        "抱歉，我无法翻译这段内容。",
        "申し訳ありませんが、そのご要望にはお応えできません。",
        "죄송하지만 도와드릴 수 없습니다.",
        "Sorry, this violates the content policy.",
    ],
)
def test_refusals_in_many_languages_are_found(reply: str) -> None:
    assert is_refusal(reply, "I will kill you!", "en")


def test_refusal_is_found_even_when_the_character_apologises() -> None:
    assert is_refusal("Desculpe, não posso traduzir esse conteúdo.", "I'm sorry, I can't do that.", "en")


def test_text_that_moved_to_its_neighbour_is_found() -> None:
    sources = {1: "Come here.", 2: "I met Diane today.", 3: "She is nice."}
    moved = {1: "Venha cá. Hoje encontrei a Diane.", 2: "Ela é legal.", 3: "Até logo."}
    right = {1: "Venha cá.", 2: "Hoje encontrei a Diane.", 3: "Ela é legal."}
    assert slid(sources, moved)
    assert not slid(sources, right)


def test_text_that_moved_is_found_by_lengths_and_marks_alone() -> None:
    sources = dict(enumerate(SCENE, start=1))
    right = dict(enumerate(CENA, start=1))
    joined = [f"{CENA[0]} {CENA[1]}", *CENA[2:], "Até logo."]
    split = ["Olha,", "não temos tempo.", *CENA[1:-1]]
    assert not slid(sources, right)
    assert slid(sources, dict(enumerate(joined, start=1)))
    assert slid(sources, dict(enumerate(split, start=1)))


def test_one_text_for_two_different_lines_is_found() -> None:
    sources = {1: "I have no idea where he is.", 2: "She told me to go away.", 3: "Yes.", 4: "Yeah."}
    texts = {1: "Não sei onde ele está.", 2: "Não sei onde ele está.", 3: "Sim.", 4: "Sim."}
    assert repeated(sources, texts) == {1, 2}
    assert (
        repeated(
            {1: "No, I will not go.", 2: "no, I will not go!"}, {1: "Não, eu não vou.", 2: "Não, eu não vou."}
        )
        == set()
    )
