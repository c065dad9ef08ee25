"""What is told of a line: everything that made it, with times, and nothing that is another line's."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.episode.context import Context
from dubkit.episode.edits.log import EditLog
from dubkit.episode.store import Parts, Record, canonical
from dubkit.explain.line import explain_line
from dubkit.review.changes import Desk, LineChange
from dubkit.types import (
    Adaptation,
    AdaptedLine,
    EpisodeQc,
    LineQc,
    Prompt,
    Prompts,
    Transcript,
    Word,
)
from dubkit.types.timing import Candidate
from tests.cli.test_review import Terminal, call
from tests.review.test_changes import PT, make_episode, speak

__all__ = ["call"]
UTC = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = make_episode(tmp_path)
    store = context.store
    transcript = store.read("transcript.json", Transcript)
    first, *others = transcript.segments
    words = (Word(1.0, 1.3, "Good"), Word(1.3, 2.0, "morning."))
    store.write_json("transcript.json", replace(transcript, segments=(replace(first, words=words), *others)))
    texts = (
        Candidate("Bom dia.", 1.0, "translation"),
        Candidate("Dia.", 0.6, "shortened", ("x",), ("greeting",)),
    )
    adapted = AdaptedLine("s0001", 2.0, texts, 0, "It fits its time.")
    store.write_json("adaptation.json", Adaptation(PT, (adapted,)), PT)
    store.write_json("prompts.json", Prompts(PT, (Prompt("s0001", "The young woman says it."),)), PT)
    parts = Parts("translate", 1, {"translate.provider": "openai"}, {}, {}, {"translator": "openai:gpt-4o"})
    store.save_record(Record("s0001", parts.key, parts), PT)
    asr = Parts("transcribe", 1, {"transcribe.beam": 5}, {}, {}, {"asr": "whisper-base-939a343c"})
    store.save_record(Record("words", asr.key, asr))
    speak(context)
    qc = EpisodeQc(
        (LineQc("s0001", "Bom lia", 0.5, 0.01, -0.3, ("words",), {"voice-unlike": 0.8}),),
        0.5,
        -20,
        -20,
        -1,
        0,
        0,
        0,
        0.0,
    )
    store.write_json("qc.json", qc, PT)
    return context.fresh()


def test_words_texts_prompt_models_and_settings_of_a_line_are_told(context: Context) -> None:
    told = explain_line(context, "s0001")
    assert [(word.text, word.start) for word in told.words] == [("Good", 1.0), ("morning.", 1.3)]
    assert [(text.text, text.used, text.losses) for text in told.texts] == [
        ("Bom dia.", True, ()),
        ("Dia.", False, ("greeting",)),
    ]
    assert told.prompt == "The young woman says it."
    models = {model.identity: model for model in told.models}
    assert models["openai:gpt-4o"].licence == ""
    assert models["whisper-base-939a343c"].licence == "MIT"
    assert all(len(sha) == 64 for sha in models["whisper-base-939a343c"].files.values())
    assert told.settings["transcribe.beam"] == 5
    assert told.settings["translate.provider"] == "openai"
    assert told.speaker is not None
    assert told.speaker.name == "Ana"


def test_every_record_has_its_time_and_those_of_other_lines_are_left_out(context: Context) -> None:
    steps = explain_line(context, "s0001").steps
    assert {("translate", "s0001"), ("transcribe", "words"), ("speak", "s0001")} <= {
        (step.stage, step.item) for step in steps
    }
    assert all(UTC.fullmatch(step.at) for step in steps)
    assert "s0002" not in {step.item for step in steps}


def test_checks_have_their_measures_flagged_or_not(context: Context) -> None:
    told = explain_line(context, "s0001")
    checks = {check.name: check for check in told.checks}
    assert (checks["words"].flagged, checks["words"].title) == (True, "Words differ")
    assert (checks["voice-unlike"].flagged, checks["voice-unlike"].measure) == (False, "0.8")
    assert told.measured["word error"] == "0.50"
    assert told.measured["level"] == "-0.3 LU against the source"


def test_edits_have_author_time_and_whether_they_stand(context: Context) -> None:
    Desk(context, "ana").edit("s0001", LineChange(note="Softer."))
    Desk(context.fresh(), "bo").edit("s0002", LineChange(note="Louder."))
    Desk(context.fresh(), "ana").undo(1)
    told = explain_line(context.fresh(), "s0001").edits
    assert [(edit.who, edit.action, edit.undone) for edit in told] == [
        ("ana", "edit", True),
        ("ana", "undo", False),
    ]
    assert "Softer." in told[0].what
    assert all(UTC.fullmatch(edit.at) for edit in told)
    assert EditLog(context.store).last() == 3


def test_it_is_plain_json(context: Context) -> None:
    read = json.loads(canonical(explain_line(context, "s0001")))
    assert read["line"]["id"] == "s0001"
    assert read["takes"][0]["take"] == "v001"


def test_the_command_says_it_in_words_and_as_json(call: Terminal) -> None:
    said = call.dubkit("explain", "ep", "1")
    assert said.code == 0, said.err
    assert "Bom dia." in said.out
    assert re.search(r"record +20\d\d-.* speak s0001, key [0-9a-f]{12}", said.out)
    assert call.dubkit("explain", "ep", "1", "--json").json["line"]["id"] == "s0001"
    assert call.dubkit("explain", "ep", "1-2").code == 2
    missing = call.dubkit("explain", "ep", "9")
    assert missing.code == 1
    assert "no line 9" in missing.err
