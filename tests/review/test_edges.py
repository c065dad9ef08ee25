"""Review where it is easy to go wrong: two people, two languages, new transcripts, shifted subtitles."""

from __future__ import annotations

import csv
import errno
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.episode.context import Context
from dubkit.episode.edits.events import Change
from dubkit.episode.export import export
from dubkit.episode.store import Parts, Record
from dubkit.errors import DiskFull, EditConflict, EditRefused
from dubkit.review.changes import Desk, LineChange
from dubkit.review.files import read_changes
from dubkit.review.history import describe, history
from dubkit.review.lines import Filter, find_lines, review_lines
from dubkit.review.speakers import SpeakerChange, assign, describe_speaker, merge_speakers
from dubkit.types import Line, Segment, Transcript, Translation
from tests.review.test_changes import (
    LINES,
    PT,
    add_language,
    again,
    edits,
    make_episode,
    segments,
    speak,
)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


@pytest.fixture
def desk(context: Context) -> Desk:
    return Desk(context, "ana")


def texts(desk: Desk) -> list[str]:
    return [line.text for line in review_lines(desk.context.fresh())]


def transcribed(desk: Desk, *found: Segment) -> Desk:
    """Give the episode another transcript, translated line by line."""
    store = desk.context.store
    store.write_json("transcript.json", Transcript("en", 1.0, found, "test"))
    lines = tuple(Line(s.id, f"[{s.text}]") for s in found)
    store.write_json("translation.json", Translation(PT, lines), PT)
    return again(desk)


# --- undo -------------------------------------------------------------------------------------


def test_an_undo_takes_back_what_the_same_person_did(desk: Desk) -> None:
    desk.edit("s0002", LineChange(text="A minha"))
    again(desk, "rui").edit("s0001", LineChange(text="O meu"))
    again(desk).undo()
    assert texts(desk)[:2] == ["O meu", LINES[1]]
    with pytest.raises(EditRefused, match=r"nothing of ana to undo; the last change is 2, of rui"):
        again(desk).undo()
    again(desk).undo(2)
    assert texts(desk)[0] == LINES[0]
    with pytest.raises(EditRefused, match="nothing to do again"):
        again(desk, "rui").redo()
    again(desk).redo()
    again(desk).redo()
    assert texts(desk)[:2] == ["O meu", "A minha"]


def test_what_was_taken_back_is_not_made_again_over_what_somebody_did_since(desk: Desk) -> None:
    desk.edit("s0001", LineChange(text="Um"))
    again(desk).undo()
    again(desk, "rui").edit("s0001", LineChange(text="Dois"))
    with pytest.raises(EditConflict, match="Change 1 cannot be made again: change 3 changed text"):
        again(desk).redo()
    assert texts(desk)[0] == "Dois"


def test_an_undo_is_not_undone_but_redone(desk: Desk) -> None:
    desk.edit("s0001", LineChange(text="Um"))
    again(desk).undo()
    with pytest.raises(EditRefused, match="Change 2 took back change 1: redo"):
        again(desk).undo(2)
    again(desk).redo()
    with pytest.raises(EditRefused, match="Change 3 made change 1 again"):
        again(desk).undo(3)
    again(desk).undo(1)
    assert texts(desk)[0] == LINES[0]


def test_an_undo_reaches_no_other_language(desk: Desk) -> None:
    add_language(desk.context, "es")
    desk.edit("s0001", LineChange(text="Oi."))
    spanish = Desk(desk.context.fresh("es"), "ana")
    spanish.edit("s0001", LineChange(text="Hola."))
    with pytest.raises(EditRefused, match="Change 2 is of es: undo it there"):
        again(desk).undo(2)
    assert again(desk).undo().undoes == 1
    assert texts(spanish)[0] == "Hola."


def test_a_speaker_that_has_lines_by_now_does_not_lose_the_name(desk: Desk) -> None:
    assign(desk, ["s0004"], name="Eva")
    assign(again(desk), ["s0003"], "spk3")
    with pytest.raises(EditConflict, match="change 2 changed speaker of s0003 since"):
        again(desk).undo(1)


# --- two at once ------------------------------------------------------------------------------


