"""Timelines: OpenTimelineIO and CMX3600 in the readers of other programs; longer casts; cut names."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dubkit.cli.export import command
from dubkit.episode.context import Context
from dubkit.episode.export import export, export_files
from dubkit.episode.timeline import timeline_of
from dubkit.errors import DubkitError
from dubkit.formats.aaf import write_aaf
from dubkit.formats.content import Heading
from dubkit.formats.edl import write_edl
from dubkit.formats.otio import write_otio
from dubkit.formats.timeline import Timeline, TimelineClip, TimelineTrack, lanes, with_reels
from dubkit.types import Remark, Transcript, VideoStream
from tests.review.test_changes import PT, make_episode, segments, speak

NTSC, FILM, PAL = Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25)
SAMPLES = Fraction(48_000)


def clip(
    name: str, start: float | Fraction, length: float | Fraction, rate: Fraction = SAMPLES
) -> TimelineClip:
    link = f"takes/{name}.wav"
    return TimelineClip(
        name, Path(link), link, Fraction(start), Fraction(length), rate, text=f"Said in {name}"
    )


def timeline(rate: Fraction, *sounds: tuple[TimelineClip, ...]) -> Timeline:
    length = Fraction(90_000) / rate
    picture = TimelineClip("A long name", Path("a.mp4"), "a.mp4", Fraction(0), length, rate)
    tracks = tuple(TimelineTrack(f"Person {number}", clips) for number, clips in enumerate(sounds, 1))
    return with_reels(Timeline(rate, length, TimelineTrack("Picture", (picture,)), tracks), 8)[0]


def spoken(rate: Fraction) -> Timeline:
    first = (clip("s0001", Fraction(1, 3), Fraction(77_777, 48_000)), clip("s0003", 2, Fraction(1, 48_000)))
    second = (clip("s0002", 3599.5, 62.25),)
    return timeline(rate, first, second)


@pytest.mark.parametrize("rate", [NTSC, FILM, PAL, Fraction(60000, 1001)])
def test_otio_opens_and_is_exact_to_the_sample(rate: Fraction) -> None:
    import opentimelineio as otio  # type: ignore[import-untyped]

    wanted = spoken(rate)
    found = otio.adapters.read_from_string(write_otio(wanted, Heading("ep", PT)).decode(), "otio_json")
    assert (found.name, found.metadata["dubkit"]["language"]) == ("ep", PT)
    (picture,) = found.video_tracks()
    assert picture[0].source_range.duration == otio.opentime.RationalTime(90_000, float(rate))
    assert picture[0].media_reference.target_url == "a.mp4"
    for track, theirs in zip(wanted.sounds, found.audio_tracks(), strict=True):
        assert theirs.name == track.name
        clips = list(theirs.find_clips())
        assert [one.name for one in clips] == [one.name for one in track.clips]
        for ours, one in zip(track.clips, clips, strict=True):
            span = one.range_in_parent()
            assert round(span.start_time.rescaled_to(48_000).value) == round(ours.start * 48_000)
            assert round(span.duration.rescaled_to(48_000).value) == round(ours.length * 48_000)
            assert one.media_reference.target_url == ours.link
            assert one.metadata["dubkit"]["text"] == ours.text


@pytest.mark.parametrize("rate", [NTSC, FILM, PAL])
def test_the_adapter_finds_one_picture_and_the_lines_in_the_edl(rate: Fraction) -> None:
    import opentimelineio as otio

    wanted = spoken(rate)
    text = write_edl(wanted, Heading("ep", PT)).decode()
    found = otio.adapters.read_from_string(text, "cmx_3600", rate=float(rate))
    assert found.name == "ep pt-BR"
    assert [(track.kind, track.name) for track in found.tracks] == [
        ("Video", "V"), ("Audio", "A1"), ("Audio", "A2"),
    ]  # fmt: skip
    for track, theirs in zip((wanted.picture, *wanted.sounds), found.tracks, strict=True):
        clips = list(theirs.find_clips())
        assert [one.name for one in clips] == [one.name for one in track.clips]
        for ours, one in zip(track.clips, clips, strict=True):
            assert one.media_reference.target_url == ours.link
            assert one.source_range.duration.value == max(
                1, round(ours.end * rate) - round(ours.start * rate)
            )


@pytest.mark.parametrize(
    ("rate", "mode", "moment"), [(NTSC, "DROP FRAME", "00:59:59;15"), (PAL, "NON-DROP FRAME", "00:59:59:13")]
)
def test_another_reader_finds_the_same_events(rate: Fraction, mode: str, moment: str) -> None:
    import io

    import pycmx  # type: ignore[import-untyped]

    text = write_edl(spoken(rate), Heading("ep", PT)).decode()
    found = pycmx.parse_cmx3600(io.StringIO(text))
    assert found.title == "ep pt-BR"
    assert f"FCM: {mode}" in text
    edits = [edit for event in found.events for edit in event.edits]
    assert [(edit.channels.video, edit.channels.a1, edit.channels.a2) for edit in edits] == [
        (True, False, False), (False, True, False), (False, True, False), (False, False, True),
    ]  # fmt: skip
    assert [edit.clip_name for edit in edits] == ["A long name", "s0001", "s0003", "s0002"]
    assert [edit.source for edit in edits] == ["A_LONG_N", "S0001", "S0003", "S0002"]
    assert edits[3].record_in == moment
    assert edits[0].source_out == edits[0].record_out
    assert re.findall(r"^\* COMMENT: (.*)$", text, re.MULTILINE) == [
        "Person 1: Said in s0001", "Person 1: Said in s0003", "Person 2: Said in s0002",
    ]  # fmt: skip


def wav(path: Path, seconds: Fraction, value: int) -> Path:
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(48_000)
        file.writeframes(bytes([value, 1, 2]) * round(seconds * 48_000))
    return path


def with_sound(wanted: Timeline, folder: Path) -> Timeline:
    tracks = []
    for track in wanted.sounds:
        clips = [
            replace(one, file=wav(folder / f"{one.name}.wav", one.length, number))
            for number, one in enumerate(track.clips)
        ]
        tracks.append(replace(track, clips=tuple(clips)))
    return replace(wanted, sounds=tuple(tracks))


@pytest.mark.parametrize("rate", [NTSC, PAL])
def test_aaf_opens_with_its_takes_inside(tmp_path: Path, rate: Fraction) -> None:
    import aaf2  # type: ignore[import-untyped]

    wanted = with_sound(timeline(rate, (clip("s0001", Fraction(1, 3), Fraction(7_777, 48_000)),
                                        clip("s0003", 2, Fraction(1, 8)))), tmp_path)  # fmt: skip
    content = write_aaf(wanted, Heading("ep", PT))
    assert content == write_aaf(wanted, Heading("ep", PT))
    path = tmp_path / "a.aaf"
    path.write_bytes(content)
    with aaf2.open(str(path)) as file:
        (film,) = file.content.toplevel()
        clock, picture, sound = film.slots
        assert (film.name, clock.segment.fps, clock.segment.drop) == ("ep pt-BR", round(rate), rate == NTSC)
        assert Fraction(str(picture.edit_rate)) == rate
        (shot,) = picture.segment.components
        assert (shot.length, shot.mob.name) == (90_000, "A long name")
        link = shot.mob.slots[0].segment.mob.descriptor["Locator"].value[0]["URLString"].value
        assert link == "a.mp4"
        at, found = 0, []
        for part in sound.segment.components:
            if isinstance(part, aaf2.components.SourceClip):
                found.append((part.mob.name, at, part.length, part.mob.comments["Text"]))
                essence = part.mob.slots[0].segment.mob.essence.open("r").read()
                number = [one.name for one in wanted.sounds[0].clips].index(part.mob.name)
                assert essence == bytes([number, 1, 2]) * part.length
            at += part.length
        assert sound.name == "Person 1"
        assert found == [("s0001", 16_000, 7_777, "Said in s0001"), ("s0003", 96_000, 6_000, "Said in s0003")]


def test_aaf_says_which_take_is_no_sound_and_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s0001.wav").write_bytes(b"Bom dia.")
    broken = timeline(PAL, (replace(clip("s0001", 0, 1), file=tmp_path / "s0001.wav"),))
    with pytest.raises(DubkitError, match=r"s0001\.wav of s0001 cannot be read as WAV"):
        write_aaf(broken)
    monkeypatch.setitem(sys.modules, "aaf2", None)
    with pytest.raises(DubkitError, match=r"pip install 'dubkit\[aaf\]'"):
        write_aaf(broken)


def test_short_names_are_of_one_file_each_and_said_where_they_are_cut() -> None:
    clips = (clip("my-long-one", 0, 1), clip("my-long-two", 1, 1), clip("s0001", 2, 1))
    named, said = with_reels(timeline(PAL, clips), 8)
    assert [one.reel for one in named.sounds[0].clips] == ["MY_LONG_", "MY_LONG2", "S0001"]
    assert [(one.code, one.place) for one in said] == [
        ("timeline-name-cut", "my-long-one"),
        ("timeline-name-cut", "my-long-two"),
        ("timeline-name-cut", "A long name"),
    ]  # fmt: skip


def test_what_overlaps_stands_on_tracks_of_its_own() -> None:
    clips = [clip("b", 1, 2), clip("a", 0, 2), clip("c", 2, 1), clip("d", 2.5, 1)]
    found = lanes(clips)
    assert [[one.name for one in lane] for lane in found] == [["a", "c"], ["b"], ["d"]]
    assert all(one.end <= two.start for lane in found for one, two in pairwise(lane))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    context = make_episode(tmp_path)
    video = VideoStream(0, "h264", 64, 48, PAL, 350, Fraction(1, 10), Fraction(141, 10))
    context.store.write_json("episode.json", replace(context.episode, video=video))
    speak(context)
    return context.fresh()


def test_an_episode_has_its_picture_and_a_track_for_each_speaker(context: Context, tmp_path: Path) -> None:
    found = timeline_of(context)
    assert (found.rate, found.length) == (PAL, Fraction(14))
    assert [one.file for one in found.picture.clips] == [context.source]
    assert [(track.name, [one.name for one in track.clips]) for track in found.sounds] == [
        ("Ana", ["s0001", "s0003"]), ("Bo", ["s0002"]),
    ]  # fmt: skip
    assert found.sounds[0].clips[0].start == Fraction(9, 10)  # from the first frame
    content: Any = json.loads(export(context, PT, "otio", beside=tmp_path / "out"))
    picture, ana, _ = content["tracks"]["children"]
    sound = ana["children"][1]["media_reference"]["target_url"]
    assert (tmp_path / "out" / sound).resolve() == context.take_file("s0001")
    assert (
        tmp_path / "out" / picture["children"][0]["media_reference"]["target_url"]
    ).resolve() == context.source


def test_a_take_before_the_picture_is_cut_where_the_picture_begins(context: Context) -> None:
    late = replace(context.episode.video, start=Fraction(2)) if context.episode.video else None
    context.store.write_json("episode.json", replace(context.episode, video=late))
    (first, *_) = timeline_of(context.fresh()).sounds[0].clips
    assert (first.start, first.source_start, first.length) == (Fraction(0), Fraction(1), Fraction(1))


def test_lines_without_a_take_are_named(tmp_path: Path) -> None:
    said: list[Remark] = []
    there = make_episode(tmp_path)
    with pytest.raises(DubkitError, match="No line of pt-BR is spoken yet"):
        export(there, PT, "otio")
    with pytest.raises(DubkitError, match="A timeline is of a target language"):
        export(there, "", "edl")
    speak(there, "s0001")
    timeline_of(there.fresh(), tell=said.append)
    assert [one.sentence for one in said] == ["2 lines have no take of their own: s0002, s0003."]


def test_a_longer_cast_goes_to_several_files_with_the_picture_in_each(context: Context) -> None:
    import opentimelineio as otio

    three = tuple(replace(one, speaker=f"spk{n}") for n, one in enumerate(segments(), 1))
    context.store.write_json("transcript.json", Transcript("en", 1.0, three, "test"))
    said: list[Remark] = []
    files = export_files(context.fresh(), PT, "edl", tell=said.append)
    tracks = [otio.adapters.read_from_string(file.decode(), "cmx_3600", rate=25).tracks for file in files]
    assert [[track.name for track in each] for each in tracks] == [["V", "A1", "A2"], ["V", "A1"]]
    assert [one.code for one in said] == ["timeline-split"]
    with pytest.raises(DubkitError, match="This cast goes to 2 files of the format 'edl'"):
        export(context.fresh(), PT, "edl")


def test_the_command_writes_further_files_beside_the_first(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = tuple(replace(one, speaker=f"spk{n}") for n, one in enumerate(segments(), 1))
    context.store.write_json("transcript.json", Transcript("en", 1.0, three, "test"))
    monkeypatch.setattr("dubkit.studio.episode_context", lambda *_: context.fresh())
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        command, [str(context.source), "--lang", PT, "--out", "a.edl"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["a.edl", "a.2.edl"]
    assert "3 tracks of sound are in 2 files." in done.stderr
    assert (tmp_path / "a.2.edl").read_text("utf-8").startswith("TITLE: ep pt-BR\n")
