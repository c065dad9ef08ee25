"""`dubkit batch` and `dubkit run --batch`: options, poisoned files, and the commands that go on."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from dubkit.cli import batch, run
from dubkit.cli.batch_arguments import PassedOn, pass_on, shell_words
from tests.support.paths import MEDIA, ROOT, SAMPLE, require

TAGS = ("pt-BR", "pt-PT")


def dubkit(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("DUBKIT_", "OPENAI_", "HF_"))}
    return subprocess.run(
        [sys.executable, "-m", "dubkit", *map(str, arguments)],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        timeout=600,
    )


def poison(folder: Path) -> list[str]:
    """Write files that can be no episode; return their names."""
    (folder / "cut.mp4").write_bytes(SAMPLE.read_bytes()[:20_000])
    (folder / "text.mkv").write_text("no film\n")
    (folder / "zero.mp4").touch()
    (folder / "lost.mp4").symlink_to(folder / "nowhere.mp4")
    return ["cut.mp4", "lost.mp4", "text.mkv", "zero.mp4"]


def test_poisoned_files_fail_alone_and_each_names_its_next_command(tmp_path: Path) -> None:
    folder = tmp_path / "Input"
    folder.mkdir()
    bad = poison(folder)
    odd = folder / "it's $HOME; #1 é.mp4"
    odd.write_bytes(SAMPLE.read_bytes())
    done = dubkit(
        *("batch", "Input/*", "--to", ",".join(TAGS), "--until", "extract", "--jobs", "2", "--json"),
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stderr
    table = json.loads(done.stdout)
    assert table["counts"] == {"done": 2, "failed": 2 * len(bad)}
    for row in table["rows"]:
        if row["state"] == "done":
            continue
        assert row["errors"][0].startswith(f"Input/{Path(row['source']).name}: ")
        _, _, command = row["next_command"].partition(" && ")
        words = shlex.split(command)
        assert words[:3] == ["dubkit", "run", str(tmp_path / row["source"])]
        assert words[words.index("--to") + 1] == row["language"]
    assert (tmp_path / "Output" / odd.stem / "episode.json").is_file()


def test_a_batch_keeps_its_episodes_in_a_store_and_its_own_folder_here(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(SAMPLE.read_bytes())
    url, here = (tmp_path / "store").as_uri(), {"DUBKIT_MODELS_CACHE": str(tmp_path / "cache")}
    done = dubkit("batch", "a.mp4", "--until", "extract", "--output", url, "--json", cwd=tmp_path, **here)
    assert (done.returncode, json.loads(done.stdout)["counts"]) == (0, {"done": 1}), done.stdout
    assert (tmp_path / "store" / "a" / "episode.json").is_file()
    assert not (tmp_path / "store" / ".batch").exists()
    assert len(list((tmp_path / "cache" / "episodes").glob("*/.batch/*/report.html"))) == 1
    assert not (tmp_path / "Output").exists()


def test_run_takes_batch_and_jobs(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_text("no film\n")
    done = dubkit("run", "--batch", "*.mkv", "--jobs", "1", "--until", "extract", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["counts"]) == (1, {"failed": 1})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("*.mkv", "--jobs", "0"), "--jobs 0: write auto, or a number from 1."),
        ((), "Missing argument 'VIDEO...'"),
        (("*.mkv", "--watch", "nowhere"), "does not exist"),
    ],
)
def test_wrong_usage_is_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = dubkit("batch", *arguments, "--until", "extract", cwd=tmp_path)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_run_without_a_video_is_wrong_usage(tmp_path: Path) -> None:
    done = dubkit("run", "--to", "fr", cwd=tmp_path)
    assert (done.returncode, "Missing argument 'VIDEO...'" in done.stderr) == (2, True)


def passed(*arguments: str) -> PassedOn:
    context = batch.command.make_context("batch", list(arguments))
    with context:
        params = [param for param in context.command.params if param not in batch.OWN]
        return pass_on(context, params)


def test_every_option_of_run_is_one_of_batch() -> None:
    of_batch = {param.name for param in batch.command.params}
    of_run = {param.name for param in run.command.params if not getattr(param, "hidden", False)}
    assert of_run - of_batch == {"wait", "batch"}


def test_options_are_passed_on_as_they_were_given() -> None:
    found = passed(
        *(
            "a.mkv",
            "--to",
            "fr",
            "--to",
            "es,de",
            "--force",
            "mix",
            "--force",
            "qc",
            "--no-subs",
            "--jobs",
            "3",
        ),
        *("--set", "mix.duck_db=-9", "--mode", "low", "-v"),
    )
    assert found.languages == ("--to", "fr", "--to", "es,de")
    assert sorted(found.shown) == sorted(
        ["--force=mix", "--force=qc", "--no-subs", "--set=mix.duck_db=-9", "--mode=low"]
    )
    assert set(found.arguments) - set(found.shown) == {"--verbose"}


def test_what_is_passed_on_reads_the_same_again() -> None:
    given = ("a.mkv", "--to", "fr", "--no-translate", "--limiter", "--pacing-max-stretch", "1.2")
    found = passed(*given)
    again = passed("a.mkv", *found.languages, *found.arguments)
    assert again == found
    assert run.command.make_context("run", [*found.arguments, *found.languages, "a.mkv"])


def test_secrets_reach_the_process_by_its_environment_and_no_report() -> None:
    found = passed("a.mkv", "--set", "translate.api_key=hush", "--set", "mix.duck_db=-9")
    assert "hush" not in repr(found)
    assert found.secrets == {"DUBKIT_TRANSLATE_API_KEY": "hush"}
    assert found.arguments == ("--set=mix.duck_db=-9",)


@pytest.mark.parametrize("word", ["a b", "it's", "$(x)", "a\nb", "-x", "é", os.fsdecode(b"caf\xe9'\\.mkv")])
def test_a_command_is_read_by_a_shell_as_it_was_meant(word: str) -> None:
    printed = subprocess.run(
        ["bash", "-c", f"printf %s {shell_words([word])}"], capture_output=True, check=True
    )
    assert printed.stdout == os.fsencode(word)


def _bytes(folder: Path) -> dict[str, bytes]:
    """Return the artifacts of an episode, without what says when things ran and where the source lay."""
    own = ("history.jsonl", "lock", "source.json", "holder.json", "summary.json")
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in own)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_a_batch_that_was_killed_ends_with_the_bytes_of_one_by_one(tmp_path: Path) -> None:
    import signal
    import time

    folder = tmp_path / "Input"
    folder.mkdir()
    for number, name in enumerate(("grid_sbia1a.mpg", "grid_swwp2s.mpg")):
        clip = require(MEDIA / "a_talk" / name)
        (folder / f"ep{number}.mpg").write_bytes(clip.read_bytes())
    options = ("--to", "pt-BR", "--src-lang", "en", "--until", "mix")
    for source in sorted(folder.iterdir()):
        alone = dubkit("run", f"Input/{source.name}", *options, "--output", "Alone", cwd=tmp_path)
        assert alone.returncode in (0, 3), alone.stderr
    bad = poison(folder)
    command = [sys.executable, "-m", "dubkit", "batch", "Input/*", *options, "--quiet"]
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, **quiet)
    until = time.monotonic() + 120
    while not list((tmp_path / "Output").glob("ep0/transcript.json")) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = dubkit("batch", "Input/*", *options, "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    table = json.loads(done.stdout)
    assert table["counts"].get("done", 0) + table["counts"].get("degraded", 0) == 2
    assert table["counts"]["failed"] == len(bad)
    for name in ("ep0", "ep1"):
        assert _bytes(tmp_path / "Output" / name) == _bytes(tmp_path / "Alone" / name)


@pytest.mark.slow
def test_a_cluster_does_whole_episodes(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    (tmp_path / "Input").mkdir()
    (tmp_path / "Input" / "a.mp4").write_bytes(SAMPLE.read_bytes())
    (tmp_path / "Input" / "b.mkv").write_text("no film\n")
    options = ("--executor", "ray", "--address", "local", "--workers", "2", "--until", "extract", "--json")
    done = dubkit("batch", "Input/*", *options, cwd=tmp_path, HOME=str(tmp_path), RAY_USAGE_STATS_ENABLED="0")
    table = json.loads(done.stdout)
    assert (done.returncode, table["counts"]) == (1, {"done": 1, "failed": 1}), done.stderr
    log = Path(tmp_path / "Output" / ".batch" / table["name"] / table["rows"][0]["log"])
    assert "extract" in log.read_text()


def test_help_is_of_batch() -> None:
    context = click.Context(batch.command, info_name="batch")
    assert "OUTPUT/.batch/NAME/report.html" in batch.command.get_help(context)
