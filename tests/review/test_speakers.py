"""Who speaks: rename, merge, split, assign; locked lines are respected."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.episode.context import Context
from dubkit.errors import EditRefused
from dubkit.review.changes import Desk
from dubkit.review.lines import review_lines
from dubkit.review.speakers import (
    SpeakerChange,
    assign,
    describe_speaker,
    find_speaker,
    merge_speakers,
    speakers,
)
from stages.cast import STAGE as CAST
from tests.review.test_changes import PT, add_language, again, edits, make_episode, speak


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(make_episode(tmp_path), "ana")


def who(context: Context) -> list[str]:
    return [segment.speaker for segment in context.fresh().segments]


def test_everybody_is_listed_with_what_the_cast_knows(desk: Desk) -> None:
    rows = speakers(desk.context)
    assert [(r.id, r.name, r.voice, r.lines, r.seconds, r.guessed) for r in rows] == [
        ("spk1", "Ana", "a", 2, 4.0, False),
        ("spk2", "Bo", "b", 2, 4.0, True),
    ]
    assert rows[1].sample == (4.0, 6.0)


def test_a_name_holds_for_all_languages_and_a_voice_for_one(desk: Desk) -> None:
    describe_speaker(desk, "spk2", SpeakerChange(" Ben \n Li ", "The old man", "jm_kumo"))
    assert edits(desk, "")["speakers"] == {"spk2": {"name": "Ben Li", "description": "The old man"}}
    assert edits(desk)["speakers"] == {"spk2": {"voice": "jm_kumo"}}
    row = speakers(desk.context.fresh())[1]
    assert (row.name, row.description, row.voice, row.guessed) == ("Ben Li", "The old man", "jm_kumo", False)
    assert review_lines(desk.context.fresh())[1].speaker_name == "Ben Li"
    describe_speaker(again(desk), "spk2", SpeakerChange("", "", ""))
    assert (edits(desk), edits(desk, "")) == ({}, {})


@pytest.mark.parametrize(
    ("speaker", "change", "said"),
    [
        ("spk9", SpeakerChange("x"), "no speaker spk9; there are spk1, spk2"),
        ("spk1", SpeakerChange("x" * 201), "201 characters"),
    ],
)
def test_what_cannot_be_said_of_a_speaker_is_refused(
    desk: Desk, speaker: str, change: SpeakerChange, said: str
) -> None:
    with pytest.raises(EditRefused, match=said):
        describe_speaker(desk, speaker, change)


def test_a_speaker_is_found_by_id_and_by_a_name_of_their_own(desk: Desk) -> None:
    assert find_speaker(desk.context, "spk2") == "spk2"
    assert find_speaker(desk.context, " bo ") == "spk2"
    with pytest.raises(EditRefused, match=r"no speaker Cy; there are spk1 \(Ana\), spk2 \(Bo\)"):
        find_speaker(desk.context, "Cy")
    describe_speaker(desk, "spk2", SpeakerChange("ana"))
    with pytest.raises(EditRefused, match="name of spk1 and spk2: name the speaker by id"):
        find_speaker(desk.context.fresh(), "Ana")


def test_two_that_are_one_are_merged_at_once_and_undone_at_once(desk: Desk) -> None:
    merge_speakers(desk, ["spk2"], "spk1")
    assert who(desk.context) == ["spk1"] * 4
    assert [row.id for row in speakers(desk.context.fresh())] == ["spk1"]
    again(desk).undo()
    assert who(desk.context) == ["spk1", "spk2", "spk1", "spk2"]
    with pytest.raises(EditRefused, match="spk1 cannot be merged into itself"):
        merge_speakers(desk, ["spk2", "spk1"], "spk1")
    with pytest.raises(EditRefused, match="no speaker spk7"):
        merge_speakers(desk, ["spk7"], "spk1")


def test_a_merge_takes_locked_lines_of_every_language_along_without_a_conflict(desk: Desk) -> None:
    add_language(desk.context, "es")
    for tag in (PT, "es"):
        here = desk.context.fresh(tag)
        speak(here)
        Desk(here.fresh(), "ana").lock(["s0002"])
    merge_speakers(again(desk), ["spk2"], "spk1")
    for tag in (PT, "es"):
        line = review_lines(desk.context.fresh(tag))[1]
        assert (line.speaker, line.locked, line.conflict, line.take) == ("spk1", True, "", "v001")
    again(desk).undo()
    assert all(not line.conflict for tag in (PT, "es") for line in review_lines(desk.context.fresh(tag)))


def test_one_who_is_two_is_split_under_an_id_that_nobody_had(desk: Desk) -> None:
    event = assign(desk, ["s0003"], "", "Cy")
    assert event is not None
    assert who(desk.context) == ["spk1", "spk2", "spk3", "spk2"]
    assert edits(desk, "")["speakers"] == {"spk3": {"name": "Cy"}}
    merge_speakers(again(desk), ["spk3"], "spk1")
    assign(again(desk), ["s0003", "s0001"], "", "Di")
    assert who(desk.context) == ["spk4", "spk2", "spk4", "spk2"]


def test_lines_are_given_to_another_unless_they_are_locked(desk: Desk) -> None:
    assign(desk, ["s0001", "s0003"], "spk2")
    assert who(desk.context) == ["spk2"] * 4
    again(desk).undo()
    speak(desk.context)
    again(desk).lock(["s0001"])
    with pytest.raises(EditRefused, match="s0001 is locked"):
        assign(again(desk), ["s0003", "s0001"], "spk2")
    assert who(desk.context) == ["spk1", "spk2", "spk1", "spk2"]
    with pytest.raises(EditRefused, match="no speaker spk9"):
        assign(again(desk), ["s0003"], "spk9")
    with pytest.raises(EditRefused, match="no line s0009"):
        assign(again(desk), ["s0009"], "spk2")


def test_who_speaks_is_part_of_what_the_cast_is_made_from(desk: Desk) -> None:
    (before,) = CAST.items(desk.context)
    assign(desk, ["s0001"], "spk2")
    (after,) = CAST.items(desk.context.fresh())
    assert before.inputs["transcribe/segments"] != after.inputs["transcribe/segments"]
    describe_speaker(again(desk), "spk1", SpeakerChange("Zoe"))
    assert CAST.items(desk.context.fresh())[0].edits == {"spk1.name": "Zoe"}
