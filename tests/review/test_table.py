"""All lines in a file: out and back unchanged, changed exactly, refused with the row."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.episode.context import Context
from dubkit.episode.export import export
from dubkit.errors import EditRefused
from dubkit.review.changes import Desk, LineChange
from dubkit.review.files import read_changes
from dubkit.review.lines import review_lines
from dubkit.types import Clips, LineRoute, Transcript, Translation
from tests.review.test_changes import PT, again, make_episode, segments, speak


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


def written(context: Context, tmp_path: Path, kind: str) -> Path:
    file = tmp_path / f"lines.{kind}"
    file.write_bytes(export(context.fresh(), PT, kind))
    return file


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8"))))


def write(file: Path, table: list[dict[str, str]], delimiter: str = ",") -> Path:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(table)
    return file


def set_texts(context: Context, *texts: str) -> None:
    lines = tuple(replace(line, text=t) for line, t in zip(context.translation.lines, texts, strict=True))
    context.store.write_json("translation.json", Translation(PT, lines), PT)


@pytest.mark.parametrize("kind", ["csv", "srt", "vtt"])
def test_a_file_that_nobody_changed_changes_nothing(context: Context, tmp_path: Path, kind: str) -> None:
    odd = 'Ele {disse} "<i>não</i>", & foi;\tembora' + " e mais" * 12
    set_texts(context, odd, "=1+1", "a\u00a0b  c", "")
    moved = tuple(replace(s, start=s.start + 0.00049, end=s.end - 0.00049) for s in segments())
    context.store.write_json("transcript.json", Transcript("en", 1.0, moved, "test"))
    Desk(context.fresh(), "ana").edit("s0002", LineChange(text="x, y", route="voice", note="z"))
    assert read_changes(context.fresh(), written(context, tmp_path, kind)) == {}


def test_subtitles_as_another_program_saves_them_change_nothing(context: Context, tmp_path: Path) -> None:
    import pysubs2

    pysubs2.load(str(written(context, tmp_path, "srt"))).save(str(tmp_path / "lines.ass"))
    assert read_changes(context, tmp_path / "lines.ass") == {}
    plain = (tmp_path / "lines.srt").read_text("utf-8")
    saved = [("utf-8-sig", "\r\n"), ("utf-16", "\n"), ("cp1252", "\n"), ("utf-8", "\r\r\n"), ("utf-8", "\r")]
    for encoding, ends in [*saved, ("utf-8", "\n\n"), ("utf-8", "\x85")]:
        (tmp_path / "saved.srt").write_bytes(plain.replace("\n", ends).encode(encoding))
        assert read_changes(context, tmp_path / "saved.srt") == {}


def test_what_is_changed_in_a_table_comes_back_exactly(context: Context, tmp_path: Path) -> None:
    file = written(context, tmp_path, "csv")
    table = rows(file)
    table[0] |= {"text": "Bom, dia — “Ana”", "start": "1.001"}
    table[1] |= {"source": "My name is Anna.", "speaker": "spk1"}
    table[2] |= {"route": "keep", "end": "8.9994999"}
    found = read_changes(context, write(file, table))
    assert found == {
        "s0001": LineChange(text="Bom, dia — “Ana”", start=1.001),
        "s0002": LineChange(source="My name is Anna.", speaker="spk1"),
        "s0003": LineChange(route="keep"),
    }
    Desk(context, "ana").edit_all(found)
    lines = review_lines(context.fresh())
    assert (lines[0].text, lines[0].start, lines[1].source, lines[1].speaker) == (
        "Bom, dia — “Ana”",
        1.001,
        "My name is Anna.",
        "spk1",
    )
    assert set(read_changes(context.fresh(), file)) <= {"s0003"}  # its route is planned with the next run


def test_semicolons_and_decimal_commas_of_a_spreadsheet_are_understood(
    context: Context, tmp_path: Path
) -> None:
    table = rows(written(context, tmp_path, "csv"))
    for row in table:
        row["start"] = row["start"].replace(".", ",")
    table[1]["start"] = "4,25"
    file = write(tmp_path / "own.csv", table, ";")
    assert read_changes(context, file) == {"s0002": LineChange(start=4.25)}


def test_columns_of_ones_own_are_read_and_an_empty_cell_takes_an_edit_back(
    context: Context, tmp_path: Path
) -> None:
    Desk(context, "ana").edit("s0001", LineChange(note="old", text="Oi."))
    file = tmp_path / "own.csv"
    file.write_text("ID, Note ,voice,text,remark\ns0001,,jm_kumo,,x\ns0003,new\n")
    found = read_changes(context.fresh(), file)
    assert found == {"s0001": LineChange(note="", voice="jm_kumo", text=""), "s0003": LineChange(note="new")}
    Desk(context.fresh(), "ana").edit_all(found)
    first = review_lines(context.fresh())[0]
    assert (first.note, first.text, first.voice) == ("", "Bom dia.", "jm_kumo")


def test_the_way_a_line_goes_by_itself_is_no_change(context: Context, tmp_path: Path) -> None:
    file = written(context, tmp_path, "csv")
    context.store.write_json(
        "clips.json", Clips("justdubit", (), (LineRoute("s0001", "lipdub", "a face"),)), PT
    )
    assert read_changes(context.fresh(), file) == {}


def test_changed_subtitles_come_back_exactly(context: Context, tmp_path: Path) -> None:
    file = written(context, tmp_path, "srt")
    text = file.read_text("utf-8").replace("Bom dia.", "Bom\ndia, <b>Ana</b>.")
    file.write_text(text.replace("00:00:04,000 --> 00:00:06,000", "00:00:04,001 --> 00:00:05,500"), "utf-8")
    assert read_changes(context, file) == {
        "s0001": LineChange(text="Bom dia, Ana."),
        "s0002": LineChange(start=4.001, end=5.5),
    }


def test_split_and_missing_subtitles_are_found_by_time(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "own.srt"
    file.write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nBom\n\n2\n00:00:02,000 --> 00:00:03,000\nDIA.\n\n"
        "3\n00:00:04,000 --> 00:00:05,000\nMeu nome\n\n4\n00:00:05,000 --> 00:00:06,000\né Ana.\n\n"
    )
    assert read_changes(context, file) == {"s0001": LineChange(text="Bom DIA.")}


def cue(start: str, end: str) -> str:
    return f"1\n00:00:{start} --> 00:00:{end}\nx\n"


REFUSED: list[tuple[str, bytes, str]] = [
    ("a.csv", b"id,text\ns0001,a\ns0042,b\n", "row 3: there is no line 's0042'"),
    ("a.csv", b"id,text\n,a\n", "row 2: there is no line ''"),
    ("a.csv", b"id,text\ns0001,a\ns0001,b\n", "row 3: s0001 is already in row 2"),
    ("a.csv", b"id,start\ns0001,soon\n", "row 2: start 'soon' is not a number"),
    ("a.csv", b"id,end\ns0001,inf\n", "row 2: end 'inf' is not a time"),
    ("a.csv", b"id,end\ns0001,-1\n", "row 2: end '-1' is not a time"),
    ("a.csv", b"text,start\na,1\n", "no column id"),
    ("a.csv", b"", "no column id"),
    ("a.csv", b"id,text\ns0001,a\ns0002,\x81\x8d\n", "a.csv: It is not UTF-8"),
    ("a.csv", b'id,text\ns0001,"a\n', "cannot be read as a table"),
    ("a.srt", b"1\n00:00:01,000 --> 00:00:02,000\n\x81\x8d\n", "line 3: this is not UTF-8"),
    ("a.srt", cue("01,000", "03,000").encode() + b"\n2\n00:04,0 --> soon\ny\n", "line 6: .*left out: “y”"),
    ("a.srt", cue("20,000", "21,000").encode(), "cue 1 .*no line is spoken there"),
    ("a.srt", b"1\n00:00:01,000 --> soon\nx\n", "line 2"),
    ("a.srt", cue("03,000", "01,000").encode(), "line 2"),
    ("a.xlsx", b"PK", "takes .csv, .srt"),
    ("a", b"", "takes .csv"),
]


@pytest.mark.parametrize(("name", "content", "said"), REFUSED)
def test_a_file_that_cannot_be_meant_is_refused_with_its_place(
    context: Context, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(EditRefused, match=said):
        read_changes(context, file)


def test_a_file_that_is_not_there_is_named(context: Context, tmp_path: Path) -> None:
    with pytest.raises(EditRefused, match=r"gone\.csv: cannot be read \(no such file"):
        read_changes(context, tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"end": "0.5"}, "cannot end"),
        ({"speaker": "spk9"}, "no speaker spk9"),
        ({"route": "sing"}, "route cannot be"),
        ({"text": "x" * 6000}, "6000 characters"),
    ],
)
def test_one_bad_row_keeps_the_others_from_being_made(
    context: Context, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    file = written(context, tmp_path, "csv")
    table = rows(file)
    table[0]["text"] = "good"
    table[1] |= change
    desk = Desk(context, "ana")
    with pytest.raises(EditRefused, match=said):
        desk.edit_all(read_changes(context, write(file, table)))
    assert desk.log.events() == ()


def test_a_changed_row_of_a_locked_line_is_refused_and_an_unchanged_one_is_not(
    context: Context, tmp_path: Path
) -> None:
    speak(context)
    desk = Desk(context, "ana")
    desk.lock(["s0001"])
    file = written(context, tmp_path, "csv")
    table = rows(file)
    table[1]["text"] = "Sou a Ana."
    again(desk).edit_all(read_changes(context.fresh(), write(file, table)))
    table[0]["text"] = "Oi."
    with pytest.raises(EditRefused, match="s0001 is locked"):
        again(desk).edit_all(read_changes(context.fresh(), write(file, table)))
