"""Hand edits: read strictly, follow their moment, never dropped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dubkit.episode.edits import (
    Anchor,
    Edits,
    LineEdit,
    Lock,
    SegmentEdit,
    edit_fields,
    edited_line,
    edited_segment,
    note_anchors,
    place,
    read_anchors,
    read_edits,
)
from dubkit.episode.store import EpisodeStore
from dubkit.errors import ArtifactDamaged
from dubkit.types import Line, Segment, Word


def segment(number: int, start: float, end: float, text: str = "Hi.") -> Segment:
    return Segment(f"s{number:04d}", start, end, "spk1", text, (Word(start, end, text),))


def write(store: EpisodeStore, table: object, language: str = "") -> None:
    path = store.path("edits.json", language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table))


def test_no_file_is_no_edits(tmp_path: Path) -> None:
    assert read_edits(EpisodeStore(tmp_path)) == Edits()


def test_edits_of_a_language_are_read(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    write(store, {"version": 1, "lines": {"s0001": {"text": "Olá", "note": "warmer"}}}, "pt-BR")
    assert read_edits(store, "pt-BR").lines == {"s0001": LineEdit(text="Olá", note="warmer")}
    assert edit_fields(LineEdit(text="Olá", note="warmer")) == {"text": "Olá"}


@pytest.mark.parametrize(
    ("table", "place_named"),
    [
        ({"line": {}}, "line"),
        ({"lines": {"s0001": {"txt": "Olá"}}}, r"lines\.s0001\.txt"),
        ({"lines": {"s0001": {"text": 3}}}, r"lines"),
        ({"lines": {"s0001": {"route": "sing"}}}, r"lines"),
        ({"segments": {"s0001": {"start": -1}}}, r"segments"),
    ],
)
def test_a_misspelt_edit_is_refused_with_its_place(tmp_path: Path, table: object, place_named: str) -> None:
    store = EpisodeStore(tmp_path)
    write(store, table)
    with pytest.raises(ArtifactDamaged, match=rf"edits\.json at \$?\.?{place_named}"):
        read_edits(store)


def test_broken_json_is_refused_with_the_form_it_should_have(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    store.path("edits.json").write_text('{"lines": ')
    with pytest.raises(ArtifactDamaged, match="Its form is"):
        read_edits(store)


def test_an_edit_follows_its_moment_when_segments_are_numbered_anew() -> None:
    edits = Edits(lines={"s0002": LineEdit(text="Olá")})
    moved = [segment(1, 0.0, 1.0), segment(2, 1.2, 1.8), segment(3, 2.0, 4.0)]
    placed = place(Edits(), edits, moved, {"s0002": Anchor(2.0, 3.9)})
    assert list(placed.lines) == ["s0003"]
    assert placed.orphans == ()


def test_an_edit_whose_moment_is_gone_is_reported() -> None:
    edits = Edits(lines={"s0002": LineEdit(text="Olá")})
    placed = place(Edits(), edits, [segment(2, 30.0, 31.0)], {"s0002": Anchor(2.0, 4.0)})
    assert placed.lines == {}
    assert placed.orphans == ("s0002",)


def test_an_edit_seen_for_the_first_time_belongs_to_its_number() -> None:
    edits = Edits(segments={"s0001": SegmentEdit(text="x"), "s0009": SegmentEdit(text="y")})
    placed = place(edits, Edits(), [segment(1, 0, 1)], {})
    assert list(placed.segments) == ["s0001"]
    assert placed.orphans == ("s0009",)


def test_the_moment_of_an_edit_is_noted_once(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    note_anchors(store, ["s0001", "s0007"], [segment(1, 1.0, 2.0)])
    note_anchors(store, ["s0001"], [segment(1, 5.0, 6.0)])
    assert read_anchors(store) == {"s0001": Anchor(1.0, 2.0)}


def test_edited_text_drops_words_that_are_no_longer_there() -> None:
    before = segment(1, 0.0, 1.0, "Hello.")
    after = edited_segment(before, SegmentEdit(text="Goodbye.", speaker="spk2"))
    assert (after.text, after.speaker, after.words) == ("Goodbye.", "spk2", ())
    assert edited_segment(before, SegmentEdit(speaker="spk2")).words == before.words
    assert edited_segment(before, None) is before


def test_a_segment_cannot_end_before_it_starts(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    write(store, {"segments": {"s0001": {"start": 3.0, "end": 2.0}}})
    with pytest.raises(ArtifactDamaged, match=r"edits\.json at segments\.s0001\.end(.|\n)*\"segments\""):
        read_edits(store)


def test_times_that_no_longer_fit_their_segment_are_told_and_change_nothing() -> None:
    edits = Edits(segments={"s0004": SegmentEdit(start=8.3, text="Hi")})
    placed = place(edits, Edits(), [segment(3, 7.61, 8.29)], {"s0004": Anchor(7.61, 8.58)})
    assert placed.segments == {"s0003": SegmentEdit(text="Hi")}
    assert "times of s0003" in placed.remarks[0]


def test_of_two_edits_that_come_to_one_segment_one_counts_and_the_other_is_told() -> None:
    anchors = {"s0001": Anchor(0.0, 1.0), "s0002": Anchor(1.0, 3.0)}
    both = Edits(lines={"s0001": LineEdit(text="Um"), "s0002": LineEdit(text="Dois")})
    one = [segment(1, 0.0, 3.0)]
    placed = place(Edits(), both, one, anchors)
    assert placed.lines == {"s0001": LineEdit(text="Dois")}
    assert placed.line_names == {"s0001": "s0002"}
    assert placed.remarks[0].startswith("The edit of s0001 comes to s0001 now")
    lock = Lock("Um", "voice", "Hi.", "spk1", 0.0, 1.0)
    locked = Edits(lines={"s0001": LineEdit(lock=lock), "s0002": LineEdit(text="Dois")})
    assert place(Edits(), locked, one, anchors).line_names == {"s0001": "s0001"}
    # Each file for itself: what lost in one may count in the other.
    shared = Edits(segments={"s0001": SegmentEdit(text="Hello")})
    placed = place(shared, both, one, anchors)
    assert (placed.segment_names, placed.line_names) == ({"s0001": "s0001"}, {"s0001": "s0002"})


def test_an_edit_of_a_segment_without_length_keeps_its_place() -> None:
    edits = Edits(lines={"s0004": LineEdit(text="cinco")})
    for segments in ([segment(4, 7.612, 7.612)], [segment(3, 0.0, 7.612), segment(5, 7.612, 7.612)]):
        placed = place(Edits(), edits, segments, {"s0004": Anchor(7.612, 7.612)})
        assert len(placed.lines) == 1
    assert place(Edits(), edits, [segment(4, 9.0, 9.5)], {"s0004": Anchor(7.612, 7.612)}).lines == {}


def test_a_text_that_was_written_for_two_segments_is_told() -> None:
    edits = Edits(lines={"s0001": LineEdit(text="Tudo")})
    halves = [segment(1, 0.0, 2.2), segment(2, 2.3, 4.0)]
    placed = place(Edits(), edits, halves, {"s0001": Anchor(0.0, 4.0)})
    assert "0.00 to 4.00 s, where s0002 speaks now too" in placed.remarks[0]
    inside = [segment(1, 0.0, 4.0), segment(2, 1.0, 1.5)]
    assert place(Edits(), edits, inside, {"s0001": Anchor(0.0, 4.0)}).remarks == ()


def test_a_line_written_by_a_person_carries_no_warning() -> None:
    line = Line("s0001", "", flags=("refused",))
    changed = edited_line(line, LineEdit(text="Olá", route="keep"), segment(1, 0.0, 1.0))
    assert (changed.text, changed.route, changed.flags, changed.provider) == ("Olá", "keep", (), "edited")
    assert edited_line(line, None, segment(1, 0.0, 1.0)) is line
