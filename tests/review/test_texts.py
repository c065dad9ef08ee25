"""The texts that a line may have: which one it has, and what choosing another one leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.errors import EditRefused
from dubkit.review.changes import Desk, LineChange
from dubkit.review.texts import candidates_of, choose_text
from dubkit.types import Adaptation, AdaptedLine, Candidate
from tests.review.test_changes import PT, again, edits, make_episode, speak

OFFERED = AdaptedLine(
    "s0002",
    1.2,
    (
        Candidate("Meu nome é Ana.", 1.8, "translation"),
        Candidate("Eu sou a Ana.", 1.2, "model"),
        Candidate("Sou eu.", 0.6, "model", losses=("name: Ana",), fidelity=0.4),
    ),
    1,
    "It needs a pace of 1.00.",
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    context = make_episode(tmp_path)
    context.store.write_json("adaptation.json", Adaptation(PT, (OFFERED,)), PT)
    return Desk(context, "ana")


def used(desk: Desk, line: str = "s0002") -> list[int]:
    return [text.number for text in candidates_of(desk.context.fresh(), line).offered if text.used]


def test_a_line_offers_its_texts_with_the_pace_that_each_needs(desk: Desk) -> None:
    texts = candidates_of(desk.context, "s0002")
    assert texts.text == "Eu sou a Ana."
    assert [(text.number, text.pace, text.chosen) for text in texts.offered] == [
        (1, 1.5, False),
        (2, 1.0, True),
        (3, 0.5, False),
    ]
    assert used(desk) == [2]
    assert texts.why == "It needs a pace of 1.00."


def test_a_chosen_text_is_an_edit_that_undo_takes_back(desk: Desk) -> None:
    choose_text(desk, "s0002", 1)
    assert edits(desk)["lines"]["s0002"]["text"] == "Meu nome é Ana."
    assert used(desk) == [1]
    again(desk).undo()
    assert used(desk) == [2]
    assert "s0002" not in edits(desk).get("lines", {})


def test_the_text_that_was_chosen_for_its_time_takes_the_edit_back(desk: Desk) -> None:
    choose_text(desk, "s0002", 3)
    choose_text(again(desk), "s0002", 2)
    assert "s0002" not in edits(desk).get("lines", {})
    assert choose_text(again(desk), "s0002", 2) is None


def test_a_text_written_by_hand_is_none_of_those_offered(desk: Desk) -> None:
    desk.edit("s0002", LineChange(text="Me chamo Ana."))
    texts = candidates_of(desk.context.fresh(), "s0002")
    assert texts.written
    assert not any(text.used for text in texts.offered)


def test_a_line_without_other_texts_says_so(desk: Desk) -> None:
    assert candidates_of(desk.context, "s0001").offered == ()
    with pytest.raises(EditRefused, match="s0001 has no other texts"):
        choose_text(desk, "s0001", 1)


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_number_that_is_not_offered_is_refused(desk: Desk, number: int) -> None:
    with pytest.raises(EditRefused, match="its texts are 1 to 3"):
        choose_text(desk, "s0002", number)
    assert edits(desk) == {}


def test_a_locked_line_keeps_its_text(desk: Desk) -> None:
    speak(desk.context)
    again(desk).lock(["s0002"])
    with pytest.raises(EditRefused, match="locked"):
        choose_text(again(desk), "s0002", 1)


def test_texts_of_an_older_translation_are_not_offered(desk: Desk) -> None:
    translation = desk.context.translation
    lines = tuple(
        line if line.id != "s0002" else type(line)(line.id, "Chamo-me Ana.") for line in translation.lines
    )
    desk.context.store.write_json("translation.json", type(translation)(PT, lines), PT)
    here = desk.context.fresh()
    assert candidates_of(here, "s0002").offered == ()
    assert candidates_of(here, "s0002").text == "Chamo-me Ana."


def test_an_unknown_line_is_refused(desk: Desk) -> None:
    with pytest.raises(EditRefused, match="no line s0009"):
        candidates_of(desk.context, "s0009")
