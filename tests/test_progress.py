"""Progress and estimates."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from dubkit.progress import Speeds, StageStart, Terminal, duration, spread, total_range


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (42.4, "42 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_narrow_range_is_one_time() -> None:
    assert spread(3.0, 3.4) == "3.4 s"
    assert spread(3.0, 9.0) == "3.0 s to 9.0 s"
    assert spread(0.01, 9.0) == "9.0 s at most"
    assert total_range({"a": (1.0, 2.0), "b": (3.0, 5.0)}) == (4.0, 7.0)


def test_estimates_learn_from_past_runs_and_stay_a_range(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "speeds.json"
    speeds = Speeds(file)
    first = speeds.expect("speak", 100.0, pace=1.2)
    assert first[0] < first[1]
    for seconds in (20.0, 30.0, 25.0):
        speeds.learn("speak", seconds, 100.0)
    low, high = Speeds(file).expect("speak", 200.0)
    assert low < 40.0 < 60.0 < high
    assert high < first[1] * 2


def test_only_recent_runs_count(tmp_path: Path) -> None:
    speeds = Speeds(tmp_path / "speeds.json")
    for seconds in (900.0, *[10.0] * 8):
        speeds.learn("mix", seconds, 100.0)
    assert speeds.expect("mix", 100.0)[1] < 20


def test_a_broken_or_unwritable_file_costs_only_the_estimate(tmp_path: Path) -> None:
    file = tmp_path / "speeds.json"
    file.write_text("{")
    assert Speeds(file).expect("mix", 100.0, pace=0.1)[1] > 0
    file.write_text(json.dumps({"mix": "fast"}))
    Speeds(file).learn("mix", 1.0, 100.0)
    blocked = tmp_path / "file" / "speeds.json"
    blocked.parent.write_text("not a folder")
    speeds = Speeds(blocked)
    speeds.learn("mix", 10.0, 100.0)
    assert speeds.expect("mix", 100.0)[0] > 5


def test_a_pipe_gets_one_plain_line_per_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as progress:
        progress.start(StageStart("speak", "fr", 2, 5, (1.0, 2.0), 3.0))
        progress.advance(1.0)
        progress.finish(4.2)
        progress.note("careful")
        for done in (0, 10_000_000, 90_000_000, 100_000_000):
            progress.fetching("whisper-small", done, 100_000_000)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "speak fr           2 of 5, 4.2 s" in captured.err
    assert "careful" in captured.err
    assert captured.err.count("whisper-small") == 3


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal(quiet=True) as progress:
        progress.start(StageStart("speak", "", 1, 1, (0.0, 0.0), 0.0))
        progress.note("x")
        progress.fetching("m", 1, 2)
        progress.finish(1.0)
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_what_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    with Terminal() as progress:
        assert progress.console.is_terminal
        progress.start(StageStart("speak", "fr", 4, 4, (10.0, 30.0), 40.0))
        progress.advance(2.0)
        progress.finish(1.0)
    assert "left in all" in capsys.readouterr().err


def test_stages_at_the_same_time_have_a_bar_each_and_the_last_takes_them_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    with Terminal() as progress:
        faces, translate = progress.beside(), progress.beside()
        faces.start(StageStart("faces", "", 4, 4, (1.0, 1.0), 3.0))
        translate.start(StageStart("translate", "fr", 8, 8, (1.0, 1.0), 3.0))
        shown = progress._bars._shown
        assert shown is not None
        assert [task.description for task in shown.tasks] == ["faces", "translate fr"]
        translate.advance(6.0)
        faces.advance(1.0)
        assert [task.completed for task in shown.tasks] == [1.0, 6.0]
        faces.finish(1.0)
        assert [task.description for task in shown.tasks] == ["translate fr"]
        faces.advance(2.0)  # what it still says moves no other bar
        assert [task.completed for task in shown.tasks] == [6.0]
        translate.finish(2.0, "failed")
        assert progress._bars._shown is None
        progress.start(StageStart("mix", "fr", 1, 1, (1.0, 1.0), 0.0))
        assert progress._bars._shown is not None
    assert progress._bars._shown is None, "a run that is stopped leaves no bar"
    told = capsys.readouterr().err
    assert "4 of 4, 1.0 s" in told
    assert "failed, 2.0 s" in told


def test_threads_write_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as progress:

        def work(number: int) -> None:
            own = progress.beside()
            for _ in range(10):
                own.start(StageStart(f"stage{number}", "fr", 1, 1, (1.0, 2.0), 3.0))
                own.finish(1.0)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = capsys.readouterr().err.splitlines()
    assert sorted(lines) == sorted(f"{f'stage{n} fr':<18} done, 1.0 s" for n in range(4) for _ in range(10))
