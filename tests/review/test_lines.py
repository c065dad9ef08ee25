"""Lines as people see them: named, filtered, measured; opened by whatever people call the episode."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.folders import open_episode, remember_source
from dubkit.episode.store import Parts, Record
from dubkit.errors import DubkitError, EditRefused
from dubkit.models.store import ModelStore
from dubkit.progress import Speeds
from dubkit.review.changes import Desk, LineChange
from dubkit.review.lines import Filter, find_lines, review_lines
from dubkit.review.opening import open_review, to_run
from dubkit.review.provenance import explain
from dubkit.review.regeneration import Pending, pending
from dubkit.studio import Session
from dubkit.types import EpisodeQc, LineQc
from tests.review.test_changes import LINES, PT, TEXTS, add_language, again, make_episode, speak


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (["1"], [1]),
        (["2-4"], [2, 3, 4]),
        (["s0003"], [3]),
        (["3", "1-3", "s0001"], [3, 1, 2]),
    ],
)
def test_lines_are_named_by_number_range_and_id(context: Context, named: list[str], found: list[int]) -> None:
    assert find_lines(context, named) == [f"s{n:04d}" for n in found]


@pytest.mark.parametrize("named", ["0", "5", "3-9", "3-2", "s9", "-1", "1-", "x-y", "", "٣x"])
def test_a_line_that_is_not_there_is_named(context: Context, named: str) -> None:
    with pytest.raises(EditRefused, match=r"There is no line .* 4"):
        find_lines(context, [named])


def test_a_line_shows_measures_takes_and_flags_in_order(context: Context) -> None:
    speak(context)
    measured = (LineQc("s0001", "Bom lia", 0.5, 0.01, -0.3, ("words",)),)
    qc = EpisodeQc(measured, 0.5, -20.0, -20.0, -1.0, 0, 0, 0, 0.0)
    context.store.write_json("qc.json", qc, PT)
    first, *_, last = review_lines(context.fresh())
    assert (first.number, first.speaker_name, first.source, first.text) == (1, "Ana", TEXTS[0], LINES[0])
    assert (first.heard, first.word_error, first.flags) == ("Bom lia", 0.5, ("words",))
    assert (first.spoken, first.take, first.takes) == (2.0, "v001", 1)
    assert (last.text, last.flags, last.take, last.spoken) == ("", ("untranslated",), "", 0.0)


def test_a_take_that_says_something_else_is_flagged(context: Context) -> None:
    speak(context)
    Desk(context, "ana").edit("s0001", LineChange(text="Oi."))
    first = review_lines(context.fresh())[0]
    assert (first.edited, first.flags) == (("text",), ("other-text",))


def test_a_failed_line_is_flagged(context: Context) -> None:
    record = Record("s0001", "k", Parts("speak", 1), error="no voice")
    context.store.save_record(record, PT)
    assert review_lines(context)[0].flags == ("failed",)


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (Filter(), [1, 2, 3, 4]),
        (Filter(flagged=True), [4]),
        (Filter(unlocked=True), [2, 3, 4]),
        (Filter(unaccepted=True), [1, 3, 4]),
        (Filter(speaker="SPK2"), [2, 4]),
        (Filter(speaker="bO"), [2, 4]),
        (Filter(text="GOOD"), [1, 4]),
        (Filter(text="moro"), [3]),
        (Filter(text="later"), [2]),
        (Filter(unlocked=True, speaker="ana"), [3]),
    ],
)
def test_filters_show_what_they_say(context: Context, wanted: Filter, shown: list[int]) -> None:
    speak(context)
    desk = Desk(context, "ana")
    desk.lock(["s0001"])
    desk = again(desk)
    desk.edit("s0002", LineChange(note="later", accepted=True))
    assert [line.number for line in review_lines(context.fresh()) if wanted.takes(line)] == shown


def test_an_accepted_line_needs_no_look(context: Context) -> None:
    Desk(context, "ana").accept(["s0004"])
    assert not any(Filter(flagged=True).takes(line) for line in review_lines(context.fresh()))


def test_languages_do_not_disturb_each_other(context: Context) -> None:
    add_language(context, "es")
    Desk(context, "ana").edit("s0001", LineChange(text="Oi.", source="Morning."))
    here, there = (review_lines(context.fresh(tag))[0] for tag in (PT, "es"))
    assert (here.text, there.text) == ("Oi.", LINES[0])
    assert (here.source, there.source) == ("Morning.", "Morning.")
    assert there.edited == ("source",)


def test_why_names_edits_that_stand_and_what_took_part(context: Context) -> None:
    speak(context)
    desk = Desk(context, "ana")
    desk.edit("s0001", LineChange(text="Oi."))
    again(desk).edit("s0001", LineChange(text="Olá."))
    again(desk).undo()
    why = explain(context.fresh(), "s0001")
    assert why.edits == ("1: s0001 text as made → “Oi.” (ana)",)
    assert [(step.stage, step.item) for step in why.stages] == [("speak", "s0001")]
    record = context.store.record("speak", "s0001", PT)
    assert record is not None
    assert why.stages[0].key == record.key


# --- opening ----------------------------------------------------------------------------------


@pytest.fixture
def session(context: Context, tmp_path: Path) -> Session:
    remember_source(open_episode(tmp_path / "Output", context.source))
    return Session(Settings(), tmp_path / "Output", ModelStore(tmp_path / "models"), Speeds())


def test_an_episode_is_opened_by_source_folder_and_name(session: Session, context: Context) -> None:
    for where in (context.source, context.store.root, Path("ep")):
        found = open_review(session, where)
        assert (found.store.root, found.language) == (context.store.root, PT)


def test_an_episode_is_reviewed_without_its_source_but_not_made(session: Session, context: Context) -> None:
    context.source.unlink()
    found = open_review(session, context.source)
    assert len(review_lines(found)) == 4
    with pytest.raises(DubkitError, match=r"ep\.mp4: the source of .* no longer exists"):
        to_run(session, found)


def test_what_is_no_episode_is_named_with_those_there_are(session: Session) -> None:
    with pytest.raises(DubkitError, match=r"nowhere: no such episode(.|\n)*Episodes in .*: ep\."):
        open_review(session, Path("nowhere"))
    session.output.joinpath("other").mkdir()
    with pytest.raises(DubkitError, match="no such episode"):
        open_review(session, Path("other"))


def test_a_language_that_is_not_there_is_named_with_the_way_to_get_it(
    session: Session, context: Context
) -> None:
    with pytest.raises(DubkitError, match=r"no lines in fr yet. There are lines in pt-BR.\nRun first: .* fr"):
        open_review(session, Path("ep"), "fr")
    add_language(context, "es")
    with pytest.raises(DubkitError, match="which language\\?\nThere are es, pt-BR"):
        open_review(session, Path("ep"))


def test_runs_work_in_the_folder_that_is_reviewed(session: Session, context: Context) -> None:
    elsewhere = replace(session, output=session.output.parent / "Other")
    found = open_review(elsewhere, context.store.root)
    assert to_run(elsewhere, found).output == session.output
    moved = context.store.root.with_name("renamed")
    shutil.copytree(context.store.root, moved)
    with pytest.raises(DubkitError, match=r"renamed: this folder was made from .*\nRename it back to ep"):
        to_run(session, open_review(session, moved))


# --- what is due ------------------------------------------------------------------------------


def test_what_is_due_is_said_in_a_sentence() -> None:
    assert Pending().text == "Nothing to do: everything is up to date."
    due = Pending({"speak": ("s0001", "s0002"), "mix": ("episode",), "stitch": ("?",)}, {}, (1.0, 3.0))
    assert due.text == "2 lines spoken (s0001, s0002), mixed, joined; about 1.0 s to 3.0 s."
    assert json.dumps(due.items)


def test_only_the_lines_that_are_asked_for_are_due(context: Context) -> None:
    speak(context)
    desk = Desk(context, "ana")
    desk.edit("s0001", LineChange(text="Oi."))
    desk = again(desk)
    changes, _ = desk.seed_changes(["s0002"])
    assert pending(desk.after(changes), Speeds(), ["s0002"]).items["speak"] == ("s0002",)
