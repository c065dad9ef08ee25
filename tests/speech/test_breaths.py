"""Segments of words with true times: one breath each, no fragments, the right speaker."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.speech.breaths import segments_by_sound
from dubkit.speech.changes import speakers_of_words
from dubkit.speech.settings import Transcribe
from dubkit.types import Segment, Turn, Word


def said(text: str, start: float = 0.0, pace: float = 0.3) -> list[Word]:
    """Words of `text` at an even pace; `|` is a breath of 0.4 s, `||` a pause of a second."""
    words = []
    for token in text.split():
        if set(token) == {"|"}:
            start += 0.4 if token == "|" else 1.0
            continue
        words.append(Word(round(start, 3), round(start + pace, 3), " " + token))
        start += pace
    return words


def lines(words: list[Word], turns: tuple[Turn, ...] = (), language: str = "en") -> list[tuple[str, str]]:
    return [(segment.speaker, segment.text) for segment in segments_by_sound(words, turns, language)]


def texts(text: str, language: str = "en") -> list[str]:
    return [segment.text for segment in segments_by_sound(said(text), (), language)]


def test_a_short_sentence_after_a_breath_is_a_line_of_its_own() -> None:
    assert texts("Yes. | I was there with all of them.") == ["Yes.", "I was there with all of them."]


def test_a_short_sentence_without_a_breath_belongs_to_its_neighbour() -> None:
    assert texts("We are expecting some turbulence. Thanks.") == ["We are expecting some turbulence. Thanks."]
    assert texts("Okay. I will see you there later.") == ["Okay. I will see you there later."]


def test_two_whole_sentences_without_a_breath_stay_two_lines() -> None:
    assert len(texts("We went there by train yesterday. You came by car this morning.")) == 2


def test_a_fragment_is_joined_to_its_sentence_over_a_pause() -> None:
    assert texts("We have || in the group a designer.") == ["We have in the group a designer."]


def test_the_halves_of_a_sentence_with_a_long_pause_stay_apart() -> None:
    assert len(texts("And then we all went home || because it was far too late.")) == 2


def test_an_answer_between_another_speakers_sentences_stays() -> None:
    words = said("Are you coming with us tonight? Yes. Good, then we will wait here.")
    turns = (Turn(0, 1.8, "spk1"), Turn(1.8, 2.1, "spk2"), Turn(2.1, 5, "spk1"))
    assert lines(words, turns)[1] == ("spk2", "Yes.")


def test_a_turn_of_a_tenth_of_a_second_inside_a_sentence_is_an_error_of_the_turn() -> None:
    turns = (Turn(0, 1.25, "spk1"), Turn(1.25, 1.4, "spk2"), Turn(1.4, 3.0, "spk1"))
    assert lines(said("we all live here together now and always."), turns) == [
        ("spk1", "we all live here together now and always.")
    ]


def test_a_change_of_speakers_moves_to_the_end_of_the_sentence_beside_it() -> None:
    words = said("Where do you live now? In a town near the sea.")
    for edge in (1.0, 1.2, 1.5, 1.8, 2.0):
        turns = (Turn(0, edge, "spk1"), Turn(edge, 4.0, "spk2"))
        assert lines(words, turns) == [
            ("spk1", "Where do you live now?"),
            ("spk2", "In a town near the sea."),
        ], edge


def test_an_interruption_in_the_middle_of_a_sentence_stays_where_it_is() -> None:
    words = [*said("I always wanted to tell you that"), *said("no no no that is not what I meant.", 2.1)]
    turns = (Turn(0, 2.1, "spk1"), Turn(2.1, 5, "spk2"))
    assert [speaker for speaker, _ in lines(words, turns)] == ["spk1", "spk2"]


def test_an_aside_does_not_cut_the_sentence_that_it_is_said_into() -> None:
    words = [
        *said("I think that we should really"),
        Word(1.85, 2.2, " Mhm."),
        *said("go to the harbour tonight.", 2.25),
    ]
    turns = (Turn(0, 1.8, "spk1"), Turn(1.82, 2.22, "spk2"), Turn(2.24, 4, "spk1"))
    first, second = segments_by_sound(words, turns, "en")
    assert (first.speaker, first.text) == ("spk1", "I think that we should really go to the harbour tonight.")
    assert (second.speaker, second.text) == ("spk2", "Mhm.")
    assert first.end > second.end


def test_the_end_of_an_answer_is_no_aside() -> None:
    words = said("The regular one is fine. Okay, sure. Would you like it today?")
    turns = (Turn(0, 1.75, "spk1"), Turn(1.75, 4, "spk2"))
    assert lines(words, turns)[1] == ("spk2", "Okay, sure. Would you like it today?")


def test_an_answer_after_a_finished_sentence_is_no_aside() -> None:
    words = [*said("Do you see it?"), Word(1.25, 1.5, " Yes."), *said("So we go on.", 1.6)]
    turns = (Turn(0, 1.2, "spk1"), Turn(1.22, 1.55, "spk2"), Turn(1.58, 4, "spk1"))
    assert [speaker for speaker, _ in lines(words, turns)] == ["spk1", "spk2", "spk1"]


def test_a_word_inside_two_turns_is_the_interjection() -> None:
    words = [Word(2.0, 2.4, " Right.")]
    assert speakers_of_words(words, (Turn(0, 9, "spk1"), Turn(1.9, 2.5, "spk2")), "en") == ["spk2"]


def test_a_word_outside_all_turns_goes_to_the_nearest() -> None:
    turns = (Turn(0, 1, "spk1"), Turn(4, 5, "spk2"))
    assert speakers_of_words([Word(3.5, 3.8, " So")], turns, "en") == ["spk2"]
    assert speakers_of_words([Word(3.5, 3.8, " So")], (), "en") == ["spk1"]
    assert speakers_of_words([], turns, "en") == []


STOPS = {
    "en": """
        Ms. Clark asked Rev. Brown about it. | He agreed.
        George W. Bush met Tony Blair. | They smiled.
        She lives on Elm St. near Fifth Ave. in Boston. | I know her.
        Gov. Newsom and Pres. Biden spoke. | Nobody listened.
        We went to Mt. Everest in Jan. 2019. | It was cold.
        Capt. Kirk left at 9 a.m. | He came back.
        The Hon. James T. Hill vs. the State. | Good.
    """,
    "pt": """
        A Dra. Ana e o Prof. Luís chegaram. | Nós saímos.
        Mora na R. Augusta, perto da Pça. da Sé. | Eu sei.
        Fica na Al. Santos, no. 45. | É perto.
        A Srta. Lima mora na Trav. Nova. | Ela gosta.
        D. Maria e o Pe. Antônio rezaram. | Amém.
        José M. da Silva e Ana P. Souza casaram. | Que bom.
    """,
    "es": """
        El Dr. López y la Profa. Díaz hablaron. | Bien.
        Vive en la C. Mayor, cerca de la Pza. Nueva. | Yo también.
        J. L. Borges nació en Buenos Aires. | Él escribía.
        El Ing. Torres vio al Cap. Vega. | No dijo nada.
        El Pdte. Sánchez y la Vda. de Ruiz. | Eso es.
    """,
    "de": """
        Fr. Meier und Hr. Dr. Schulz kamen. | Sie lachten.
        Der 3. Mann und die 5. Sinfonie sind bekannt. | Ja.
        Wilhelm I. Kaiser von Deutschland. | Das war er.
        Am Goethepl. 3 steht das Haus. | Es ist alt.
        Im 19. Jahrhundert und im 2. Stock. | Aber nein.
        Heinrich VIII. hatte sechs Frauen. | Er war dick.
    """,
    "fr": """
        Mlle. Dupont et le Pr. Martin sont là. | Ils parlent.
        Il habite bd. Saint-Michel à Paris. | Elle aussi.
        Me. Leblanc a parlé. | Il avait raison.
        Mgr. Lefèvre et le Gén. Moulin. | Ils sont partis.
    """,
    "it": """
        La Sig.na Conti e il Rag. Fantozzi. | Poi vennero.
        S. Francesco e S. Chiara. | Che bello.
        Il Cav. Berlusconi e l'On. Craxi. | Certo.
        Mons. Ravasi parlò a lungo. | Noi ascoltammo.
    """,
}
"""Language -> texts with a breath where their sentences end."""


@pytest.mark.parametrize(
    ("language", "cut"),
    [(code, line.strip()) for code, text in STOPS.items() for line in text.splitlines() if line.strip()],
)
def test_no_line_ends_after_a_title_an_initial_a_street_or_an_ordinal(language: str, cut: str) -> None:
    assert texts(cut, language) == cut.split(" | ")


@pytest.mark.parametrize("text", ["Tell me. | Please do it now.", "Neither did I. | Bob said so."])
def test_words_that_look_like_titles_end_sentences(text: str) -> None:
    assert texts(text) == text.split(" | ")


def test_a_long_line_is_cut_after_a_full_stop_that_ended_no_sentence() -> None:
    text = (
        "We define it as what a machine does on its own. to see what is in much data, and to use all of it."
    )
    first, second = segments_by_sound(said(text), (), "en", Transcribe(max_seconds=5))
    assert (first.text[-4:], second.text[:6]) == ("own.", "to see")


def test_no_line_is_longer_than_allowed() -> None:
    words = said(" ".join(f"word{index}" for index in range(200)), pace=0.25)
    built = segments_by_sound(words, (), "en", Transcribe(max_seconds=5))
    assert all(segment.end - segment.start <= 5 for segment in built)


@st.composite
def conversation(draw: st.DrawFn) -> tuple[list[Word], list[Turn]]:
    words, turns, at = [], [], 0.0
    for _ in range(draw(st.integers(0, 25))):
        at = round(at + draw(st.sampled_from([0, 0, 0, 0.1, 0.3, 0.9, 2.0])), 3)
        end = round(at + draw(st.sampled_from([0.06, 0.2, 0.4, 1.1])), 3)
        words.append(Word(at, end, draw(st.sampled_from([" so", " I", " Yes.", " Why?", " Dr.", "-time"]))))
        at = end
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.floats(0, at + 1))
        turns.append(Turn(start, start + draw(st.floats(0.1, 4)), draw(st.sampled_from("ABC"))))
    return words, turns


@settings(deadline=None)
@given(conversation())
def test_every_word_stands_in_one_line_and_lines_are_in_order(case: tuple[list[Word], list[Turn]]) -> None:
    words, turns = case
    built = segments_by_sound(words, turns, "en")
    held = sorted((word for segment in built for word in segment.words), key=lambda word: word.start)
    assert held == words
    assert all(a.start <= b.start for a, b in pairwise(built))
    assert [segment.id for segment in built] == [f"s{number:04}" for number in range(1, len(built) + 1)]
    for speaker in {segment.speaker for segment in built}:
        own = [segment for segment in built if segment.speaker == speaker]
        assert all(a.end <= b.start for a, b in pairwise(own))
    assert built == segments_by_sound(words, turns, "en")
    assert all(_in_order(segment) for segment in built)


def _in_order(segment: Segment) -> bool:
    return all(a.end <= b.start for a, b in pairwise(segment.words))
