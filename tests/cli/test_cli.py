"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dubkit.cli.renamed import RENAMED, renamed_options, renamed_settings
from dubkit.cli.sources import find_sources
from dubkit.errors import DubkitError
from dubkit.ops.diagnosis import Diagnosis
from tests.support.paths import ROOT

SAMPLE = ROOT / "Input" / "sample.mp4"


def dubkit(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("DUBKIT_", "OPENAI_", "HF_"))}
    return subprocess.run(
        [sys.executable, "-m", "dubkit", *map(str, arguments)],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An episode with its shared picture stages done."""
    folder = tmp_path_factory.mktemp("cli")
    done = dubkit("run", SAMPLE, "--until", "shots", "--output", folder, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_results_go_to_stdout_and_progress_to_stderr(output: Path) -> None:
    done = dubkit("run", SAMPLE, "--until", "shots", "--output", output, "--force", "shots", cwd=output)
    assert done.stdout == "sample.mp4: shots 1\n"
    assert "shots" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_one_object_per_video(output: Path) -> None:
    done = dubkit("run", SAMPLE, "--until", "shots", "--output", output, "--json", cwd=output)
    result = json.loads(done.stdout)
    assert (result["ran"], result["exit_code"], done.stderr) == ({}, 0, "")


def test_a_dry_run_is_a_plan_and_writes_nothing(tmp_path: Path) -> None:
    done = dubkit("run", SAMPLE, "--to", "pt-BR", "--output", tmp_path / "out", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "extract            1 of 1\n    episode          missing" in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--to", "ja", "--src-lang", "en"], 1, "into ja: Nothing here can translate English into Japanese"),
        (["--to", "ja"], 3, "If it is not Japanese, the run will stop"),
    ],
)
def test_a_dry_run_promises_no_pair_that_nothing_serves(
    tmp_path: Path, options: list[str], code: int, said: str
) -> None:
    done = dubkit("run", SAMPLE, *options, "--output", tmp_path / "out", "--dry-run", cwd=tmp_path)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_a_plan_names_reasons_as_json(output: Path) -> None:
    done = dubkit(
        "plan",
        SAMPLE,
        "--until",
        "shots",
        "--output",
        output,
        "--set",
        "shots.threshold=20",
        "--json",
        cwd=output,
    )
    stages = {row["stage"]: row["run"] for row in json.loads(done.stdout)["stages"]}
    assert stages == {"extract": {}, "shots": {"episode": "setting changed: shots.threshold 3.0 → 20.0"}}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "nowhere.mp4", "--to", "fr"], 1, "nowhere.mp4: no such file"),
        (["run", str(SAMPLE)], 2, "Which language?"),
        (["run", str(SAMPLE), "--to", "qqq-nolanguage"], 1, "qqq-nolanguage"),
        (["run", str(SAMPLE), "--to", "fr", "--until", "sing"], 1, "no such stage"),
        (["run", str(SAMPLE), "--to", "fr", "--use", "transcribe"], 2, "--use STAGE=FILE"),
        (["run", str(SAMPLE), "--to", "fr", "--set", "mix.duck_db"], 2, "--set NAME=VALUE"),
        (["run", str(SAMPLE), "--to", "fr", "--set", "mix.duckdb=3"], 1, "did you mean mix.duck_db"),
        (["sing"], 2, "sing"),
        (["export", str(SAMPLE), "--format", "srt"], 1, "Run first: dubkit run"),
        (["export", str(SAMPLE), "--out", "lines.csv"], 1, "Run first: dubkit run"),
        (["export", str(SAMPLE), "--out", "lines.lrc"], 2, "one of: srt, vtt, "),
        (["models", "get", "whisper-huge"], 1, "whisper-huge"),
    ],
)
def test_what_the_user_can_fix_is_said_without_a_traceback(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = dubkit(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "bad.mp4").write_bytes(b"")
    (tmp_path / "clips" / "good.mp4").write_bytes(SAMPLE.read_bytes())
    done = dubkit("run", "clips", "--until", "extract", cwd=tmp_path)
    assert done.returncode == 1
    assert "bad.mp4" in done.stderr
    assert (tmp_path / "Output/good/audio.wav").is_file()


def test_a_source_without_sound_is_refused_with_a_cure(tmp_path: Path) -> None:
    import av

    with av.open(str(SAMPLE)) as source, av.open(str(tmp_path / "mute.mp4"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    done = dubkit("run", "mute.mp4", "--to", "fr", cwd=tmp_path)
    assert done.returncode == 1
    assert "there is no sound track" in done.stderr


def test_config_shows_values_origins_and_no_secrets(tmp_path: Path) -> None:
    (tmp_path / "dubkit.toml").write_text("[mix]\nduck_db = -18\n")
    done = dubkit("config", "--mode", "low", cwd=tmp_path, OPENAI_API_KEY="sk-very-secret")
    assert "sk-very-secret" not in done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith("mix.duck_db"))
    assert "-18.0" in row
    assert "dubkit.toml" in row
    assert "mode low" in done.stdout
    table = json.loads(dubkit("config", "--json", cwd=tmp_path).stdout)
    assert table["mix.duck_db"]["value"] == -18


def test_status_of_an_episode_and_of_none(output: Path, tmp_path: Path) -> None:
    assert "shots              1 done" in dubkit("status", SAMPLE, "--output", output, cwd=output).stdout
    assert "Nothing yet" in dubkit("status", SAMPLE, "--output", tmp_path, cwd=tmp_path).stdout


def test_help_is_quick_and_loads_nothing_heavy(tmp_path: Path) -> None:
    probe = (
        "import sys, dubkit.cli; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'av', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT)
    assert done.returncode == 0


def test_a_finished_run_does_not_import_torch(output: Path) -> None:
    probe = (
        "import sys; sys.argv = ['dubkit', 'run', sys.argv[1], '--until', 'shots', '--output', sys.argv[2]]\n"
        "import dubkit.cli\n"
        "try:\n    dubkit.cli.main()\nexcept SystemExit as done:\n    assert not done.code\n"
        "sys.exit(any(m in sys.modules for m in ('torch', 'av', 'faster_whisper', 'onnxruntime', 'sklearn')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, str(SAMPLE), str(output)], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_names_that_glob_would_misread_are_taken_as_they_are(tmp_path: Path) -> None:
    names = ["it's 100% [%03d] (a);$(b) & c.mp4", "-dash first.mp4", "día 日本 🎤.mkv"]
    for name in names:
        (tmp_path / name).touch()
    assert [p.name for n in names for p in find_sources((str(tmp_path / n),))] == names
    assert {p.name for p in find_sources((str(tmp_path),))} == set(names)
    assert len(find_sources((str(tmp_path / "*.mp4"),))) == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(DubkitError, match="no media files"):
        find_sources((str(tmp_path / "empty"),))


def test_an_output_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "Output").mkdir()
    (tmp_path / "Output" / "sample").write_text("a file")
    done = dubkit("run", SAMPLE, "--to", "pt-BR", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Output/sample" in done.stderr


def test_ctrl_c_keeps_what_is_finished_and_says_so(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dubkit", "run", str(SAMPLE), "--to", "pt-BR"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (tmp_path / "Output/sample/audio.wav").exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command resumes from here" in errors
    assert "Traceback" not in errors
    for stage in re.findall(r"^(\w+) +done, ", errors, re.MULTILINE):
        records = list((tmp_path / "Output/sample/.dubkit/items").glob(f"*/{stage}/*.json"))
        assert records, f"{stage} was stopped, and is not done"


def test_the_doctor_examines_the_rest_where_a_setting_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from dubkit.cli.doctor import command
    from dubkit.ops import doctor

    (tmp_path / "dubkit.toml").write_text("[qc.gone]\nmost = 3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "examine", lambda store, output, settings: [Diagnosis("rest", True, "seen")])
    done = CliRunner().invoke(command, [])
    assert done.exit_code == 1
    assert "Setting qc.gone.most = 3" in done.output
    assert "ok  rest" in done.output


def test_limits_of_pace_take_the_names_of_other_programs_and_say_their_own_once(tmp_path: Path) -> None:
    named = ("--min-stretch", "0.9", "--pace-max-stretch", "1.3", "--wps", "2.5", "--no-pacing")
    done = dubkit(
        "plan", SAMPLE, SAMPLE, "--to", "pt-BR", "--set", "speak.min_speed=0.8", *named, cwd=tmp_path
    )
    warnings = [line for line in done.stderr.splitlines() if line.startswith("Warning")]
    assert len(warnings) == 3
    assert "--min-stretch is called --pacing-min-stretch here" in done.stderr
    assert "--pace-max-stretch is called --pacing-max-stretch here" in done.stderr
    assert "syllables" in done.stderr


@pytest.mark.parametrize(
    ("given", "value"), [([], "on"), (["on"], "on"), (["off"], "off"), (["--limiter"], "on")]
)
def test_a_switch_of_two_words_may_stand_alone(given: list[str], value: str) -> None:
    import click
    from click.testing import CliRunner

    from dubkit.cli.options import load, setting_options

    @click.command
    @setting_options
    def show(**flags: Any) -> None:
        click.echo(load(flags).settings.mix.ducking)

    assert CliRunner().invoke(show, ["--ducking", *given]).output.strip() == value


def test_a_strength_of_ducking_is_a_depth_and_said_as_one() -> None:
    import click
    from click.testing import CliRunner

    from dubkit.cli.options import load, setting_options

    @click.command
    @setting_options
    def show(**flags: Any) -> None:
        click.echo(load(flags).settings.mix.duck_db)

    done = CliRunner().invoke(show, ["--ducking-strength", "0.5"])
    assert done.output.splitlines() == [
        "Warning: --ducking-strength 0.5 is --set mix.duck_db=-12 here.",
        "-12.0",
    ]
    assert CliRunner().invoke(show, ["--ducking-strength", "2"]).exit_code == 2


@pytest.mark.parametrize(("option", "setting"), [(name, to) for name, (to, _) in RENAMED.items()])
def test_an_option_under_another_name_sets_its_setting(option: str, setting: str) -> None:
    import click
    from click.testing import CliRunner

    chosen: dict[str, object] = {}
    command = click.command()(renamed_options(lambda **flags: chosen.update(renamed_settings(flags))))
    assert CliRunner().invoke(command, [option, "1.3"]).exit_code == 0
    assert chosen == {setting: 1.3}


def test_a_limit_that_counts_under_another_name_is_told_once_for_all_sources(tmp_path: Path) -> None:
    done = dubkit("plan", SAMPLE, SAMPLE, "--to", "pt-BR", "--set", "speak.max_speed=1.4", cwd=tmp_path)
    assert done.stderr.count("speak.max_speed (from --set speak.max_speed) counts as timing.max_pace") == 1
