"""The stage that schedules the lines: what moves a line, what stays where it is, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from dubkit.chain.plan import find_todo
from dubkit.chain.sink import StoreSink
from dubkit.config import Settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.line_states import line_states
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.models.store import ModelStore
from dubkit.progress import Silent
from dubkit.series.place import find_series
from dubkit.types import (
    Adaptation,
    AdaptedLine,
    AudioStream,
    Candidate,
    Cast,
    Clips,
    Episode,
    FaceBox,
    Faces,
    Length,
    Line,
    LineRoute,
    ScheduledLine,
    Segment,
    Speaker,
    SpeakingFace,
    SpokenLine,
    Transcript,
    Translation,
    VideoStream,
)
from dubkit.types.voices import Reference
from stages.schedule import STAGE
from stages.shared.mouths import mouths_seen

PICTURE = VideoStream(0, "h264", 64, 48, Fraction(25), 500, Fraction(0), Fraction(20), pixel_format="yuv420p")
SOUND = AudioStream(1, 1, "aac", 48000, 2, "stereo")


class Lengths:
    """Tells a tenth of a second for every character."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, text: str, *, voice: str, language: str, reference: Reference | None = None) -> Length:
        self.asked.append(text)
        return Length(len(text) / 10, 0.05, "network")


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> Lengths:
    told = Lengths()
    monkeypatch.setattr("stages.schedule.line_lengths", lambda _context, **_how: told)
    monkeypatch.setattr("stages.schedule.voice_identity", lambda _: "a voice")
    monkeypatch.setattr("stages.schedule.voice_settings", lambda _: ())
    return told


TEXTS = {"s0001": "ten chars.", "s0002": "another fifteen", "s0003": "far away.", "s0004": "the end."}
TIMES = {"s0001": (1.0, 2.0), "s0002": (2.2, 3.6), "s0003": (8.0, 9.0), "s0004": (9.4, 10.2)}


@pytest.fixture
def context(tmp_path: Path, lengths: Lengths) -> Context:
    """Two blocks of two lines each; nobody looked for faces."""
    store = EpisodeStore(tmp_path / "Output/ep")
    source = tmp_path / "ep.mp4"
    source.write_bytes(b"x" * 1000)
    episode = Episode("ep", "0" * 64, "mp4", Fraction(20), PICTURE, (SOUND,), (), 1, 2, 960_000)
    segments = tuple(Segment(name, *times, "spk1", "Hi.") for name, times in TIMES.items())
    store.write_json("episode.json", episode)
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    store.write_json("cast.json", Cast("fr", (Speaker("spk1", "Ana", "", True, 200.0, -20.0, "a"),)), "fr")
    store.write_json("clips.json", Clips("voice", (), ()), "fr")
    write_texts(store, TEXTS)
    return Context(store, Settings(), source, "0" * 64, ModelStore(tmp_path / "models"), "fr")


def write_texts(store: EpisodeStore, texts: dict[str, str]) -> None:
    store.write_json("translation.json", Translation("fr", tuple(Line(*t) for t in texts.items())), "fr")


def edit(context: Context, text: str, language: str = "fr") -> None:
    context.store.path("edits.json", language).write_text(text)


def reasons(context: Context) -> dict[str, str]:
    here = context.fresh()
    return {todo.item.id: todo.reason for todo in find_todo(STAGE, here, STAGE.items(here), False)}