def test_what_came_and_went_meanwhile_is_no_conflict(desk: Desk) -> None:
    seen = desk.log.last()
    again(desk, "rui").edit("s0001", LineChange(text="Oi."))
    with pytest.raises(EditConflict):
        desk.edit("s0001", LineChange(text="Olá."), seen)
    again(desk, "rui").undo()
    assert desk.edit("s0001", LineChange(text="Olá."), seen)


def test_a_take_chosen_meanwhile_does_not_stop_an_edit_of_the_text(desk: Desk) -> None:
    speak(desk.context)
    seen = desk.log.last()
    again(desk, "rui").choose("s0001", "v001")
    assert again(desk).edit("s0001", LineChange(text="Olá."), seen)
    assert edits(desk)["lines"]["s0001"] == {"text": "Olá."}


def test_a_line_locked_meanwhile_is_not_changed(desk: Desk) -> None:
    speak(desk.context)
    mine = again(desk)
    assert mine.context.placed.lines == {}
    again(desk, "rui").lock(["s0001"])
    with pytest.raises(EditRefused, match="s0001 was locked meanwhile"):
        mine.edit("s0001", LineChange(text="Olá.", end=2.9))
    assert mine.edit("s0001", LineChange(note="warmer"))
    assert again(desk, "rui").unlock(["s0001"])


