"""An episode as a script: it holds to the schema, names the takes, and comes back edited."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dubkit.episode.context import Context
from dubkit.episode.export import export, export_files
from dubkit.episode.script import script_of
from dubkit.errors import DubkitError, EditRefused
from dubkit.formats.content import Heading
from dubkit.formats.dapt.read import read_script
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS, Format
from dubkit.formats.reading import read_cues, read_turns
from dubkit.formats.script import Agent, Note, Recording, Script
from dubkit.formats.timeline import Timeline
from dubkit.review.changes import Desk, LineChange
from dubkit.review.files import read_changes
from dubkit.types import Faces, SpeakingFace, Transcript
from tests.formats.test_dapt import GOOD
from tests.review.test_changes import PT, make_episode, speak
from tests.support.paths import SHARED, require


@cache
def schema() -> Any:
    """The W3C's schema, as it is published."""
    import xmlschema

    folder = require(SHARED / "dapt/schema").resolve()
    files: list[Any] = [str(folder / name) for name in ("dapt.xsd", "ttml2-metadata-items.xsd")]
    return xmlschema.XMLSchema(files, allow="local")


def faults(content: bytes) -> list[str]:
    return [str(error.reason) for error in schema().iter_errors(content.decode())]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return make_episode(tmp_path)


def read(content: bytes) -> Script:
    return read_script(Document(Path("a.dapt.xml"), content))


@pytest.mark.slow
def test_what_is_written_holds_to_the_schema(context: Context) -> None:
    from dubkit.formats.dapt.write import write_script

    Desk(context, "ana").edit("s0001", LineChange(note="louder", delivery="whispered"))
    speak(context)
    for language in ("", PT):
        assert faults(export(context, language, "dapt")) == [], language
    for path in GOOD:
        if path.name != "valid_dapt.ttml":  # it has attributes that the schema does not know, to be kept
            assert faults(write_script(read(path.read_bytes()))) == [], path.name
    assert faults(b'<tt xmlns="http://www.w3.org/ns/ttml"/>') != []


def test_a_transcript_is_a_script_of_originals(context: Context) -> None:
    script = read(export(context, "", "dapt"))
    assert script == script_of(context.fresh(""))
    assert (script.kind, script.language, script.source_language) == ("originalTranscript", "en", "en")
    assert [event.id for event in script.events] == ["s0001", "s0002", "s0003", "s0004"]
    assert all(event.texts[0].is_original and len(event.texts) == 1 for event in script.events)


def test_a_translation_has_both_texts_and_its_cast(context: Context) -> None:
    script = read(export(context, PT, "dapt"))
    assert script.kind == "translatedTranscript"
    assert script.agents[0] == Agent(
        "spk1", names=(("alias", "Ana"),), description="The young woman", voice="a"
    )
    first = script.events[0]
    assert [(t.language, t.source_language, t.text) for t in first.texts] == [
        ("en", "en", "Good morning."),
        (PT, "en", "Bom dia."),
    ]
    assert script.events[3].texts[1].text == ""
    assert dict(script.events[3].facts) == {"flags": "untranslated", "route": "voice"}


def test_takes_are_recordings_that_events_do_not_cut_off(context: Context) -> None:
    speak(context, "s0001")
    take = context.fresh().take_file("s0001")
    assert take is not None
    beside = context.store.root / "hand over"
    script = read(export(context, PT, "dapt", beside=beside))
    assert script.kind == "asRecorded"
    event = script.events[0]
    (sound,) = event.texts[1].recordings
    assert (beside / sound.file).resolve() == take.resolve()
    assert (event.start, event.end, sound.start) == (1.0, 3.0, 1.0)
    inside = read(export(context, PT, "dapt")).events[0].texts[1].recordings
    assert inside == (Recording("pt-BR/takes/s0001/v001/speech.wav", 1.0),)


def test_an_event_that_is_longer_than_its_line_keeps_the_times_of_the_line(
    context: Context, tmp_path: Path
) -> None:
    early = replace(context.segments[0], start=1.25, end=2.5)
    context.store.write_json("transcript.json", Transcript("en", 1.0, (early, *context.segments[1:]), "test"))
    speak(context.fresh(), "s0001")
    there = context.fresh()
    file = tmp_path / "ep.dapt.xml"
    file.write_bytes(export(there, PT, "dapt"))
    event = read(file.read_bytes()).events[0]
    assert (event.start, event.end, event.line_times) == (1.25, 3.25, (1.25, 2.5))
    assert [(cue.start, cue.end) for cue in read_cues(file, language=PT)][:1] == [(1.25, 2.5)]
    assert read_changes(there, file) == {}
    file.write_text(
        file.read_text("utf-8").replace('begin="1.25s" end="3.25s"', 'begin="1.5s" end="3s"'), "utf-8"
    )
    assert read_changes(there, file) == {"s0001": LineChange(start=1.5, end=3.0)}


