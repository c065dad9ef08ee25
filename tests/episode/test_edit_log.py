"""The log of hand edits: all can be undone, nothing is lost, two people do not overwrite each other."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.episode.edits import LineEdit, read_anchors, read_edits
from dubkit.episode.edits.events import BY_HAND, Change, undone_numbers
from dubkit.episode.edits.log import EditLog, replay
from dubkit.episode.edits.places import ANCHORS
from dubkit.episode.store import EpisodeStore
from dubkit.errors import ArtifactDamaged, EditConflict, EditRefused
from dubkit.types import Segment

PT = "pt-BR"


def text(value: str | None, item: str = "s0001") -> Change:
    return Change("lines", item, "text", value, PT)


@pytest.fixture
def log(tmp_path: Path) -> EditLog:
    return EditLog(EpisodeStore(tmp_path / "episode"))


def lines(log: EditLog) -> dict[str, LineEdit]:
    return read_edits(log.store, PT).lines


def test_a_change_is_written_and_logged_with_what_was_before(log: EditLog) -> None:
    log.make([text("Olá")], who="ana", action="edit")
    event = log.make([text("Oi")], who="rui", action="edit")
    assert event is not None
    assert (event.number, event.who, event.changes[0].before, event.changes[0].after) == (
        2,
        "rui",
        "Olá",
        "Oi",
    )
    assert lines(log) == {"s0001": LineEdit(text="Oi")}
    assert json.loads((log.store.root / PT / "edits.json").read_text()) == {
        "lines": {"s0001": {"text": "Oi"}}
    }


def test_a_change_that_changes_nothing_leaves_no_event(log: EditLog) -> None:
    log.make([text("Olá")], who="ana", action="edit")
    assert log.make([text("Olá")], who="ana", action="edit") is None
    assert log.last() == 1


def test_undo_and_redo_go_back_and_forth_over_several_changes(log: EditLog) -> None:
    for value in ("a", "b", "c"):
        log.make([text(value)], who="ana", action="edit")
    log.undo(language="pt-BR", who="ana")
    log.undo(language="pt-BR", who="ana")
    assert lines(log)["s0001"].text == "a"
    log.redo(language="pt-BR", who="ana")
    assert lines(log)["s0001"].text == "b"
    log.redo(language="pt-BR", who="ana")
    assert lines(log)["s0001"].text == "c"
    log.undo(language="pt-BR", who="ana")
    log.make([text("d")], who="ana", action="edit")
    with pytest.raises(EditRefused, match="nothing to do again"):
        log.redo(language="pt-BR", who="ana")
    for _ in range(3):
        log.undo(language="pt-BR", who="ana")
    assert lines(log) == {}
    with pytest.raises(EditRefused, match="nothing to undo"):
        log.undo(language="pt-BR", who="ana")


def test_an_act_on_many_lines_is_undone_at_once(log: EditLog) -> None:
    acts = [Change("segments", f"s{n:04d}", "speaker", "spk2") for n in range(1, 6)]
    log.make([*acts, text("Olá")], who="ana", action="assign")
    assert len(read_edits(log.store).segments) == 5
    log.undo(language="pt-BR", who="ana")
    assert read_edits(log.store).segments == {}
    assert lines(log) == {}


def test_an_older_change_is_undone_unless_something_was_built_upon_it(log: EditLog) -> None:
    log.make([text("a")], who="ana", action="edit")
    log.make([text("b", "s0002")], who="ana", action="edit")
    log.make([text("c")], who="rui", action="edit")
    log.undo(language="pt-BR", who="ana", number=2)
    assert "s0002" not in lines(log)
    with pytest.raises(EditConflict, match="Undo change 3 first"):
        log.undo(language="pt-BR", who="ana", number=1)
    log.undo(language="pt-BR", who="rui", number=3)
    log.undo(language="pt-BR", who="ana", number=1)
    assert lines(log) == {}
    with pytest.raises(EditRefused, match="taken back already"):
        log.undo(language="pt-BR", who="ana", number=1)
    with pytest.raises(EditRefused, match="no change 99"):
        log.undo(language="pt-BR", who="ana", number=99)


def test_what_somebody_changed_meanwhile_is_not_overwritten(log: EditLog) -> None:
    log.make([text("a")], who="ana", action="edit")
    seen = log.last()
    log.make([text("rui's")], who="rui", action="edit")
    with pytest.raises(EditConflict, match="rui changed text of s0001 meanwhile"):
        log.make([text("ana's")], who="ana", action="edit", seen=seen)
    log.make([text("other line", "s0002")], who="ana", action="edit", seen=seen)
    assert (lines(log)["s0001"].text, lines(log)["s0002"].text) == ("rui's", "other line")


def test_a_change_in_the_file_itself_is_logged_and_can_be_undone(log: EditLog) -> None:
    log.make([text("a")], who="ana", action="edit")
    (log.store.root / PT / "edits.json").write_text('{"lines": {"s0001": {"text": "by hand", "note": "x"}}}')
    log.make([text("b", "s0002")], who="ana", action="edit")
    events = log.events()
    assert [event.action for event in events] == ["edit", BY_HAND, "edit"]
    assert {c.field: (c.before, c.after) for c in events[1].changes} == {
        "text": ("a", "by hand"),
        "note": (None, "x"),
    }
    log.undo(language="pt-BR", who="ana", number=2)
    assert lines(log) == {"s0001": LineEdit(text="a"), "s0002": LineEdit(text="b")}


def test_a_half_written_event_is_dropped_and_its_edit_found_again(log: EditLog) -> None:
    log.make([text("a")], who="ana", action="edit")
    log.make([text("b")], who="ana", action="edit")
    path = log.store.path("edits.jsonl")
    path.write_bytes(path.read_bytes()[:-20])  # killed while the second event was written
    assert [event.number for event in log.events()] == [1]
    log.make([text("c")], who="ana", action="edit")
    assert [event.action for event in log.events()] == ["edit", BY_HAND, "edit"]
    assert replay(log.events(), PT) == read_edits(log.store, PT)


def test_a_damaged_log_names_its_line(log: EditLog) -> None:
    log.make([text("a")], who="ana", action="edit")
    path = log.store.path("edits.jsonl")
    path.write_bytes(b"{not json}\n" + path.read_bytes())
    with pytest.raises(ArtifactDamaged, match=r"edits\.jsonl at line 1"):
        log.events()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change("lines", "s0001", "route", "sing", PT), "route cannot be 'sing'"),
        (Change("lines", "s0001", "seed", -1, PT), "seed cannot be"),
        (Change("lines", "s0001", "takes", ["../../etc/v001"], PT), "takes cannot be"),
        (Change("segments", "s0001", "start", "now"), "start cannot be"),
        (Change("lines", "s0001", "colour", "red", PT), "no such field"),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(log: EditLog, change: Change, said: str) -> None:
    with pytest.raises(EditRefused, match=said):
        log.make([text("a"), change], who="ana", action="edit")
    assert log.events() == ()
    assert lines(log) == {}


def test_moments_are_noted_as_an_edit_is_made(log: EditLog) -> None:
    log.make([text("a")], who="ana", action="edit", segments=[Segment("s0001", 1.0, 2.0, "spk1", "Hi.")])
    assert log.store.has(ANCHORS)
    assert read_anchors(log.store)["s0001"].start == 1.0


def test_twenty_people_at_once_lose_nothing(log: EditLog) -> None:
    def work(person: int) -> None:
        own = EditLog(EpisodeStore(log.store.root))
        for n in range(5):
            own.make([text(f"{person}.{n}", f"s{person:04d}")], who=str(person), action="edit")

    people = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    events = log.events()
    assert [event.number for event in events] == list(range(1, 101))
    assert replay(events, PT) == read_edits(log.store, PT)
    assert {item: edit.text for item, edit in lines(log).items()} == {
        f"s{n:04d}": f"{n}.4" for n in range(20)
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", None, "undo", "redo"]), max_size=14))
def test_the_files_always_say_what_the_log_says(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str | None]
) -> None:
    log = EditLog(EpisodeStore(tmp_path_factory.mktemp("log") / "e"))
    history: list[LineEdit | None] = [None]
    for act in acts:
        try:
            if act == "undo":
                log.undo(language="pt-BR", who="x")
            elif act == "redo":
                log.redo(language="pt-BR", who="x")
            else:
                log.make([text(act)], who="x", action="edit")
        except EditRefused:
            continue
        history.append(lines(log).get("s0001"))
    assert replay(log.events(), PT) == read_edits(log.store, PT)
    while True:
        try:
            log.undo(language="pt-BR", who="x")
        except EditRefused:
            break
    assert lines(log) == {}
    assert len(undone_numbers(log.events())) == sum(not event.undoes for event in log.events())