class Said(Silent):
    """Keeps what a stage says."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def note(self, text: str) -> None:
        self.words.append(text)


def schedule(context: Context, progress: Silent | None = None) -> dict[str, ScheduledLine]:
    """Run the stage as the chain does, and read what it wrote."""
    here = context.fresh()
    todo = find_todo(STAGE, here, STAGE.items(here), False)
    sink = StoreSink(here, {t.item.id: t.parts for t in todo}, progress or Silent(), "fr")
    if todo:
        STAGE.run(here, [t.item for t in todo], sink)
    assert STAGE.assemble is not None
    STAGE.assemble(context.fresh())
    return {line.id: line for line in context.fresh().schedule.lines}


def test_every_line_gets_its_time_and_the_text_that_it_is_for(context: Context) -> None:
    found = schedule(context)
    assert {name: line.text for name, line in found.items()} == TEXTS
    assert found["s0001"].start_ms == 1000
    assert found["s0001"].spread == 0.05
    assert {name: line.block for name, line in found.items()} == {
        "s0001": "s0001",
        "s0002": "s0001",
        "s0003": "s0003",
        "s0004": "s0003",
    }
    assert "HiGHS" in context.fresh().schedule.solver
    assert reasons(context) == {}


def test_a_changed_line_moves_its_block_only_and_the_plan_names_the_line(
    context: Context, lengths: Lengths
) -> None:
    schedule(context)
    write_texts(context.store, TEXTS | {"s0001": "now it is nearly twice as long."})
    assert reasons(context) == {
        "s0001": "input changed: translate/s0001",
        "s0002": "input changed: block/s0001",
    }
    lengths.asked.clear()
    said = Said()
    found = schedule(context, said)
    assert len(lengths.asked) == 2
    assert found["s0002"].start_ms > 2200
    assert said.words == ["schedule fr: moved line 1 by -0.49 s, line 2 by +1.00 s"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('{"lines": {"s0003": {"text": "by hand"}}}', "translate/s0003"),
        ('{"lines": {"s0003": {"voice": "b"}}}', "cast/spk1"),
    ],
)
def test_an_edit_of_a_line_is_a_new_time_for_its_block(context: Context, change: str, named: str) -> None:
    schedule(context)
    edit(context, change)
    assert reasons(context) == {
        "s0003": f"input changed: {named}",
        "s0004": "input changed: block/s0003",
    }


def test_another_reading_of_a_line_moves_no_line(context: Context) -> None:
    schedule(context)
    edit(context, '{"lines": {"s0003": {"seed": 7}}}')
    assert reasons(context) == {}


def test_another_limit_of_pace_is_a_new_schedule(context: Context) -> None:
    schedule(context)
    context.settings = with_settings(context.settings, {"timing.max_pace": 1.5})
    assert reasons(context)["s0001"] == "setting changed: timing.max_pace 1.2 → 1.5"


def test_a_start_that_a_person_set_stays(context: Context) -> None:
    edit(context, '{"segments": {"s0002": {"start": 2.05}}}', "")
    write_texts(context.store, TEXTS | {"s0001": "quite a bit more text here."})
    found = schedule(context)
    assert (found["s0002"].start_ms, found["s0002"].fixed) == (2050, True)
    assert found["s0001"].start_ms + found["s0001"].length_ms <= 2050


def test_a_take_that_a_person_chose_keeps_its_time(context: Context, lengths: Lengths) -> None:
    value = SpokenLine("s0001", "voice", "a", 52_800, 72_000, 1.0, "fits")
    record = Record("s0001", "key", Parts("speak", 2), (), value=value)
    context.store.write_json("takes/s0001/v001/take.json", record, "fr")
    edit(context, '{"lines": {"s0001": {"takes": ["s0001/v001"]}}}')
    found = schedule(context)
    assert (found["s0001"].start_ms, found["s0001"].length_ms) == (1100, 1500)
    assert found["s0002"].start_ms >= 2660
    assert TEXTS["s0001"] not in lengths.asked


def test_a_line_of_a_generated_clip_keeps_its_own_time(context: Context, lengths: Lengths) -> None:
    routes = (LineRoute("s0002", "lipdub", "a face speaks"),)
    context.store.write_json("clips.json", Clips("maker", (), routes), "fr")
    found = schedule(context)
    assert (found["s0002"].start_ms, found["s0002"].length_ms, found["s0002"].fixed) == (2200, 1400, True)
    assert TEXTS["s0002"] not in lengths.asked


def test_a_line_without_words_or_with_the_sources_sound_gets_no_time(context: Context) -> None:
    write_texts(context.store, TEXTS | {"s0001": ""})
    edit(context, '{"lines": {"s0004": {"route": "keep"}}}')
    assert schedule(context).keys() == {"s0002", "s0003"}


def test_what_is_too_long_is_said_with_the_shortest_text_that_loses_nothing(context: Context) -> None:
    long = "this text takes six seconds, and there are only four of them"
    write_texts(context.store, TEXTS | {"s0001": long})
    candidates = (
        Candidate(long, 6.0, "translation"),
        Candidate("shorter by far", 1.4, "model"),
        Candidate("it", 0.2, "model", losses=("name: Ana",)),
    )
    adapted = AdaptedLine("s0001", 1.0, candidates, 0, "A person wanted it.")
    context.store.write_json("adaptation.json", Adaptation("fr", (adapted,)), "fr")
    limits = {"timing.max_pace": 1.0, "timing.min_pace": 1.0}
    context.settings = with_settings(context.settings, limits)
    found = schedule(context)["s0001"]
    assert found.too_long_ms > 0
    record = context.store.record("schedule", "s0001", "fr")
    assert record is not None
    (said,) = record.said
    assert said.code == ("line-far-too-long" if found.pace > 1.355 else "line-too-long")
    assert f"too long by {found.too_long_ms / 1000:.1f} s" in said.sentence
    assert "“shorter by far”" in said.sentence
    state = line_states(context.fresh(), frozenset({"s0001"}))[0]
    assert "too-long" in state.flags
    assert state.to_look_at


def test_without_a_schedule_no_line_is_too_long(context: Context) -> None:
    write_texts(context.store, TEXTS | {"s0001": "a very long text " * 6})
    schedule(context)
    assert "too-long" in line_states(context.fresh())[0].flags
    context.settings = with_settings(context.settings, {"timing.schedule": "off"})
    assert line_states(context.fresh())[0].flags == ()


# --- whose mouth is seen ----------------------------------------------------------------------


def face(line: str, *frames: int, mouth: float = 0.1) -> SpeakingFace:
    boxes = tuple(FaceBox(frame, 0, 0, 20, 20) for frame in frames)
    return SpeakingFace(line, 0.8, mouth, boxes)


def test_a_mouth_is_seen_where_a_speaking_face_is_there_as_the_line_begins(context: Context) -> None:
    faces = (
        face("s0001", 25, 28, 30, 33, 35),
        face("s0002", 80, 82, 85, 87),
        face("s0003", 200, 203, 205, mouth=0.01),
    )
    context.store.write_json("faces.json", Faces("mediapipe", faces))
    assert mouths_seen(context.fresh()) == {"s0001": True, "s0002": False, "s0003": False, "s0004": None}


def test_nobody_knows_what_is_seen_where_nothing_finds_faces(context: Context) -> None:
    assert set(mouths_seen(context).values()) == {None}


def test_without_a_picture_no_mouth_is_seen(context: Context) -> None:
    context.store.write_json("episode.json", replace(context.episode, video=None))
    assert set(mouths_seen(context.fresh()).values()) == {False}


def test_nothing_is_spoken_over_a_line_that_keeps_its_own_sound(context: Context) -> None:
    write_texts(context.store, TEXTS | {"s0001": "a text of twenty-one.", "s0002": ""})
    found = schedule(context)
    assert set(found) == {"s0001", "s0003", "s0004"}
    assert found["s0001"].start_ms + found["s0001"].length_ms <= 2200
    before = found["s0001"]
    write_texts(context.store, TEXTS | {"s0001": "a text of twenty-one."})
    assert "s0002" in reasons(context)["s0001"]
    assert schedule(context)["s0001"] != before


def test_words_are_measured_as_the_series_says_them_and_the_plan_names_the_word(
    context: Context, lengths: Lengths
) -> None:
    schedule(context)
    file = context.source.with_name("series.toml")
    file.write_text('[[pronunciations]]\nword = "far"\nsay = "very very far"\n', "utf-8")
    here = replace(context.fresh(), series=find_series(context.source))
    assert reasons(here) == {
        "s0003": "input changed: pronunciation/far",
        "s0004": "input changed: block/s0003",
    }
    lengths.asked.clear()
    assert schedule(here)["s0003"].text == "far away."
    assert "very very far away." in lengths.asked
    assert reasons(here) == {}
