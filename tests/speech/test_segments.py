# ruff: noqa: RUF001 - Japanese punctuation
"""Segments: one speaker, one sentence, never too long, and every word exactly once."""

from __future__ import annotations

import pytest

from dubkit.errors import SettingError
from dubkit.speech.segments import build_segments, joined_text, segments_from_cues
from dubkit.speech.settings import Transcribe
from dubkit.types import LanguageSpan, Turn, Word


def said(text: str, start: float = 0.0, pace: float = 0.3, probability: float = 0.9) -> list[Word]:
    """Words of `text` at an even pace; `|` is a pause of one second."""
    words = []
    for token in text.split():
        if token == "|":
            start += 1.0
            continue
        words.append(Word(start, start + pace - 0.05, " " + token, probability))
        start += pace
    return words


def texts(words: list[Word], turns: tuple[Turn, ...] = (), **settings: float) -> list[str]:
    built = build_segments(words, turns, "en", Transcribe(**settings))  # type: ignore[arg-type]
    assert [word for segment in built for word in segment.words] == words
    return [segment.text for segment in built]


@pytest.mark.parametrize(
    "sentence",
    [
        "Mr. Quilter met Dr. Brown at 5 p.m. in St. Louis.",
        "It costs 3.5 or J. R. Smith pays.",
        "He said... nothing at all.",
        "See Fig. 3, e.g. the U.S. army.",
        "Apples, pears, etc. are fruit.",
        "Take No. 5 from the shelf.",
        "Am 3. Oktober kommt Hr. Meier bzw. seine Frau.",
        "Version 1.2 is out.",
    ],
)
def test_full_stops_that_end_no_sentence(sentence: str) -> None:
    assert texts(said(sentence)) == [sentence]


SENTENCES = {
    "en": """
        I work for the U.S. Army. | He does too.
        He lives in the U.S. | She likes it.
        Mr. Smith met Mrs. Jones on Main St. | They talked.
        John F. Kennedy met Martin Luther King Jr. in Washington, D.C. | It was cold.
        Prof. Brown of St. Mary's, i.e. Dr. Lee, came at 5 p.m. | We left.
        He took vitamin C. | It helped.
        Lt. Col. Baker and Sgt. Pepper left. | Good.
        Come on. | I love art. | Maria is late.
        I have 2. | You have 3.
        See Fig. 3 and No. 7, approx. 5 ft. | The end.
    """,
    "pt": """
        O Sr. Silva mora na Av. Paulista. | Legal.
        A Sra. Souza e o Dr. Lima saíram. | Bem.
        A Profa. Ana chegou às 8 da manhã, etc. | Ela sorriu.
        D. Pedro leu a pág. 5 do cap. 3. | Fim.
        Sto. Antônio, p. ex. Lisboa, é lindo. | Eu vi.
        J. K. Rowling escreveu isso. | Sim.
    """,
    "es": """
        El Sr. Pérez y la Sra. López. | Bien.
        Vive en la Avda. Mayor con la Dra. Ruiz. | Ella lo sabe.
        Los EE. UU. Mexicanos son otra cosa. | Claro.
        Ud. sabe, p. ej. Madrid. | Bueno.
        El Gral. Franco y la Srta. Gil. | Ya.
    """,
    "it": """
        Il Sig. Rossi e la Sig.ra Bianchi. | Bene.
        Il Dott. Verdi, l'Avv. Neri e l'On. Moro. | Certo.
        Vedi pag. 5, art. 3, ecc. | Poi torna.
        Abita in P.zza Navona. | Lui lo sa.
    """,
    "fr": """
        M. Dupont et Mme. Martin arrivent. | Bien.
        Le Dr. House et Mgr. Lefort. | Oui.
        Il habite av. Foch, près du bd. Voltaire. | Elle aussi.
        J.-P. Belmondo est là. | Merci.
    """,
    "de": """
        Der 2. Weltkrieg war lang. | Ja.
        Am 3. Oktober kam Hr. Meier. | Gut.
        Im 20. Jahrhundert war das 1. Mal. | Aber nein.
        Er ist 30. | Das ist alt.
        Prof. Dr. Klein wohnt in der Goethestr. 5, z. B. Hamburg. | Er lacht.
        Das sind ca. 5 Mio. Euro bzw. Dollar usw. | Und du?
        St. Pauli, d. h. Hamburg. | Wir gehen.
    """,
}
"""Language -> texts cut where their sentences end."""