def test_notes_of_people_are_notes_of_the_script(context: Context) -> None:
    Desk(context, "ana").edit("s0002", LineChange(note="like her brother", delivery="whispered"))
    event = read(export(context, PT, "dapt")).events[1]
    assert event.notes == (Note("whispered", "x-delivery"), Note("like her brother", "x-note"))


def test_who_is_seen_is_on_screen(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {event.on_screen for event in script_of(context).events} == {"OFF"}  # there is no picture
    seen = tuple(SpeakingFace(f"s000{n}", visible, 0.1) for n, visible in ((1, 1.0), (2, 0.4)))
    there = context.fresh()
    there.__dict__ |= {"faces": Faces("opencv", seen), "episode": _with_picture(there)}
    events = script_of(there).events
    assert [event.on_screen for event in events] == ["ON", "", "OFF", "OFF"]
    assert dict(events[1].facts)["visible"] == "0.40"
    there.__dict__["faces"] = Faces("none", ())
    assert {event.on_screen for event in script_of(there).events} == {""}


def _with_picture(context: Context) -> object:
    from fractions import Fraction

    from dubkit.types import VideoStream

    video = VideoStream(0, "h264", 64, 48, Fraction(25), 350, Fraction(0), Fraction(14))
    return replace(context.episode, video=video)


def test_a_script_that_was_changed_changes_its_lines(context: Context, tmp_path: Path) -> None:
    speak(context)
    file = tmp_path / "ep.dapt.xml"
    file.write_bytes(export(context, PT, "dapt"))
    assert read_changes(context.fresh(), file) == {}
    file.write_text(file.read_text("utf-8").replace("Bom dia.", "Olá!"), "utf-8")
    assert read_changes(context.fresh(), file) == {"s0001": LineChange(text="Olá!")}
    file.write_text(file.read_text("utf-8").replace('"s0003"', '"d3"'), "utf-8")
    with pytest.raises(EditRefused, match="event d3: there is no line 'd3'"):
        read_changes(context.fresh(), file)


def test_a_script_is_taken_as_transcript_and_as_translation(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "ep.ttml"
    file.write_bytes(export(context, PT, "dapt"))
    assert [cue.text for cue in read_cues(file)][:2] == ["Good morning.", "My name is Ana."]
    cues = read_cues(file, language=PT)
    first = cues[0]
    assert (first.start, first.end, first.text, first.speaker) == (1.0, 3.0, "Bom dia.", "Ana")


def test_formats_of_other_packages_are_given_scripts_and_timelines(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_names(script: Script, heading: Heading) -> bytes:
        return ", ".join(agent.name for agent in script.agents).encode()

    def write_tracks(timeline: Timeline, heading: Heading) -> bytes:
        return f"{heading.language}: {[track.name for track in timeline.sounds]}".encode()

    names = Format("names", "Names", (".names",), "text/plain", write_script=write_names)
    tracks = Format(
        "tracks", "Tracks", (".tracks",), "text/plain", write_timeline=write_tracks, sound_tracks=1
    )
    monkeypatch.setitem(FORMATS.records, "names", names)
    monkeypatch.setitem(FORMATS.records, "tracks", tracks)
    speak(context)
    assert export(context, PT, "names") == b"Ana, Bo"
    assert export_files(context, PT, "tracks") == [b"pt-BR: ['Ana']", b"pt-BR: ['Bo']"]
    monkeypatch.setitem(FORMATS.records, "names", replace(names, write_script=lambda *_: "Ana"))  # type: ignore[arg-type]
    with pytest.raises(DubkitError, match="The format 'names' was written as 'Ana', a str and not bytes"):
        export(context, PT, "names")


def test_tables_and_turns_come_back(context: Context, tmp_path: Path) -> None:
    turns, table = tmp_path / "a.rttm", tmp_path / "a.csv"
    turns.write_bytes(export(context, "", "rttm"))
    assert read_turns(turns) == context.diarization.turns
    table.write_bytes(export(context, PT, "csv"))
    assert [(cue.start, cue.end, cue.text, cue.speaker) for cue in read_cues(table)] == [
        (segment.start, segment.end, line.text, segment.speaker) for segment, line in context.lines
    ]
    assert read_changes(context, table) == {}
