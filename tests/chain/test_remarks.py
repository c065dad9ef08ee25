"""What dubkit knows, people hear: in words, the heaviest first, what is said of several lines once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.chain.noticing import stage_remarks
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore, Parts, Record, canonical, decode_json
from dubkit.models.store import ModelStore
from dubkit.studio import chain
from dubkit.types import CODES, Remark, Segment, Transcript, remark
from dubkit.types.telling import Noticed, in_words, sentences, told
from stages.cast import STAGE as CAST
from stages.extract import STAGE as EXTRACT
from stages.qc import STAGE as QC
from stages.speak import STAGE as SPEAK
from stages.stitch import chosen
from tests.qc.test_report_page import MEASURED

NAMES = {f"s{n:04d}": f"line {n}" for n in range(1, 30)} | {"episode": "", "c0002": "clip 2"}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    store = EpisodeStore(tmp_path / "Output/ep")
    models = ModelStore(tmp_path / "models")
    return Context(store, Settings(), tmp_path / "ep.mp4", "0" * 64, models, "fr")


def record(stage: str, item: str = "episode", **fields: object) -> Record:
    return Record(item, "k", Parts(stage, 1), **fields)  # type: ignore[arg-type]


def cut(*lines: int) -> list[Noticed]:
    said = (remark("line-cut", "It was cut.", f"s{n:04d}") for n in lines)
    return [Noticed.of(one, NAMES, "speak", "fr") for one in said]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ((3,), "Line 3: It was cut."),
        ((3, 4), "Lines 3 and 4: It was cut."),
        ((9, 3, 4, 5), "Lines 3 to 5 and 9: It was cut."),
        ((1, 1, 7), "Lines 1 and 7: It was cut."),
    ],
)
def test_what_is_said_of_several_lines_is_said_once(lines: tuple[int, ...], text: str) -> None:
    assert [one.text for one in told(cut(*lines))] == [text]


def test_failures_come_first_and_notes_last() -> None:
    said = [
        remark("voice-chosen", "espeak speaks."),
        remark("line-cut", "It was cut.", "s0002"),
        remark("source-cut-off", "40 ms."),
        remark("failed", "Speaking failed: no voice", "s0003"),
    ]
    found = told(Noticed.of(one, NAMES) for one in said)
    assert [(one.label, one.text) for one in found] == [
        ("Failed", "Line 3: Speaking failed: no voice"),
        ("Doubtful", "40 ms."),
        ("Degraded", "Line 2: It was cut."),
        ("Note", "espeak speaks."),
    ]
    assert (
        sentences(Noticed.of(one, NAMES) for one in said)[-1] == "Line 2: It was cut."
    )  # notes are no reason


def test_many_of_a_kind_are_folded_and_the_language_is_named_where_there_are_several() -> None:
    said = [remark("failed", f"Speaking failed: {n}", f"s{n:04d}") for n in range(1, 21)]
    found = told((Noticed.of(one, NAMES, "speak", "fr") for one in said), most=3, more="see status")
    assert [one.text for one in found][2:] == [
        "Line 3: Speaking failed: 3",
        "and 17 more like it; see status",
    ]
    two = [*cut(1), *(replace(one, language="de") for one in cut(1))]
    assert [one.text for one in told(two)] == ["fr, line 1: It was cut.", "de, line 1: It was cut."]


def test_items_in_a_sentence_are_named_as_people_name_them() -> None:
    assert in_words("s0001 did not fit", NAMES) == "Line 1 did not fit"
    assert in_words("line s0003 was not translated", NAMES) == "Line 3 was not translated"
    assert in_words("c0002: no face; model h0264 of s9999", NAMES) == "Clip 2: no face; model h0264 of s9999"


def test_remarks_of_earlier_versions_are_read(context: Context) -> None:
    old = canonical(record("speak", "s0002")).replace(b'"degraded":[]', b'"degraded":["s0002 was cut"]')
    old = old.replace(b',"remarks":[]', b"")
    context.store.write_json("transcript.json", Transcript("en", 1.0, segments(), "test"))
    (said,) = stage_remarks(SPEAK, context, [decode_json(old, Record)])
    assert (said.weight, said.place, said.where, said.sentence) == ("degraded", "s0002", "line 2", "Was cut")


def test_a_choice_of_ones_own_is_no_fall_back_in_an_earlier_version_either(context: Context) -> None:
    (said,) = stage_remarks(CAST, context, [record("cast", degraded=("chosen by speak.provider",))])
    assert (said.code, said.weight) == ("voice-chosen", "note")


def test_what_a_chosen_container_does_not_hold_is_a_note() -> None:
    assert chosen(remark("stream-left-out", "No room.")).weight == "note"
    assert chosen(remark("picture-data-left-out", "No room.")).weight == "degraded"


def test_artifacts_of_earlier_versions_are_asked_where_records_say_nothing(context: Context) -> None:
    context.store.write_json("qc.json", replace(MEASURED, flags=("picture-changed", "drift")), "fr")
    said = stage_remarks(QC, context, [record("qc")])
    assert [(one.code, one.weight) for one in said] == [
        ("picture-changed", "doubtful"),
        ("drift", "doubtful"),
    ]
    assert all(one.meaning for one in said)
    context.store.write_bytes("episode.json", b"{}")
    assert stage_remarks(EXTRACT, context.fresh(""), [record("extract")]) == []  # damage is told elsewhere


def test_every_code_is_a_sentence_and_every_stage_keeps_to_the_table() -> None:
    for name, code in CODES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
        assert re.fullmatch(r"[A-Z].*\.", code.meaning), name
    with pytest.raises(KeyError):
        remark("no-such-code", "x")
    assert Remark("pack:own", "x").meaning == ""


def segments() -> tuple[Segment, ...]:
    return tuple(Segment(f"s{n:04d}", float(n), n + 0.9, "spk1", "x") for n in (1, 2, 3))


def test_a_line_is_named_by_its_place_in_time_not_by_its_id(context: Context) -> None:
    first, second, third = segments()
    moved = (second, replace(first, start=2.95, end=2.99), third)
    context.store.write_json("transcript.json", Transcript("en", 1.0, moved, "test"))
    (said,) = stage_remarks(SPEAK, context, [record("speak", "s0001", error="no voice\nat all")])
    assert (said.code, said.where) == ("failed", "line 2")
    assert said.sentence == "Speaking the lines failed: no voice"


def test_the_stages_that_fall_back_say_so_with_a_code_of_their_own() -> None:
    codes = {"voice-fall-back", "voice-chosen", "one-speaker", "no-speech", "line-cut", "untranslated"}
    assert codes <= set(CODES)
    assert CODES["voice-chosen"].weight == "note"  # a person's own choice
    assert {stage.name for stage in chain().stages if stage.recall} >= {"extract", "qc"}
    assert CAST.recall is None