def test_a_full_disk_is_named_as_such(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith("edits.jsonl"):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        desk.log.make([Change("lines", "s0001", "text", "x", PT)], who="ana", action="edit")


# --- chosen takes and locks -------------------------------------------------------------------


def test_a_changed_source_lets_chosen_takes_go_in_every_language(desk: Desk) -> None:
    add_language(desk.context, "es")
    spanish = Desk(desk.context.fresh("es"), "ana")
    for one in (desk, spanish):
        speak(one.context)
        again(one).choose("s0001", "v001")
        again(one).choose("s0002", "v001")
    again(desk).edit("s0001", LineChange(source="Good evening."))
    assert edits(desk)["lines"].keys() == {"s0002"}
    assert edits(again(spanish), "es")["lines"].keys() == {"s0002"}
    again(desk).undo()
    assert edits(again(spanish), "es")["lines"].keys() == {"s0001", "s0002"}
    assign(again(desk), ["s0002"], "spk1")
    assert "s0002" not in edits(desk)["lines"]
    again(desk).undo()
    merge_speakers(again(desk), ["spk2"], "spk1")
    assert "s0002" not in edits(again(spanish), "es")["lines"]


def test_an_edit_that_changes_nothing_keeps_the_chosen_take(desk: Desk) -> None:
    desk.edit("s0001", LineChange(text="Oi."))
    speak(desk.context)
    again(desk).choose("s0001", "v001")
    assert again(desk).edit("s0001", LineChange(text="Oi.")) is None
    assert again(desk).edit("s0001", LineChange(text="Oi.", note="x"))
    assert edits(desk)["lines"]["s0001"]["takes"] == ["s0001/v001"]


def test_no_take_is_chosen_for_a_line_that_keeps_the_source(desk: Desk) -> None:
    speak(desk.context)
    again(desk).edit("s0001", LineChange(route="keep"))
    clips = desk.context.fresh().clips
    routes = tuple(replace(r, route="keep") if r.line == "s0001" else r for r in clips.routes)
    desk.context.store.write_json("clips.json", replace(clips, routes=routes), PT)
    with pytest.raises(EditRefused, match="keeps the source's sound"):
        again(desk).choose("s0001", "v001")


def test_a_line_that_waits_for_its_translation_or_voice_is_not_locked(desk: Desk) -> None:
    speak(desk.context)
    store = desk.context.store
    store.save_record(Record("s0003", "older", Parts("translate", 1)), PT)
    with pytest.raises(EditRefused, match="s0003 cannot be locked: its take is not up to date"):
        again(desk).lock(["s0003"])
    describe_speaker(again(desk), "spk1", SpeakerChange(voice="jm_kumo"))
    with pytest.raises(EditRefused, match="the voice of spk1 will be “jm_kumo”"):
        again(desk).lock(["s0001"])
    assert again(desk).lock(["s0002"])
    describe_speaker(again(desk), "spk1", SpeakerChange(voice=""))
    assert again(desk).lock(["s0001"])


def test_a_conflict_or_failure_is_looked_at_whoever_accepted_the_line(desk: Desk) -> None:
    speak(desk.context)
    desk.lock(["s0001"])
    again(desk).accept(["s0001", "s0002"])
    changed = tuple(replace(s, text="Good evening.") if s.id == "s0001" else s for s in segments())
    desk.context.store.write_json("transcript.json", Transcript("en", 1.0, changed, "test"))
    desk.context.store.save_record(Record("s0002", "k", Parts("speak", 1), error="no voice"), PT)
    flagged = [line.id for line in review_lines(desk.context.fresh()) if Filter(flagged=True).takes(line)]
    assert flagged == ["s0001", "s0002", "s0004"]


# --- another transcript -----------------------------------------------------------------------


def test_messages_and_history_name_lines_as_they_are_numbered_today(desk: Desk) -> None:
    desk.edit("s0004", LineChange(text="Adeus"))
    last = segments()[3]
    now = transcribed(desk, replace(last, id="s0003"), Segment("s0004", 12.5, 13.5, "spk1", "Wait."))
    event = now.edit("s0003", LineChange(text="Tchau"))
    assert event is not None
    homes = again(now).context.placed.homes
    assert describe(event, homes) == "edit: s0003 text “Adeus” → “Tchau”"
    again(now).edit("s0004", LineChange(text="Espere"))
    assert [row.text for row in history(again(now).context)] == [
        "edit: s0004 text as made → “Espere”",
        "edit: s0003 text “Adeus” → “Tchau”",
        "edit: s0003 text as made → “Adeus”",
    ]
    assert texts(now) == ["Tchau", "Espere"]


def test_an_undo_after_a_new_transcript_does_not_land_on_another_line(desk: Desk) -> None:
    desk.edit("s0004", LineChange(text="Adeus"))
    again(desk).undo()
    now = transcribed(desk, replace(segments()[3], id="s0003"), Segment("s0004", 12.5, 13.5, "spk1", "Wait."))
    now.edit("s0004", LineChange(note="loud"))
    again(now).undo()
    again(now).redo()
    again(now).undo()
    with pytest.raises(EditRefused, match="taken back already"):
        again(now).undo(1)
    assert now.edit("s0004", LineChange(text="Espere"))
    assert texts(now) == ["[Goodbye.]", "Espere"]


def test_edited_times_that_no_longer_fit_stop_nothing(desk: Desk) -> None:
    desk.edit("s0002", LineChange(start=5.5))
    second = segments()[1]
    now = transcribed(desk, replace(second, id="s0001", end=5.4))
    shown = review_lines(now.context)[0]
    assert (shown.start, shown.end) == (4.0, 5.4)
    assert any("times of s0001" in remark for remark in now.context.placed.remarks)
    assert now.edit("s0001", LineChange(clear=frozenset({"start"})))
    assert again(now).context.placed.remarks == ()


def test_an_edit_that_lost_its_line_to_another_leaves_the_line_workable(desk: Desk) -> None:
    speak(desk.context)
    desk.edit("s0001", LineChange(text="Um"))
    again(desk).lock(["s0002"])
    now = transcribed(desk, Segment("s0001", 1.0, 6.0, "spk1", "Good morning. My name is Ana."))
    assert review_lines(now.context)[0].locked
    assert any("edit of s0001 comes to s0001" in remark for remark in now.context.placed.remarks)
    now.unlock(["s0001"])
    again(now).edit("s0001", LineChange(text="Tudo"))
    assert texts(now) == ["Tudo"]


# --- what people type -------------------------------------------------------------------------


def test_text_of_a_terminal_that_is_not_utf_8_is_refused(desk: Desk) -> None:
    with pytest.raises(EditRefused, match="s0001: text is not UTF-8 from character 4 on"):
        desk.edit("s0001", LineChange(text="caf\udce9"))
    with pytest.raises(EditRefused, match="spk1: name is not UTF-8"):
        describe_speaker(desk, "spk1", SpeakerChange(name="Jos\udce9"))
    with pytest.raises(EditRefused, match="name is not UTF-8"):
        assign(desk, ["s0001"], name="Jos\udce9")


def test_a_number_of_thousands_of_digits_is_no_line(context: Context) -> None:
    with pytest.raises(EditRefused, match="There is no line 999"):
        find_lines(context, ["9" * 5000])


# --- files ------------------------------------------------------------------------------------


def subtitles(context: Context, tmp_path: Path) -> tuple[Path, list[str]]:
    """Return a file of the first three lines, and its cues as blocks."""
    file = tmp_path / "lines.srt"
    file.write_bytes(export(context.fresh(), PT, "srt"))
    return file, file.read_text("utf-8").strip().split("\n\n")


def saved(file: Path, blocks: list[str]) -> Path:
    file.write_text("\n\n".join(blocks) + "\n", "utf-8")
    return file


@pytest.fixture
def overlapping(context: Context) -> Context:
    """Lines 1 and 2 speak at nearly the same time."""
    first, second, *rest = segments()
    both = (replace(first, start=2.556, end=6.3), replace(second, start=2.6, end=6.244))
    context.store.write_json("transcript.json", Transcript("en", 1.0, (*both, *rest), "test"))
    return context.fresh()


def test_a_cue_belongs_to_one_line_only(overlapping: Context, tmp_path: Path) -> None:
    file, blocks = subtitles(overlapping, tmp_path)
    assert read_changes(overlapping, saved(file, blocks[:-1])) == {}
    assert read_changes(overlapping, saved(file, [blocks[0], blocks[2]])) == {}


def test_a_moved_cue_does_not_swap_lines(overlapping: Context, tmp_path: Path) -> None:
    file, blocks = subtitles(overlapping, tmp_path)
    moved = [blocks[0].replace("02,556", "02,700"), *blocks[1:]]
    wanted = {"s0001": LineChange(start=2.7)}
    for order in (moved, [moved[1], moved[0], moved[2]]):
        assert read_changes(overlapping, saved(file, order)) == wanted


def test_a_deleted_and_a_split_cue_shift_no_line(context: Context, tmp_path: Path) -> None:
    file, blocks = subtitles(context, tmp_path)
    halves = [
        "3\n00:00:07,000 --> 00:00:08,000\nEu vivo",
        "4\n00:00:08,000 --> 00:00:09,000\naqui há anos.",
    ]
    found = read_changes(context, saved(file, [blocks[1], *halves]))
    assert found == {"s0003": LineChange(text="Eu vivo aqui há anos.")}


def test_cues_moved_by_any_time_keep_their_lines(context: Context, tmp_path: Path) -> None:
    file, blocks = subtitles(context, tmp_path)
    later = [block.replace("00:00:0", "00:00:1", 2) for block in blocks]
    found = read_changes(context, saved(file, later))
    assert found == {
        "s0001": LineChange(start=11.0, end=13.0),
        "s0002": LineChange(start=14.0, end=16.0),
        "s0003": LineChange(start=17.0, end=19.0),
    }
    both = [later[0].replace("Bom dia", "Boa noite"), *later[1:]]
    with pytest.raises(EditRefused, match=r"cue 1 \(11.000 to 13.000 s\): no line is spoken there"):
        read_changes(context, saved(file, both))


def test_an_empty_time_takes_its_edit_back_and_names_are_found(context: Context, tmp_path: Path) -> None:
    Desk(context, "ana").edit("s0002", LineChange(end=5.7))
    context = context.fresh()
    table = list(csv.DictReader(io.StringIO(export(context, PT, "csv").decode())))
    table[0] |= {"start": "", "speaker": "bo"}
    table[1] |= {"start": " ", "end": ""}
    file = tmp_path / "lines.csv"

    def write() -> Path:
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
        return file

    assert read_changes(context, write()) == {
        "s0001": LineChange(speaker="spk2"),
        "s0002": LineChange(clear=frozenset({"end"})),
    }
    table[2] |= {"speaker": "Eva"}
    with pytest.raises(
        EditRefused, match=r"lines\.csv row 4: There is no speaker Eva; there are spk1 \(Ana\)"
    ):
        read_changes(context, write())
