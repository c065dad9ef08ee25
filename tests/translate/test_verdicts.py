# ruff: noqa: RUF001 - dialogue is written with typographic and full-width marks
"""Verdicts on replies: right copies are kept, and what models say beside a translation is not spoken."""

from __future__ import annotations

from functools import cache

import pytest

from dubkit.translate import checks
from dubkit.translate.asides import resolved, speaks_of_the_task, without_asides
from dubkit.translate.asking import Messages, Reply
from dubkit.translate.batches import BatchTranslator
from dubkit.translate.engine import TranslationTask
from dubkit.translate.lines import SourceLine, Translated

_IDENTIFIER = cache(checks._load_identifier)

LINE = "What do you want me to do with it now?"
RIGHT = "O que você quer que eu faça com isso agora?"


@pytest.fixture(autouse=True)
def _one_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the language identifier once for all tests: it takes longer than the tests."""
    monkeypatch.setattr(checks, "_load_identifier", _IDENTIFIER)


def judged(source: str, target: str, line: str, reply: str) -> tuple[Translated, int]:
    """Return what becomes of a line whose every request gets the same reply, and the number of requests."""
    asked: list[Messages] = []

    def ask(messages: Messages) -> Reply:
        asked.append(messages)
        return Reply(reply)

    done: list[Translated] = []
    BatchTranslator(ask, "openai:m", TranslationTask(source, target)).run(
        [SourceLine("s1", line)], done.extend
    )
    return done[0], len(asked)


SAME = [
    ("en", "nl", "Help!", "Help!"),
    ("en", "nl", "Help me, please.", "Help me, alsjeblieft."),
    ("en", "fr", "Stop!", "Stop !"),
    ("en", "fr", "Impossible!", "Impossible !"),
    ("en", "de", "Sorry.", "Sorry."),
    ("en", "de", "Baby, baby.", "Baby, Baby."),
    ("en", "de", "Oh, sorry, I didn't know that.", "Oh, sorry, das wusste ich nicht."),
    ("en", "de", "Michael! Michael!", "Michael! Michael!"),
    ("en", "es", "No, no, no!", "¡No, no, no!"),
    ("en", "es", "Doctor, doctor!", "¡Doctor, doctor!"),
    ("en", "it", "Bye bye.", "Bye bye."),
    ("en", "pt-BR", "Ha ha ha!", "Ha ha ha!"),
    ("en", "tr", "Stop!", "Stop!"),
    ("pt", "es", "Por favor.", "Por favor."),
    ("pt", "es", "Vamos, vamos!", "¡Vamos, vamos!"),
    ("es", "pt-BR", "Nada.", "Nada."),
    ("no", "da", "Kom her!", "Kom her!"),
    ("da", "nb", "Det er godt.", "Det er godt."),
    ("id", "ms", "Saya tidak tahu.", "Saya tidak tahu."),
    ("ru", "bg", "Добро утро!", "Добро утро!"),
    ("de", "nl", "Ja, ja, ja.", "Ja, ja, ja."),
]
LEFT = [
    ("en", "de", "Please help me.", "Please help me."),
    ("en", "fr", "Help!", "Help!"),
    ("en", "es", "Hello.", "Hello."),
    ("en", "it", "Come in.", "Come in."),
    ("en", "pt-BR", "Thanks.", "Thanks."),
    ("pt", "es", "Não sei.", "Não sei."),
    ("pt", "es", "Bom dia.", "Bom dia."),
    ("sv", "nb", "Jag vet inte.", "Jag vet inte."),
]


@pytest.mark.parametrize(("source", "target", "line", "text"), SAME)
def test_a_translation_that_equals_its_source_is_kept_at_once(
    source: str, target: str, line: str, text: str
) -> None:
    kept, requests = judged(source, target, line, text)
    assert (kept.text, kept.flags, requests) == (text, (), 1)


@pytest.mark.parametrize(("source", "target", "line", "text"), LEFT)
def test_a_line_that_was_left_as_it_was_is_an_echo(source: str, target: str, line: str, text: str) -> None:
    kept, _ = judged(source, target, line, text)
    assert kept.flags == ("untranslated", "echo")


ASIDES = [
    f"Sure! Here is the translation: {RIGHT}",
    f"Here is the translation:\n\n{RIGHT}",
    f"Claro! Aqui está a tradução: {RIGHT}",
    f"Translation (pt-BR): {RIGHT}",
    f"### Translation\n{RIGHT}",
    f"<translation>{RIGHT}</translation>",
    f"1. {RIGHT}",
    f"- {RIGHT}",
    f"**{RIGHT}**",
    f"{RIGHT} (informal)",
    f"{RIGHT} (Nota: usei o tom informal.)",
    f"{RIGHT} [Nota do tradutor: informal]",
    f"{RIGHT} Nota: mantive o tom informal.",
    f"{RIGHT} Obs.: tom informal.",
    f"{RIGHT}\n\n(Note: I kept the informal tone.)",
    f"{RIGHT}\nAlternativamente: {RIGHT}",
    f"{RIGHT} / O que quer que eu faça com isso agora?",
    f"{RIGHT} | O que quer que eu faça com isso agora?",
    f"1. {RIGHT} 2. O que quer que eu faça?",
    f'"{RIGHT}" ou "O que quer que eu faça?"',
    RIGHT.replace(" que eu", "<br>que eu"),
    RIGHT.replace(" que eu", "\\Nque eu"),
    RIGHT.replace(" que eu", "\\nque eu"),
    RIGHT.replace(" que eu", "\nque eu"),
    RIGHT.replace("você", "<i>você</i>").replace(" com", "&nbsp;com"),
    "{\\an8}" + RIGHT,
]


@pytest.mark.parametrize("reply", ASIDES)
def test_what_stands_beside_a_translation_is_taken_off(reply: str) -> None:
    kept, requests = judged("en", "pt-BR", LINE, reply)
    assert (kept.text, kept.flags, requests) == (RIGHT, (), 1)


@pytest.mark.parametrize(
    ("target", "reply"),
    [
        ("pt-BR", "Claro! Por favor, envie a frase que você deseja traduzir."),
        ("pt-BR", "Por favor, forneça o texto que você gostaria que eu traduzisse."),
        ("pt-BR", "Poderia fornecer mais contexto?"),
        ("pt-BR", "Sure, please provide the text."),
        ("es", "Por favor, proporciona el texto."),
        ("es", "¿Qué texto deseas que traduzca?"),
        ("fr", "Bien sûr ! Veuillez fournir le texte à traduire."),
        ("fr", "Il me faudrait plus de contexte."),
        ("de", "Bitte senden Sie mir den Satz."),
        ("de", "Welchen Satz soll ich übersetzen?"),
        ("it", "Certo! Per favore, invia la frase da tradurre."),
        ("nl", "Stuur me alsjeblieft de tekst."),
        ("ru", "Конечно! Пожалуйста, пришлите текст для перевода."),
        ("pl", "Oczywiście! Proszę podaj tekst do przetłumaczenia."),
        ("sv", "Visst! Skicka gärna texten du vill översätta."),
        ("tr", "Elbette! Lütfen çevrilecek metni paylaşın."),
        ("ja", "翻訳する文章を教えてください。"),
        ("zh-Hans", "好的！请提供需要翻译的文本。"),
        ("ko", "번역할 문장을 알려주세요."),
    ],
)
def test_a_question_for_the_text_is_no_translation(target: str, reply: str) -> None:
    kept, _ = judged("en", target, LINE, reply)
    assert kept.text == ""
    assert kept.flags[0] == "untranslated"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Can you translate this for me?", "Você pode traduzir isso para mim?"),
        ("Please send me the text.", "Por favor, me envie o texto."),
        ("He left a note: goodbye.", "Ele deixou uma nota: adeus."),
        ("Okay, this is the deal: run.", "Ok, hier ist der Deal: lauf."),
        ("Rock / Paper", "Pedra / Papel"),
        ("She (the doctor) knows.", "Ela (a médica) sabe."),
        ("- Yes.", "- Sim."),
        ("2. Go home.", "2. Vá para casa."),
        ("Please tell me your opinion.", "Geef me alsjeblieft je mening."),
        ("Turn left.", "Sola çevir."),
        ("Sure! I know.", "Claro! Eu sei."),
        ("Look at https://example.com/a now.", "Veja https://example.com/a agora."),
    ],
)
def test_what_the_source_says_too_is_left_alone(source: str, text: str) -> None:
    assert without_asides(resolved(text), source) == text
    assert not speaks_of_the_task(text, source)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("obrigado/a", "obrigado"),
        ("Estou cansado(a).", "Estou cansado."),
        ("Meine Freund*innen", "Meine Freund"),
        ("Der Lehrer/-in", "Der Lehrer"),
    ],
)
def test_one_word_for_him_and_for_her_is_chosen(text: str, plain: str) -> None:
    assert without_asides(text, "x") == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tom &amp; Ana", "Tom & Ana"),
        ("l&#39;eau &lt;i&gt;ici&lt;/i&gt;", "l'eau ici"),
        ("a<br/>b<BR>c", "a b c"),
        ("x < 3 & y > 2", "x < 3 & y > 2"),
        ("AT&T; R&B", "AT&T; R&B"),
        ("VocÃª nÃ£o sabe.", "Você não sabe."),
        ("NÃO! Âmbar.", "NÃO! Âmbar."),
        ("I <3 you", "I <3 you"),
    ],
)
def test_marks_of_files_and_pages_are_resolved(text: str, plain: str) -> None:
    assert resolved(text) == plain
