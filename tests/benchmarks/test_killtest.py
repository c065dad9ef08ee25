"""The kill measurement: it passes a program that resumes, and sees one that does not."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from benchmarks.killtest import contents, differences, killed_rounds, main
from benchmarks.programs import Finished

PROGRAM = """
import os, sys, time
from pathlib import Path
output = Path(sys.argv[5]) / "clip"
(output / ".dubkit" / "tmp").mkdir(parents=True, exist_ok=True)
with open(output / ".dubkit" / "history.jsonl", "a") as history:
    history.write(str(time.time()) + "\\n")
for number in range(6):
    target = output / f"{number}.bin"
    if target.exists():
        continue
    CARE
"""

CAREFUL = """
    half = output / ".dubkit" / "tmp" / target.name
    with half.open("wb") as file:
        for _ in range(10):
            file.write(bytes([number]) * 1000)
            file.flush()
            time.sleep(0.01)
    os.replace(half, target)
"""

CARELESS = """
    with target.open("wb") as file:
        for _ in range(10):
            file.write(bytes([number]) * 1000)
            file.flush()
            time.sleep(0.01)
"""

LITTERING = """
    half = output / ".dubkit" / "tmp" / f"{os.getpid()}-{number}"
    with half.open("wb") as file:
        for _ in range(10):
            file.write(bytes([number]) * 1000)
            file.flush()
            time.sleep(0.01)
    os.replace(half, target)
"""


def measured(tmp_path: Path, care: str, kills: int = 6) -> int:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("    CARE\n", care.lstrip("\n")), encoding="utf-8")
    command = f"{sys.executable} {program}"
    return main(["clip.mp4", "--kills", str(kills), "--seed", "3", "--command", command])


def test_a_program_that_resumes_is_identical(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(tmp_path, CAREFUL) == 0
    printed = capsys.readouterr().out
    assert "6 kills" in printed
    assert "identical" in printed


def test_a_half_written_file_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(tmp_path, CARELESS) == 1
    printed = capsys.readouterr().out
    assert "differs: clip/" in printed
    assert "DIFFERENT" in printed


def test_a_temporary_file_left_over_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(tmp_path, LITTERING) == 1
    assert "left over: clip/.dubkit/tmp/" in capsys.readouterr().out


def test_a_program_that_fails_unbroken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measured(tmp_path, "    sys.exit('no sound')\n") == 1
    assert "no sound" in capsys.readouterr().out


def test_what_stands_after_two_dashes_goes_to_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys; sys.exit(' '.join(sys.argv[6:]))")
    command = f"{sys.executable} {program}"
    assert main(["clip.mp4", "--kills", "1", "--command", command, "--", "--until", "shots"]) == 1
    assert "--until shots" in capsys.readouterr().out


def test_run_times_are_not_compared_and_everything_else_is(tmp_path: Path) -> None:
    for name in ("a", "b"):
        hidden = tmp_path / name / "clip" / ".dubkit"
        hidden.mkdir(parents=True)
        for file in ("history.jsonl", "lock", "holder.json"):
            (hidden / file).write_text(name)
        (hidden / "source.json").write_text("same")
    assert list(contents(tmp_path / "a")) == ["clip/.dubkit/source.json"]
    assert differences(tmp_path / "a", tmp_path / "b") == ()
    (tmp_path / "b" / "clip" / ".dubkit" / "source.json").unlink()
    (tmp_path / "b" / "clip" / "new").write_text("x")
    found = differences(tmp_path / "a", tmp_path / "b")
    assert [(d.what, d.path) for d in found] == [
        ("missing", "clip/.dubkit/source.json"),
        ("left over", "clip/new"),
    ]


def scripted(endings: list[int | None]) -> tuple[list[tuple[str, float | None]], object]:
    calls: list[tuple[str, float | None]] = []

    def runner(folder: Path, limit: float | None) -> Finished:
        calls.append((folder.name, limit))
        code = 0 if limit is None else endings.pop(0)
        return Finished(code, "", "boom" if code == 1 else "", 0.1)

    return calls, runner


def test_a_run_that_ends_before_its_moment_starts_anew_in_a_fresh_folder(tmp_path: Path) -> None:
    calls, runner = scripted([None, 0, None, None])
    rounds = killed_rounds(runner, tmp_path, tmp_path / "none", 10.0, 3, random.Random(1))  # type: ignore[arg-type]
    assert [(name, limit is None) for name, limit in calls] == [
        ("000", False),
        ("000", False),
        ("001", False),
        ("001", False),
        ("001", True),
    ]
    assert [found.kills for found in rounds] == [1, 2]
    assert all(found.ok for found in rounds)


def test_the_same_seed_kills_at_the_same_moments(tmp_path: Path) -> None:
    moments = []
    for _ in range(2):
        _, runner = scripted([None] * 4)
        rounds = killed_rounds(runner, tmp_path, tmp_path, 10.0, 4, random.Random(7))  # type: ignore[arg-type]
        moments.append(rounds[0].moments)
    assert moments[0] == moments[1]
    assert len(set(moments[0])) == 4


def test_a_resumed_run_that_fails_is_told(tmp_path: Path) -> None:
    _, runner = scripted([None, 1, None])
    rounds = killed_rounds(runner, tmp_path, tmp_path, 10.0, 2, random.Random(1))  # type: ignore[arg-type]
    assert rounds[0].failure == "exit code 1: boom"
    assert not rounds[0].ok


def test_a_program_too_quick_to_be_killed_is_told(tmp_path: Path) -> None:
    _, runner = scripted([0] * 100)
    rounds = killed_rounds(runner, tmp_path, tmp_path, 10.0, 2, random.Random(1))  # type: ignore[arg-type]
    assert not rounds[-1].ok
    assert "only 0 of 2 kills" in rounds[-1].failure