@pytest.mark.parametrize(
    ("language", "cut"),
    [(code, line.strip()) for code, text in SENTENCES.items() for line in text.splitlines() if line.strip()],
)
def test_a_sentence_ends_with_its_last_word(language: str, cut: str) -> None:
    words = said(cut.replace(" | ", " "), pace=0.35)
    assert [segment.text for segment in build_segments(words, (), language)] == cut.split(" | ")


def test_a_number_that_the_recogniser_split_stays_whole() -> None:
    words = [
        Word(0, 0.2, " It"),
        Word(0.2, 0.4, " is"),
        Word(0.4, 0.6, " 3."),
        Word(0.6, 0.8, "5"),
        Word(0.8, 1, " now."),
    ]
    assert texts(words) == ["It is 3.5 now."]


def test_sentences_end_with_their_marks() -> None:
    text = 'Really? Yes! "Go away." No. I will not... Well, I see apples, etc. They left.'
    assert texts(said(text)) == [
        "Really?", "Yes!", '"Go away."', "No.", "I will not...", "Well, I see apples, etc.", "They left.",
    ]  # fmt: skip


def test_japanese_is_joined_without_spaces_and_split_at_its_marks() -> None:
    tokens = ["はい", "、", "そう", "です", "。", "では", "、", "行き", "ましょう", "か", "？", "はい", "！"]
    words = [Word(i * 0.2, i * 0.2 + 0.2, token) for i, token in enumerate(tokens)]
    built = build_segments(words, (), "ja")
    assert [segment.text for segment in built] == ["はい、そうです。", "では、行きましょうか？", "はい！"]


def test_words_without_spaces_of_their_own_are_spaced() -> None:
    assert joined_text([Word(0, 1, "Hello"), Word(1, 2, "there.")]) == "Hello there."
    assert joined_text([Word(0, 1, " in"), Word(1, 2, " real"), Word(2, 3, "-time?")]) == "in real-time?"


def test_a_long_pause_splits_a_sentence_and_a_short_one_does_not() -> None:
    words = said("ask not | what your country can do")
    assert texts(words) == ["ask not", "what your country can do"]
    assert texts(words, pause=1.5) == ["ask not what your country can do"]


def test_long_sentences_are_cut_at_a_comma_near_the_middle() -> None:
    text = (
        "one, two three four five six seven eight, nine ten eleven twelve thirteen fourteen fifteen, sixteen"
    )
    assert texts(said(text), max_seconds=3.0) == [
        "one, two three four five six seven eight,",
        "nine ten eleven twelve thirteen fourteen fifteen, sixteen",
    ]


def test_no_segment_is_longer_than_allowed_nor_cut_inside_a_word() -> None:
    words = []
    for index in range(120):
        words.append(Word(index * 0.3, index * 0.3 + 0.15, f" real{index}"))
        words.append(Word(index * 0.3 + 0.15, index * 0.3 + 0.3, "-time"))
    built = build_segments(words, (), "en", Transcribe(max_seconds=5), most_characters=120)
    assert all(segment.end - segment.start <= 5 and len(segment.text) <= 120 for segment in built)
    assert all(segment.words[0].text.startswith(" ") for segment in built)


def test_chinese_counts_double_towards_the_length() -> None:
    words = [Word(i * 0.2, i * 0.2 + 0.2, "字") for i in range(60)]
    built = build_segments(words, (), "zh", Transcribe(max_seconds=60), most_characters=40)
    assert max(len(segment.text) for segment in built) <= 20


def test_ids_confidence_and_times_come_from_the_words() -> None:
    first, second = build_segments(said("Good morning.") + said("Hm yes.", 5, probability=0.3), (), "en")
    assert (first.id, second.id) == ("s0001", "s0002")
    assert (first.start, first.end) == (0.0, pytest.approx(0.55))
    assert first.confidence == 0.9
    assert first.flags == ()
    assert second.flags == ("low-confidence",)


def test_text_too_fast_to_speak_is_flagged() -> None:
    (segment,) = build_segments(said("This cannot be spoken so fast.", pace=0.06), (), "en")
    assert "fast" in segment.flags


