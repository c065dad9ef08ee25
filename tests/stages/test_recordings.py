"""Recordings of people become takes: for which line, when they are heard, and what is said where not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from dubkit.chain.chain import Request
from dubkit.chain.plan import find_todo, plan
from dubkit.chain.sink import StoreSink
from dubkit.chain.work import _adopt
from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.episode.edits.log import EditLog
from dubkit.episode.store import Record
from dubkit.errors import DubkitError
from dubkit.progress import Silent, Speeds
from dubkit.studio import chain
from dubkit.types import Remark, SpokenLine
from stages.shared.recording.remarks import recording_remarks
from stages.shared.voices import voice_hindrance
from tests.review.test_changes import PT, make_episode
from tests.support.takes import RATE, noise, silence, tone, write

PADDED = np.concatenate([silence(0.7), tone(1.5), silence(0.8)])


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Four lines at 1, 4, 7 and 10 s, two seconds each; the last has no text. Nothing is spoken yet."""
    return make_episode(tmp_path)


@pytest.fixture
def mute(context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    """The same where no voice engine speaks the language."""
    from dubkit.errors import VoiceError

    def nobody(*_: object) -> None:
        raise VoiceError("No voice speaks pt-BR here.\nInstall one.")

    monkeypatch.setattr("stages.shared.voices._voice_for", nobody)
    return context


def record(context: Context, name: str, samples: np.ndarray = PADDED) -> Path:  # type: ignore[type-arg]
    return write(context.store.path(f"recordings/{name}", PT), samples)


def run(context: Context) -> dict[str, Record]:
    """Schedule and speak what is due, as the chain does; return the records of `speak`."""
    for name in ("schedule", "speak"):
        stage, here = chain().find(name, "test"), context.fresh()
        if name == "schedule" and not here.settings.timing.scheduled:
            continue
        due = find_todo(stage, here, stage.items(here), False)
        due = [todo for todo in due if not (stage.takes and _adopt(todo, here, PT))]
        sink = StoreSink(here, {t.item.id: t.parts for t in due}, Silent(), PT)
        for todo in due:
            if todo.item.problem:
                sink.fail(todo.item.id, DubkitError(todo.item.problem))
        work = [t.item for t in due if not t.item.problem]
        if work:
            stage.run(here, work, sink)
        if stage.assemble:
            stage.assemble(here)
    return context.store.records("speak", PT)


def due(context: Context) -> dict[str, str]:
    stage, here = chain().find("speak", "test"), context.fresh()
    return {t.item.id: t.reason for t in find_todo(stage, here, stage.items(here), False)}


def spoken(context: Context, line: str) -> SpokenLine:
    return context.fresh().spoken_line(line)


def said(context: Context) -> dict[str, Remark]:
    return {one.code: one for one in recording_remarks(context.fresh())}


def all_lines(context: Context) -> None:
    for line in ("s0001", "s0002", "s0003"):
        record(context, f"{line}.wav")


# --- takes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["on", "off"])
def test_lines_that_were_recorded_need_no_voice_engine(mute: Context, schedule: str) -> None:
    context = replace(mute, settings=with_settings(mute.settings, {"timing.schedule": schedule}))
    all_lines(context)
    records = run(context)
    assert [record.error for record in records.values()] == ["", "", ""]
    for line, start in (("s0001", 1.0), ("s0002", 4.0), ("s0003", 7.0)):
        take = spoken(context, line)
        assert (take.engine, take.voice, take.speed, take.flags) == ("recording", f"{line}.wav", 1.0, ())
        assert take.start_sample / RATE == pytest.approx(start, abs=0.05)
        assert take.samples / RATE == pytest.approx(1.5, abs=0.06)
    assert not due(context)


def test_a_transcript_that_was_deleted_is_no_reason_against_a_run(mute: Context) -> None:
    mute.store.path("transcript.json").unlink()
    assert isinstance(voice_hindrance(mute, "en", mute.language), str)


def test_without_an_engine_the_lines_nobody_recorded_fail_and_the_rest_is_dubbed(mute: Context) -> None:
    record(mute, "s0002.wav")
    records = run(mute)
    assert not records["s0002"].error
    assert records["s0001"].error.startswith("Nobody recorded s0001, and no voice speaks pt-BR")


def test_a_recording_that_fits_is_in_the_take_bit_for_bit(mute: Context) -> None:
    all_lines(mute)
    file = record(mute, "s0002.wav", tone(1.4))
    run(mute)
    take = mute.fresh().take_file("s0002")
    assert take is not None
    assert np.array_equal(sf.read(take, dtype="int32")[0], sf.read(file, dtype="int32")[0])


def test_a_breath_is_heard_before_the_line_begins(mute: Context) -> None:
    all_lines(mute)
    breath = np.concatenate([silence(0.8), noise(0.3, 0.003), tone(1.4), silence(0.8)])
    record(mute, "s0002.wav", breath + noise(3.3, 1e-4, seed=2))
    run(mute)
    take = spoken(mute, "s0002")
    assert take.start_sample / RATE == pytest.approx(3.7, abs=0.03)
    sound, _ = sf.read(mute.fresh().take_file("s0002"))
    assert float(np.abs(sound[: round(0.25 * RATE)]).max()) > 0.004


def test_a_recording_to_the_picture_is_heard_where_it_was_spoken(mute: Context) -> None:
    all_lines(mute)
    record(mute, "s0003.wav").unlink()
    record(mute, "s0003@6.500.wav")
    run(mute)
    assert spoken(mute, "s0003").start_sample / RATE == pytest.approx(6.5 + 0.7, abs=0.015)


def test_another_recording_makes_another_take_and_the_first_stays(mute: Context) -> None:
    all_lines(mute)
    run(mute)
    record(mute, "s0002.wav", np.concatenate([silence(0.3), tone(1.2, 330)]))
    assert due(mute) == {"s0002": "input changed: recordings/s0002"}
    run(mute)
    assert len(mute.store.take_folders("s0002", PT)) == 2
    assert spoken(mute, "s0002").samples / RATE == pytest.approx(1.2, abs=0.06)


def test_without_its_recording_a_line_goes_back_to_the_voice_and_that_is_said(context: Context) -> None:
    stage = chain().find("speak", "test")
    before = {i.id: i for i in stage.items(context.fresh())}["s0001"]
    file = record(context, "s0001.wav")
    assert {i.id: i for i in stage.items(context.fresh())}["s0001"].models == {"voice": "recording"}
    all_lines(context)
    run(context)
    file.unlink()
    again = {i.id: i for i in stage.items(context.fresh())}["s0001"]
    assert again.models == before.models != {}
    with StoreSink(context, {"s0001": find_parts(context, "s0001")}, Silent(), PT).take("s0001") as take:
        write(take.folder / "speech.wav", tone(1.0))
        take.value = SpokenLine("s0001", "test", "a", 48_000, 48_000, 1.0, "fits", (), "Bom dia.")
    assert said(context)["recording-removed"].place == "s0001"


def find_parts(context: Context, line: str):  # type: ignore[no-untyped-def]
    stage, here = chain().find("speak", "test"), context.fresh()
    return next(t.parts for t in find_todo(stage, here, stage.items(here), True) if t.item.id == line)


# --- time -------------------------------------------------------------------------------------------


def long_one(context: Context) -> None:
    """The second of three lines takes 3.4 s, where its source and the silence around it give it 2.9 s."""
    all_lines(context)
    record(context, "s0002.wav", tone(3.4))


def test_a_recording_too_long_for_its_time_is_whole_and_flagged(mute: Context) -> None:
    long_one(mute)
    one = run(mute)["s0002"]
    take = spoken(mute, "s0002")
    assert (take.samples, take.speed, take.flags) == (round(3.4 * RATE), 1.0, ("runs-over",))
    (remark,) = one.remarks
    assert (remark.code, remark.weight) == ("recording-too-long", "degraded")


def test_only_the_setting_lets_a_recording_be_played_faster(mute: Context) -> None:
    settings = with_settings(mute.settings, {"speak.stretch_recordings": True})
    context = replace(mute, settings=settings)
    long_one(context)
    one = run(context)["s0002"]
    take = spoken(context, "s0002")
    assert 1.15 < take.speed <= 1.2
    assert take.samples / RATE == pytest.approx(3.4 / take.speed, abs=0.03)
    assert "recording-faster" in {remark.code for remark in one.remarks}
    assert one.parts.settings == {"speak.stretch_recordings": True, "timing.max_pace": 1.2}


def test_a_recording_in_time_is_never_made_faster(mute: Context) -> None:
    context = replace(mute, settings=with_settings(mute.settings, {"speak.stretch_recordings": True}))
    all_lines(context)
    run(context)
    assert spoken(context, "s0001").speed == 1.0


def test_the_end_of_the_episode_cuts_a_recording_and_says_so(mute: Context) -> None:
    all_lines(mute)
    record(mute, "s0003.wav").unlink()
    record(mute, "s0003@13.000.wav", tone(2.0))
    one = run(mute)["s0003"]
    take = spoken(mute, "s0003")
    assert take.start_sample + take.samples == 14 * RATE
    assert take.fit == "cut"
    assert "line-cut" in {remark.code for remark in one.remarks}


# --- what is wrong with a file ----------------------------------------------------------------------


def test_files_for_no_line_are_named(mute: Context) -> None:
    all_lines(mute)
    record(mute, "s0042.wav")
    one = said(mute)["recording-without-line"]
    assert one.weight == "degraded"
    assert "s0042.wav is for no line: the lines are s0001 to s0004" in one.sentence


def test_two_recordings_of_a_line_fail_it_with_both_names(mute: Context) -> None:
    all_lines(mute)
    record(mute, "s0002_take2.wav")
    error = run(mute)["s0002"].error
    assert "s0002.wav and s0002_take2.wav" in error
    assert "Keep one" in error


@pytest.mark.parametrize(("content", "why"), [(b"no sound", "cannot be read"), (None, "is silent")])
def test_a_recording_without_sound_fails_its_line_alone(
    mute: Context, content: bytes | None, why: str
) -> None:
    all_lines(mute)
    file = record(mute, "s0002.wav", silence(1.0))
    if content is not None:
        file.write_bytes(content)
    records = run(mute)
    assert "s0002" in records["s0002"].error
    assert why in records["s0002"].error
    assert not records["s0001"].error


def test_flat_tops_are_doubtful(mute: Context) -> None:
    all_lines(mute)
    record(mute, "s0001.wav", np.clip(tone(1.5, level=2), -1, 1).astype(np.float32))
    assert [remark.code for remark in run(mute)["s0001"].remarks] == ["recording-clipped"]


def test_other_words_than_those_recorded_are_doubtful(mute: Context) -> None:
    all_lines(mute)
    run(mute)
    mute.store.path("edits.json", PT).write_text(json.dumps({"lines": {"s0001": {"text": "Boa noite."}}}))
    one = run(mute)["s0001"]
    assert spoken(mute, "s0001").text == "Bom dia."
    assert [remark.code for remark in one.remarks] == ["recording-other-words"]
    assert "“Bom dia.”" in one.remarks[0].sentence


def test_folders_of_no_language_are_named(mute: Context) -> None:
    for folder in ("recordings", "pt/recordings"):
        write(mute.store.path(f"{folder}/s0001.wav"), tone(1.0))
    found = [one for one in recording_remarks(mute) if one.code == "recording-misplaced"]
    assert len(found) == 2
    assert str(mute.store.path("recordings", PT)) in found[0].sentence


@pytest.mark.parametrize(
    ("line", "edit", "why"),
    [
        ("s0001", {"route": "keep"}, "keeps the source's sound"),
        ("s0004", {"note": "-"}, "has no text"),
    ],
)
def test_a_line_that_is_not_spoken_says_that_its_recording_is_not_used(
    mute: Context, line: str, edit: dict[str, str], why: str
) -> None:
    record(mute, f"{line}.wav")
    path = mute.store.path("clips.json", PT)
    if "route" in edit:
        path.write_text(path.read_text().replace('"route": "voice"', '"route": "keep"', 1))
    mute.store.path("edits.json", PT).write_text(json.dumps({"lines": {line: edit}}))
    one = said(mute)["recording-not-used"]
    assert (one.place, one.weight) == (line, "degraded")
    assert why in one.sentence


def test_a_locked_line_keeps_its_take_and_the_conflict_is_said(mute: Context) -> None:
    all_lines(mute)
    run(mute)
    lock = {"text": "Bom dia.", "route": "voice", "source": "Good morning.", "speaker": "spk1", "start": 1.0,
            "end": 3.0, "takes": ["s0001/v001"]}  # fmt: skip
    mute.store.path("edits.json", PT).write_text(json.dumps({"lines": {"s0001": {"lock": lock}}}))
    assert "recording-held-back" not in said(mute)  # it is the take of that recording
    record(mute, "s0001.wav", tone(1.1))
    run(mute)
    assert spoken(mute, "s0001").samples / RATE == pytest.approx(1.5, abs=0.06)
    one = said(mute)["recording-held-back"]
    assert "keeps take s0001/v001. Unlock the line" in one.sentence


# --- a folder given with --use ----------------------------------------------------------------------


def given(context: Context, folder: Path | None) -> Request:
    return Request((PT,), start="speak", until="speak", uses={"speak": folder})


def test_a_folder_is_planned_before_it_is_taken_over(mute: Context, tmp_path: Path) -> None:
    all_lines(mute)
    run(mute)
    folder = tmp_path / "actors"
    write(folder / "s0003_bo.wav", tone(1.3))
    for line in ("s0001", "s0002", "s0003"):
        mute.store.path(f"recordings/{line}.wav", PT).rename(folder / f"{line}_all.wav")
    (folder / "s0003_all.wav").unlink()
    planned = {one.stage: one for one in plan(chain(), mute, given(mute, folder), Speeds())}
    assert planned["speak"].reasons == {"s0003": "input changed: recordings/s0003"}
    assert mute.fresh().user_folder("speak") is None


def test_a_folder_is_kept_until_it_is_given_back(mute: Context, tmp_path: Path) -> None:
    folder = tmp_path / "actors"
    write(folder / "s0001.wav", tone(1.3))
    (folder / "notes.txt").write_text("s0001 twice")
    mute.store.replace_folder("imports/speak", folder, (".wav",), PT)
    assert mute.fresh().recordings.of["s0001"].name == "s0001.wav"
    write(folder / "s0002.wav", tone(1.3))
    (folder / "s0001.wav").unlink()
    mute.store.replace_folder("imports/speak", folder, (".wav",), PT)
    assert list(mute.fresh().recordings.of) == ["s0002"]
    record(mute, "s0002.flac")
    assert mute.fresh().recordings.of["s0002"].name == "s0002.flac"
    assert said(mute)["recording-held-back"].weight == "note"
    mute.store.replace_folder("imports/speak", None, (), PT)
    assert mute.fresh().user_folder("speak") is None


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "no such folder"),
        (lambda path: path.write_bytes(b""), "takes a folder of files, not a file"),
        (lambda path: path.mkdir(), "holds none of the files that are read"),
    ],
)
def test_what_is_no_folder_of_recordings_is_refused(tmp_path: Path, make, why: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "actors"
    make(path)
    with pytest.raises(DubkitError, match=why):
        chain().check(Request((PT,), uses={"speak": path}))


# --- hand edits -------------------------------------------------------------------------------------


def test_an_edit_names_a_recording_and_its_log_stays_readable_by_field(mute: Context) -> None:
    all_lines(mute)
    write(mute.store.path("recordings/microphone/s0001-1.wav", PT), tone(1.2))
    path = mute.store.path("edits.json", PT)
    path.write_text(json.dumps({"lines": {"s0001": {"recording": "microphone/s0001-1.wav"}}}))
    assert mute.fresh().recordings.of["s0001"].name == "microphone/s0001-1.wav"
    path.write_text(json.dumps({"lines": {"s0001": {"recording": "microphone/s0001-2.wav"}}}))
    assert "which is not there" in run(mute)["s0001"].error


def test_a_log_of_a_version_with_fewer_fields_gets_no_change_of_its_own(context: Context) -> None:
    from dubkit.episode.edits.events import Change

    log = EditLog(context.store)
    log.make([Change("lines", "s0001", "text", "Oi.", PT)], who="ana", action="edit")
    raw = context.store.path("edits.jsonl").read_text()
    digests = json.loads(raw)["states"][PT]
    context.store.path("edits.jsonl").write_text(raw.replace(digests, "0" * 64))
    log.make([Change("lines", "s0002", "text", "Oi.", PT)], who="ana", action="edit")
    assert [event.action for event in log.events()] == ["edit", "edit"]


# --- no voice engine --------------------------------------------------------------------------------


def test_without_an_engine_recordings_let_a_language_be_dubbed(mute: Context) -> None:
    from stages.shared.voices import voice_hindrance

    assert "No voice speaks" in voice_hindrance(mute, "en", PT)
    record(mute, "s0001.wav")
    assert voice_hindrance(mute.fresh(), "en", PT) == ""
    assert chain().find("adapt", "test").items(mute.fresh()) == []


def test_without_an_engine_speakers_are_cast_without_voices(mute: Context) -> None:
    record(mute, "s0001.wav")
    write(mute.store.path("speech16k.wav"), noise(14.0, 0.01, rate=16_000), 16_000, "PCM_16")
    write(mute.store.path("audio.wav"), np.tile(noise(14.0, 0.01), (2, 1)).T)
    stage, here = chain().find("cast", "test"), mute.fresh()
    (todo,) = find_todo(stage, here, stage.items(here), True)
    assert "voice" not in todo.parts.models
    stage.run(here, [todo.item], StoreSink(here, {"episode": todo.parts}, Silent(), PT))
    cast = mute.fresh().cast
    assert [(speaker.id, speaker.voice) for speaker in cast.speakers] == [("spk1", ""), ("spk2", "")]
