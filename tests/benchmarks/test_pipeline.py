"""The pipeline benchmark still runs, in small, and says what it measured. No test here looks at a time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pipeline import busy as pipeline_busy
from benchmarks.pipeline import chain as pipeline_chain
from benchmarks.pipeline import command as pipeline
from benchmarks.pipeline import media as pipeline_media
from benchmarks.pipeline import processes as pipeline_processes
from benchmarks.pipeline.busy import Instant, StageSpan
from benchmarks.pipeline.measure import Comparison, Contender, Cost, interleaved
from tests.support.paths import ROOT

SAMPLE = ROOT / "Input" / "sample.mp4"


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    contenders = {name: Contender(lambda n=name: order.append(n)) for name in "abc"}  # type: ignore[misc]
    costs = interleaved(contenders, 3)
    assert "".join(order) == "cababcbcacab"
    assert {name: len(rounds) for name, rounds in costs.items()} == {"a": 3, "b": 3, "c": 3}


def test_preparation_is_done_before_every_round() -> None:
    order: list[str] = []
    interleaved({"a": Contender(lambda: order.append("run"), lambda: order.append("prepare"))}, 1)
    assert order == ["prepare", "run"] * 2


def test_a_ratio_is_the_median_of_the_rounds_and_not_a_ratio_of_medians() -> None:
    slow = [Cost(wall, wall / 2) for wall in (2.0, 30.0, 8.0)]
    bare = [Cost(wall, wall) for wall in (1.0, 10.0, 2.0)]
    compared = Comparison("part", {"slow": slow, "bare": bare})
    wall, cpu = compared.ratio("slow to bare", "slow", "bare")
    assert (wall.clock, wall.unit, wall.rounds) == ("wall", "x", 3)
    assert (wall.low, wall.median, wall.high) == (2.0, 3.0, 4.0)
    assert (cpu.clock, cpu.median) == ("cpu", 1.5)
    assert compared.beyond("slow, beyond", "slow", "bare")[0].median == 6000.0
    assert compared.each("slow", "slow", 4)[0].median == 2000.0


def test_the_chain_is_measured_with_stages_that_end_well(tmp_path: Path) -> None:
    found = pipeline_chain.measure(tmp_path, [3], 1)
    names = {figure.name for figure in found}
    assert {"lines as records: first run", "takes with a file: run again, nothing to do"} <= names
    assert {figure.part for figure in found} == {"chain, 3 items"}
    syncs = {figure.name: figure.median for figure in found if figure.name.endswith("syncs")}
    assert min(syncs.values()) >= 2  # the file and its folder
    assert len(list((tmp_path / "takes" / "again" / "fr" / "takes").glob("s*/v001/speech.wav"))) == 3


def test_the_command_prints_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--clip", str(SAMPLE), "--parts", "chain", "--items", "2", "--rounds", "1"]
    assert pipeline.main(small) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "cores" in shown[0]
    assert shown[2] == "### chain, 2 items"
    assert len({len(line) for line in shown[4:]}) == 1
    assert pipeline.main([*small, "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert read["machine"] == shown[0]
    assert {figure["name"] for figure in read["figures"]} == {
        line.split("|")[1].strip() for line in shown[6:]
    }


@pytest.mark.parametrize("wrong", [["--rounds", "0"], ["--clip", "nowhere.mp4"], ["--parts", "singing"]])
def test_an_impossible_wish_is_a_usage_error(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        pipeline.main(["--clip", str(SAMPLE), *wrong])
    assert ended.value.code == 2


def test_help_does_not_import_anything_large(tmp_path: Path) -> None:
    found = {figure.name: figure for figure in pipeline_processes.measure_start(tmp_path, 1)}
    assert found["dubkit --help, imports torch"].median == 0
    assert any(name == "dubkit --help, all imports (large: none)" for name in found)
    assert found["dubkit --help to python -c pass"].unit == "x"


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 1"):
        pipeline_processes.finished_episode(tmp_path / "nowhere.mp4", tmp_path, 1)


def test_stitching_is_measured_against_copies_of_its_own_result(tmp_path: Path) -> None:
    clip = pipeline_media.looped(SAMPLE, 1, tmp_path / "clip.mp4")
    found = {figure.name: figure for figure in pipeline_media.measure_stitch(clip, tmp_path, 1)}
    assert found["stitch to file copy"].median > 1
    assert {"stitch to remux", "stitch to remux and encoding"} <= found.keys()


def test_a_clip_is_looped_packet_for_packet(tmp_path: Path) -> None:
    once = pipeline_media.seconds_of(SAMPLE)
    looped = pipeline_media.looped(SAMPLE, 3, tmp_path / "long.mp4")
    assert pipeline_media.seconds_of(looped) == pytest.approx(3 * once, abs=0.1)
    assert pipeline_processes.loops_for(100, once) == 14


def test_the_words_of_the_sample_are_known_and_of_other_clips_are_not(tmp_path: Path) -> None:
    assert pipeline_media.spoken(SAMPLE, "en").text == pipeline_media.SAMPLE_SAYS
    other = tmp_path / "other.wav"
    _tone(other, 0.5)
    assert pipeline_media.spoken(other, "en").text == ""
    assert pipeline_media.spoken(other, "en", "said").text == "said"


def test_clips_of_one_language_are_joined_with_their_words(tmp_path: Path) -> None:
    entries = [
        {"path": "one.wav", "kind": "c_asr", "language": "en", "transcript_ref": "One."},
        {"path": "two.wav", "kind": "c_asr", "language": "en", "transcript_ref": "Two."},
        {"path": "drei.wav", "kind": "c_asr", "language": "de", "transcript_ref": "Drei."},
        {"path": "mute.wav", "kind": "c_asr", "language": "en", "transcript_ref": None},
        {"path": "odd.wav", "kind": "d_odd", "language": "en", "transcript_ref": "Odd."},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"entries": entries}), "utf-8")
    for name in ("one.wav", "two.wav"):
        _tone(tmp_path / name, 0.5)
    found = pipeline_media.joined(tmp_path, "en")
    assert found.text == "One. Two."
    assert len(found.sound) == 2 * 8000 + 2 * 16000
    with pytest.raises(SystemExit, match="no clip in 'fr'"):
        pipeline_media.joined(tmp_path, "fr")


@pytest.mark.slow
def test_recognition_is_compared_on_the_sample(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What it costs is not looked at here, so that nothing need warm up.
    monkeypatch.setattr(pipeline_media, "interleaved", partial(interleaved, warm=False))
    wanted = ["--clip", str(SAMPLE), "--parts", "recognition", "--rounds", "1", "--json"]
    assert pipeline.main(wanted) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    errors = [f["median"] for f in figures if f["name"] == "dubkit, word error"]
    assert len(errors) == 2
    assert max(errors) <= 15


@pytest.mark.slow
def test_a_finished_episode_has_nothing_to_do(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    shutil.copyfile(SAMPLE, clip)
    episode = pipeline_processes.finished_episode(clip, tmp_path, 4)
    found = {figure.name: figure for figure in pipeline_processes.measure_noop(episode, 1)}
    assert found["dubkit run, imports torch"].median == 0
    assert found["dubkit plan, imports torch"].median == 0
    assert found["dubkit run, beyond python -c pass"].part == "nothing to do, 4 lines"


def _tone(file: Path, seconds: float) -> None:
    samples = (8000 * np.sin(np.arange(round(seconds * 16000)) / 20)).astype(np.int16)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(samples.tobytes())


def span(name: str, begin: float, end: float, cpu: tuple[float, float]) -> StageSpan:
    return StageSpan(name, Instant(begin, cpu[0]), Instant(end, cpu[1]))


def test_busy_cores_are_those_from_recognition_to_the_last_speech() -> None:
    spans = [
        span("extract", 0.0, 5.0, (0.0, 5.0)),
        span("transcribe", 5.0, 15.0, (5.0, 24.0)),
        span("translate es", 16.0, 20.0, (24.0, 31.0)),
        span("translate fr", 17.0, 19.0, (26.0, 29.0)),
        span("speak es", 20.0, 25.0, (31.0, 39.0)),
        span("mix es", 25.0, 30.0, (39.0, 49.0)),
    ]
    found = {(one.name, one.clock): one.median for one in pipeline_busy.figures(spans, "cores", 2)}
    assert found["from transcribe to speak", "wall"] == 20.0
    assert found["from transcribe to speak", "cpu"] == 34.0
    assert found["from transcribe to speak: busy of 2 cores", ""] == 85.0
    assert found["transcribe: cores busy", ""] == 95.0
    assert found["translate es, beside others", "wall"] == 4.0
    assert not [name for name, _ in found if name.startswith(("extract", "mix", "translate fr: "))]


def test_a_run_without_speech_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="no transcribe or no speak"):
        pipeline_busy.figures([span("extract", 0.0, 5.0, (0.0, 5.0))], "cores", 2)


def test_processor_time_of_children_counts_while_they_run() -> None:
    before = Instant.now()
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        running = Instant.now().cpu - before.cpu
        child.communicate(b"\n")
    assert running >= 0.25
    assert Instant.now().cpu - before.cpu >= running - 0.05


def test_the_setting_of_a_measured_run_is_a_name_and_a_value() -> None:
    chosen = pipeline.parse(["--clip", str(SAMPLE), "--parts", "busy", "--set", "speak.provider=espeak"])
    assert dict(chosen.set) == {"speak.provider": "espeak"}
    assert "busy" not in pipeline.parse(["--clip", str(SAMPLE)]).parts, "it dubs a whole clip"
    with pytest.raises(SystemExit):
        pipeline.parse(["--clip", str(SAMPLE), "--set", "overlap"])