def test_words_go_to_the_speaker_who_speaks_most_of_them() -> None:
    turns = (Turn(0, 1.0, "spk1"), Turn(1.0, 3.0, "spk2"))
    built = build_segments(said("Are you there? Yes I am."), turns, "en")
    assert [(segment.speaker, segment.text) for segment in built] == [
        ("spk1", "Are you there?"),
        ("spk2", "Yes I am."),
    ]


def test_one_stray_word_does_not_split_a_sentence() -> None:
    turns = (Turn(0, 0.6, "spk1"), Turn(0.6, 0.9, "spk2"), Turn(0.9, 2.0, "spk1"))
    built = build_segments(said("we all live here together now."), turns, "en")
    assert [segment.speaker for segment in built] == ["spk1"]


def test_a_short_answer_between_sentences_keeps_its_speaker() -> None:
    turns = (Turn(0, 0.9, "spk1"), Turn(0.9, 1.2, "spk2"), Turn(1.2, 3.0, "spk1"))
    built = build_segments(said("Are you here? Yes. Then come with me."), turns, "en")
    assert [segment.speaker for segment in built] == ["spk1", "spk2", "spk1"]


@pytest.mark.parametrize("edge", [0.65, 1.25])
def test_a_turn_that_is_a_word_off_moves_to_the_sentence_end(edge: float) -> None:
    turns = (Turn(0, edge, "spk1"), Turn(edge, 3, "spk2"))
    built = build_segments(said("Are you there? Yes I am."), turns, "en")
    assert [(segment.speaker, segment.text) for segment in built] == [
        ("spk1", "Are you there?"),
        ("spk2", "Yes I am."),
    ]


def test_an_interjection_inside_a_longer_turn_is_the_interjectors() -> None:
    turns = (Turn(0, 10, "spk1"), Turn(4, 5, "spk2"))
    built = build_segments([*said("I went home.", 1), *said("Really?", 4.2), *said("I did.", 6)], turns, "en")
    assert [segment.speaker for segment in built] == ["spk1", "spk2", "spk1"]


def test_words_outside_all_turns_go_to_the_nearest() -> None:
    turns = (Turn(0, 1, "spk1"), Turn(8, 9, "spk2"))
    assert build_segments(said("Hello.", 6), turns, "en")[0].speaker == "spk2"
    assert build_segments(said("Hello.", 6), (), "en")[0].speaker == "spk1"


def test_each_stretch_keeps_its_language() -> None:
    words = [*said("Hello there."), Word(3, 3.5, "你好"), Word(3.5, 4, "。")]
    spans = (LanguageSpan(0, 1, "en"), LanguageSpan(3, 4, "zh"))
    built = build_segments(words, (), "en", languages=spans)
    assert [(segment.language, segment.text) for segment in built] == [
        ("en", "Hello there."),
        ("zh", "你好。"),
    ]


def test_no_words_give_no_segments() -> None:
    assert build_segments([], (), "en") == ()


def test_cues_keep_their_times_and_take_speakers_from_turns() -> None:
    turns = (Turn(0, 2, "spk1"), Turn(2, 9, "spk2"))
    cues = [
        (3.0, 4.0, "No.\nNever.", ""),
        (0.5, 1.5, "Come?", ""),
        (5.0, 6.0, "Hm.", "Anna"),
        (7.0, 8.0, "  ", ""),
    ]
    built = segments_from_cues(cues, turns, "en")
    assert [(s.id, s.start, s.end, s.speaker, s.text) for s in built] == [
        ("s0001", 0.5, 1.5, "spk1", "Come?"),
        ("s0002", 3.0, 4.0, "spk2", "No. Never."),
        ("s0003", 5.0, 6.0, "Anna", "Hm."),
    ]
    assert all(segment.language == "en" and segment.confidence == 1.0 for segment in built)


def test_a_cue_too_short_for_its_text_is_flagged() -> None:
    assert segments_from_cues([(1, 1.2, "A whole sentence in no time.", "")], (), "en")[0].flags == ("fast",)


@pytest.mark.parametrize("wrong", [{"max_seconds": 0}, {"pause": 0}])
def test_impossible_settings_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=r"transcribe\."):
        Transcribe(**wrong)  # type: ignore[arg-type]


def test_segments_of_no_width_are_refused() -> None:
    with pytest.raises(ValueError, match="most_characters = 3"):
        build_segments((), (), "en", most_characters=3)
