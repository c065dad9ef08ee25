"""What a person does to lines: all of it, or nothing; nothing that could not be read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.chain.plan import find_todo
from dubkit.chain.sink import StoreSink
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore, Parts, Record, pretty
from dubkit.errors import EditConflict, EditRefused
from dubkit.models.store import ModelStore
from dubkit.progress import Silent
from dubkit.review.changes import Desk, LineChange
from dubkit.review.history import history
from dubkit.review.lines import review_lines
from dubkit.review.takes import line_takes
from dubkit.studio import chain
from dubkit.types import (
    AudioStream,
    Cast,
    Clip,
    Clips,
    Diarization,
    DubbedClip,
    Episode,
    Fit,
    Line,
    LineRoute,
    Route,
    Segment,
    Speaker,
    SpokenLine,
    Transcript,
    Translation,
    Turn,
)

TEXTS = ("Good morning.", "My name is Ana.", "I live here.", "Goodbye.")
LINES = ("Bom dia.", "Meu nome é Ana.", "Eu moro aqui.", "")
PT = "pt-BR"


def segments(first: int = 1, count: int = 4) -> tuple[Segment, ...]:
    """Lines of two people, two seconds each with a second between."""
    return tuple(
        Segment(f"s{n:04d}", 3.0 * k + 1, 3.0 * k + 3, f"spk{1 + k % 2}", TEXTS[k])
        for k, n in enumerate(range(first, first + count))
    )


def make_episode(folder: Path) -> Context:
    """Write an episode of four lines, the last of them untranslated, in a language; nothing is spoken yet."""
    store = EpisodeStore(folder / "Output/ep")
    source = folder / "ep.mp4"
    source.write_bytes(b"x" * 1000)
    track = AudioStream(0, 1, "aac", 48000, 2, "stereo")
    store.write_json(
        "episode.json",
        Episode("ep", "0" * 64, "mp4", 14, None, (track,), (), 1, 2, 14 * 48_000),  # type: ignore[arg-type]
    )
    turns = tuple(Turn(s.start, s.end, s.speaker) for s in segments())
    store.write_json("diarization.json", Diarization(turns, "import", {}))
    store.write_json("transcript.json", Transcript("en", 1.0, segments(), "test"))
    context = Context(store, Settings(), source, "0" * 64, ModelStore(folder / "models"), PT)
    add_language(context, PT)
    return context


def add_language(context: Context, language: str) -> None:
    store = context.store
    lines = tuple(
        Line(s.id, text, flags=() if text else ("untranslated",))
        for s, text in zip(segments(), LINES, strict=True)
    )
    store.write_json("translation.json", Translation(language, lines), language)
    cast = (
        Speaker("spk1", "Ana", "The young woman", False, 200.0, -20.0, "a"),
        Speaker("spk2", "Bo", "The man", True, 100.0, -20.0, "b"),
    )
    store.write_json("cast.json", Cast(language, cast), language)
    routes = tuple(LineRoute(line.id, "voice", "the voice engine") for line in lines)
    store.write_json("clips.json", Clips("voice", (), routes), language)


def speak(context: Context, *lines: str) -> None:
    """Leave a take of every line that is due, as the stage would."""
    stage = chain().find("speak", "test")
    here = context.fresh()
    due = {t.item.id: t.parts for t in find_todo(stage, here, stage.items(here), False)}
    sink = StoreSink(here, due, Silent(), here.language)
    for segment, line in here.lines:
        if line.id not in due or (lines and line.id not in lines):
            continue
        with sink.take(line.id) as take:
            (take.folder / "speech.wav").write_bytes(line.text.encode())
            edit = here.placed.lines.get(line.id)
            take.value = SpokenLine(
                line.id, "test", "a", round(segment.start * 48_000), 96_000, 1.0, "fits", (), line.text,
                edit.seed if edit else None,
            )  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


@pytest.fixture
def desk(context: Context) -> Desk:
    return Desk(context, "ana")


def again(desk: Desk, who: str = "ana") -> Desk:
    """Come back to the desk: everything is read anew."""
    return Desk(desk.context.fresh(), who)


def edits(desk: Desk, language: str = PT) -> dict[str, dict[str, dict[str, object]]]:
    path = desk.context.store.path("edits.json", language)
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def files(desk: Desk) -> dict[str, bytes]:
    """Return the files of the episode but for locks."""
    found: Iterator[Path] = (p for p in desk.context.store.root.rglob("*") if p.is_file())
    return {str(p): p.read_bytes() for p in found if p.suffix != ".lock"}


# --- edits ------------------------------------------------------------------------------------


def test_fields_of_a_line_go_to_the_language_and_those_of_its_source_to_all(desk: Desk) -> None:
    change = LineChange(
        "Oi.", "Morning.", "spk2", 1.25, 2.75, "voice", "jm_kumo", "in a whisper", "calmer", True
    )
    desk.edit("s0001", change)
    assert edits(desk)["lines"]["s0001"] == {
        "text": "Oi.",
        "route": "voice",
        "voice": "jm_kumo",
        "note": "calmer",
        "delivery": "in a whisper",
        "accepted": True,
    }
    assert edits(desk, "")["segments"]["s0001"] == {
        "text": "Morning.",
        "speaker": "spk2",
        "start": 1.25,
        "end": 2.75,
    }


def test_a_text_becomes_one_visible_line(desk: Desk) -> None:
    desk.edit("s0001", LineChange(text="  Bom\r\n\tdia,\x00 \u202eAna\u202c. "))
    assert edits(desk)["lines"]["s0001"]["text"] == "Bom dia, Ana ."


@pytest.mark.parametrize(
    ("line", "change", "said"),
    [
        ("s0009", LineChange(text="x"), "no line s0009 in pt-BR"),
        ("s0001", LineChange(speaker="spk9"), "no speaker spk9; there are spk1, spk2"),
        ("s0001", LineChange(start=2.5, end=2.0), "cannot end at 2.0 s and start at 2.5 s"),
        ("s0001", LineChange(end=0.5), "cannot end at 0.5 s and start at 1.0 s"),
        ("s0001", LineChange(start=-1.0), "start -1.0 s is not in the episode"),
        ("s0001", LineChange(end=15.0), "not in the episode \\(0 to 14.000 s\\)"),
        ("s0001", LineChange(end=float("nan")), "not in the episode"),
        ("s0001", LineChange(text="x" * 5001), "5001 characters"),
        ("s0001", LineChange(route="sing"), "route cannot be 'sing'"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing_behind(
    desk: Desk, line: str, change: LineChange, said: str
) -> None:
    with pytest.raises(EditRefused, match=said):
        desk.edit(line, change)
    assert (edits(desk), edits(desk, ""), desk.log.events()) == ({}, {}, ())


def test_many_lines_are_changed_together_or_not_at_all(desk: Desk) -> None:
    with pytest.raises(EditRefused):
        desk.edit_all({"s0001": LineChange(text="a"), "s0002": LineChange(end=99.0)})
    assert desk.log.events() == ()
    event = desk.edit_all({"s0001": LineChange(text="a"), "s0002": LineChange(end=6.5)})
    assert event is not None
    assert len(event.changes) == 2
    assert desk.edit_all({"s0001": LineChange(text="a")}) is None


@pytest.mark.parametrize("field", ["text", "route", "voice", "delivery", "note", "source", "start", "end"])
def test_an_edit_of_any_field_is_taken_back(desk: Desk, field: str) -> None:
    values = {"route": "keep", "start": 1.5, "end": 2.5, "voice": "jm_kumo"}
    desk.edit("s0001", LineChange(**{field: values.get(field, "x")}))  # type: ignore[arg-type]
    assert edits(desk) or edits(desk, "")
    again(desk).edit("s0001", LineChange(clear=frozenset({field})))
    assert (edits(desk), edits(desk, "")) == ({}, {})


def test_taking_one_time_back_must_leave_a_line_that_can_be(desk: Desk) -> None:
    desk.edit("s0001", LineChange(start=5.0, end=6.0))
    with pytest.raises(EditRefused, match=r"cannot end at 3\.0 s and start at 5\.0 s"):
        again(desk).edit("s0001", LineChange(clear=frozenset({"end"})))
    again(desk).edit("s0001", LineChange(clear=frozenset({"start", "end"})))
    assert desk.context.fresh().segments == segments()


def test_an_undo_must_leave_lines_that_can_be(desk: Desk) -> None:
    desk.edit("s0001", LineChange(end=9.0))
    again(desk).edit("s0001", LineChange(start=5.0))
    with pytest.raises(EditRefused, match="Change 1 cannot be undone: the times of s0001"):
        again(desk).undo(1)
    again(desk).undo()
    again(desk).undo()
    assert desk.context.fresh().segments == segments()


def test_a_change_somebody_made_meanwhile_is_not_overwritten(desk: Desk) -> None:
    seen = desk.log.last()
    again(desk, "rui").edit("s0001", LineChange(text="rui's"))
    with pytest.raises(EditConflict, match="rui changed text of s0001 meanwhile"):
        desk.edit("s0001", LineChange(text="ana's"), seen)


def test_an_edit_follows_its_moment_into_a_new_transcript(desk: Desk) -> None:
    desk.edit("s0002", LineChange(text="Sou a Ana."))
    store = desk.context.store
    store.write_json("transcript.json", Transcript("en", 1.0, segments(3), "test"))
    lines = tuple(Line(s.id, text) for s, text in zip(segments(3), LINES, strict=True))
    store.write_json("translation.json", Translation(PT, lines), PT)
    now = again(desk)
    assert {line.id: line.text for line in review_lines(now.context)}["s0004"] == "Sou a Ana."
    now.edit("s0004", LineChange(note="still Ana"))
    assert edits(desk)["lines"] == {"s0002": {"text": "Sou a Ana.", "note": "still Ana"}}
    again(desk).edit("s0003", LineChange(text="Olá."))
    assert edits(desk)["lines"]["s0003"] == {"text": "Olá."}
    texts = {line.id: line.text for line in review_lines(desk.context.fresh())}
    assert (texts["s0003"], texts["s0004"]) == ("Olá.", "Sou a Ana.")


def test_an_old_number_that_belongs_to_another_line_now_gets_a_name_beside_it(desk: Desk) -> None:
    desk.edit("s0003", LineChange(text="Aqui."))
    store = desk.context.store
    store.write_json("transcript.json", Transcript("en", 1.0, segments(3), "test"))
    lines = tuple(Line(s.id, text) for s, text in zip(segments(3), LINES, strict=True))
    store.write_json("translation.json", Translation(PT, lines), PT)
    again(desk).edit("s0003", LineChange(text="Olá."))  # what s0003 was is s0005 now
    assert edits(desk)["lines"] == {"s0003": {"text": "Aqui."}, "s0003.2": {"text": "Olá."}}
    texts = {line.id: line.text for line in review_lines(desk.context.fresh())}
    assert (texts["s0003"], texts["s0005"]) == ("Olá.", "Aqui.")
    seeds, _ = again(desk).seed_changes(["s0004"])
    assert again(desk).after(seeds).placed.lines["s0004"].seed is not None


# --- locks ------------------------------------------------------------------------------------


def test_only_a_line_whose_take_is_up_to_date_can_be_locked(desk: Desk) -> None:
    with pytest.raises(EditRefused, match=r"s0001 cannot be locked: .* \(missing\)"):
        desk.lock(["s0001"])
    speak(desk.context)
    desk.edit("s0001", LineChange(text="Oi."))
    with pytest.raises(EditRefused, match="edited: text"):
        again(desk).lock(["s0002", "s0001"])
    assert "s0002" not in edits(desk)["lines"]


def test_a_locked_line_refuses_changes_but_remarks(desk: Desk) -> None:
    speak(desk.context)
    desk.lock(["s0001"])
    now = again(desk)
    for change in (LineChange(text="x"), LineChange(start=1.1), LineChange(clear=frozenset({"text"}))):
        with pytest.raises(EditRefused, match=r"s0001 is locked\. Unlock it first"):
            now.edit("s0001", change)
    with pytest.raises(EditRefused, match="locked"):
        now.choose("s0001", "v001")
    with pytest.raises(EditRefused, match="locked"):
        now.new_seeds(["s0001"])
    now.edit("s0001", LineChange(note="good", accepted=True))
    assert again(desk).lock(["s0001"]) is None
    again(desk).unlock(["s0001"])
    again(desk).edit("s0001", LineChange(text="x"))
    assert edits(desk)["lines"]["s0001"]["text"] == "x"


def test_a_changed_source_under_a_lock_is_shown_and_changes_nothing(desk: Desk) -> None:
    speak(desk.context)
    desk.lock(["s0001"])
    changed = tuple(replace(s, text="Good evening.") if s.id == "s0001" else s for s in segments())
    desk.context.store.write_json("transcript.json", Transcript("en", 1.0, changed, "test"))
    line = review_lines(desk.context.fresh())[0]
    assert line.conflict == "the source said “Good morning.” and now says “Good evening.”"
    assert "lock-conflict" in line.flags
    assert (line.text, line.take) == ("Bom dia.", "v001")


# --- takes ------------------------------------------------------------------------------------


def test_a_new_seed_is_one_that_no_take_had(desk: Desk) -> None:
    speak(desk.context)
    for seed in (1, 2, 3):
        event, lines = again(desk).new_seeds(["s0001"])
        assert event is not None
        assert lines == ["s0001"]
        assert edits(desk)["lines"]["s0001"]["seed"] == seed
        speak(desk.context)
    assert [take.seed for take in line_takes(desk.context.fresh(), "s0001")] == [None, 1, 2, 3]
    again(desk).new_seeds(["s0001"], 7)
    assert edits(desk)["lines"]["s0001"]["seed"] == 7


def test_lines_that_nobody_speaks_have_no_take_to_make(desk: Desk) -> None:
    with pytest.raises(EditRefused, match="s0004 has no text"):
        desk.new_seeds(["s0004"])
    desk.edit("s0001", LineChange(route="keep"))
    store = desk.context.store
    routes = (LineRoute("s0001", "keep", "edited"),)
    store.write_json("clips.json", Clips("voice", (), routes), PT)
    with pytest.raises(EditRefused, match="s0001 keeps the source's sound"):
        again(desk).new_seeds(["s0001"])


def test_the_episode_after_changes_tells_what_would_be_due_and_writes_nothing(desk: Desk) -> None:
    speak(desk.context)
    before = files(desk)
    changes, lines = desk.seed_changes(["s0002"])
    proposed = desk.after(changes)
    stage = chain().find("speak", "test")
    for here, due in ((proposed.fresh(PT), ["s0002"]), (desk.context.fresh(), [])):
        assert [t.item.id for t in find_todo(stage, here, stage.items(here), False)] == due
    assert lines == ["s0002"]
    assert proposed.fresh("").language_edits.lines == {}
    assert files(desk) == before


def test_a_chosen_take_is_let_go_by_an_edit_of_what_it_says(desk: Desk) -> None:
    speak(desk.context)
    desk.new_seeds(["s0001"])
    speak(desk.context)
    with pytest.raises(EditRefused, match=r"s0001 has no take v009. Takes: v001, v002"):
        desk.choose("s0001", "v009")
    with pytest.raises(EditRefused, match="no take"):
        desk.choose("s0001", "../../s0002/v001")
    again(desk).choose("s0001", "v001")
    takes = line_takes(desk.context.fresh(), "s0001")
    assert [(t.take, t.in_use, t.chosen) for t in takes] == [("v001", False, True), ("v002", True, False)]
    again(desk).edit("s0001", LineChange(note="keeps it"))
    assert edits(desk)["lines"]["s0001"]["takes"] == ["s0001/v001"]
    again(desk).edit("s0001", LineChange(text="Oi."))
    assert "takes" not in edits(desk)["lines"]["s0001"]
    again(desk).choose("s0001", "v001")
    again(desk).edit("s0001", LineChange(clear=frozenset({"takes", "seed", "note"})))
    assert edits(desk)["lines"]["s0001"] == {"text": "Oi."}


def test_a_locked_take_from_before_a_new_numbering_is_listed(desk: Desk) -> None:
    speak(desk.context)
    desk.lock(["s0001"])
    store = desk.context.store
    store.write_json("transcript.json", Transcript("en", 1.0, segments(2), "test"))
    lines = tuple(Line(s.id, text) for s, text in zip(segments(2), LINES, strict=True))
    store.write_json("translation.json", Translation(PT, lines), PT)
    takes = line_takes(desk.context.fresh(), "s0002")
    assert next((t.take, t.chosen, t.text) for t in takes) == ("s0001/v001", True, "Bom dia.")


def in_one_clip(context: Context, route: Route = "lipdub") -> None:
    """Plan the first two lines into one generated clip."""
    clip = Clip("c0001", "sh1", 0, 33, 33, 0, 33, ("s0001", "s0002"), "", Fit(32, 32, 0, 0, 32, 32))
    routes = tuple(LineRoute(f"s000{n}", route, "a face") for n in (1, 2))
    context.store.write_json("clips.json", Clips("justdubit", (clip,), routes), PT)


def test_lines_of_one_clip_are_made_and_kept_together(desk: Desk) -> None:
    in_one_clip(desk.context)
    event, lines = again(desk).new_seeds(["s0002"])
    assert lines == ["s0001", "s0002"]
    assert event is not None
    assert [edit["seed"] for edit in edits(desk)["lines"].values()] == [43, 43]
    lock = {"text": "x", "route": "lipdub", "source": "", "speaker": "spk1", "start": 1.0, "end": 3.0}
    desk.context.store.path("edits.json", PT).write_text(json.dumps({"lines": {"s0001": {"lock": lock}}}))
    with pytest.raises(EditRefused, match="s0002 is made in one clip with s0001, which is locked"):
        again(desk).new_seeds(["s0002"])


def test_new_speech_of_a_driven_line_leaves_the_other_lines_of_its_clip(desk: Desk) -> None:
    in_one_clip(desk.context, "drive")
    _, lines = again(desk).new_seeds(["s0002"])
    assert lines == ["s0001", "s0002"], "their clip is made again"
    assert list(edits(desk)["lines"]) == ["s0002"]
    assert set(edits(desk)["lines"]["s0002"]) == {"seed"}


def test_a_new_picture_leaves_the_speech_that_a_person_chose(desk: Desk) -> None:
    in_one_clip(desk.context, "drive")
    takes = {"s0001": {"takes": ["s0001/v001", "c0001/v001"]}}
    desk.context.store.path("edits.json", PT).write_text(json.dumps({"lines": takes}))
    again(desk).new_seeds(["s0001"], picture=True)
    found = edits(desk)["lines"]
    assert found["s0001"] == {"takes": ["s0001/v001"], "picture_seed": 43}
    assert found["s0002"] == {"picture_seed": 43}
    in_one_clip(desk.context)
    with pytest.raises(EditRefused, match="its route is not drive"):
        again(desk).new_seeds(["s0001"], picture=True)


def test_speech_and_picture_of_a_driven_line_are_chosen_side_by_side(desk: Desk) -> None:
    speak(desk.context)
    in_one_clip(desk.context, "drive")
    folder = desk.context.store.path("takes/c0001/v001", PT)
    folder.mkdir(parents=True)
    (folder / "picture.mkv").write_bytes(b"x")
    store = desk.context.store
    made = DubbedClip("c0001", "justdubit", "justdubit", 42, 33, 48_000, 63_360)
    record = Record("c0001", "k", Parts("decode", 1), (store.ref("takes/c0001/v001/picture.mkv", PT),), made)
    (folder / "take.json").write_bytes(pretty(record))
    again(desk).choose("s0001", "c0001/v001")
    again(desk).choose("s0001", "v001")
    lines = edits(desk)["lines"]
    assert lines["s0001"]["takes"] == ["c0001/v001", "s0001/v001"]
    assert lines["s0002"]["takes"] == ["c0001/v001"]


def test_speech_stays_chosen_when_it_begins_or_ends_to_drive_the_lips(desk: Desk) -> None:
    speak(desk.context)
    again(desk).choose("s0001", "v001")
    again(desk).edit("s0001", LineChange(route="drive"))
    assert edits(desk)["lines"]["s0001"] == {"route": "drive", "takes": ["s0001/v001"]}
    again(desk).edit("s0001", LineChange(route="lipdub"))
    assert edits(desk)["lines"]["s0001"] == {"route": "lipdub"}


def test_a_clip_that_could_not_be_made_flags_its_lines(desk: Desk) -> None:
    in_one_clip(desk.context)
    desk.context.store.save_record(Record("c0001", "k", Parts("refine", 1), error="too large"), PT)
    assert ["failed" in line.flags for line in review_lines(desk.context.fresh())] == [
        True,
        True,
        False,
        False,
    ]


# --- what was done ----------------------------------------------------------------------------


def test_the_history_tells_every_act_in_words(desk: Desk) -> None:
    speak(desk.context)
    desk.edit("s0001", LineChange(text="Oi.", note="x"))
    again(desk, "rui").undo(1)
    again(desk).accept(["s0001", "s0002"])
    again(desk).lock(["s0002"])
    add_language(desk.context, "es")
    Desk(desk.context.fresh("es"), "eva").edit("s0001", LineChange(text="Hola."))
    rows = history(desk.context.fresh())
    assert [(row.number, row.who, row.text, row.undone) for row in rows] == [
        (4, "ana", "lock: s0002 locked", False),
        (3, "ana", "accept: s0001 accepted, and 1 more", False),
        (2, "rui", "undo: s0001 note “x” → as made; s0001 text “Oi.” → as made", False),
        (1, "ana", "edit: s0001 text as made → “Oi.”; s0001 note as made → “x”", True),
    ]
    assert [row.number for row in history(desk.context.fresh("es"))] == [5]
    assert [row.number for row in history(desk.context.fresh(), 1)] == [4]
