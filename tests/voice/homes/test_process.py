"""A runner is a process that can die, hang and babble: a line fails with the reason, and the run goes on."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from dubkit.errors import VoiceError
from dubkit.voice.homes.process import Program, Runner

FAKE = """
import json, os, sys, time
starts = open(sys.argv[1], "a"); starts.write(f"{os.getpid()}\\n"); starts.close()
sys.stderr.write("loading weights\\n"); sys.stderr.flush()
if sys.argv[2] == "fatal":
    print(json.dumps({"fatal": "OSError: no weights"}), flush=True); sys.exit(3)
if sys.argv[2] == "silent":
    sys.exit(1)
print("a package says hello", flush=True)
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["text"] == "die" or (asked["text"] == "die once" and len(open(sys.argv[1]).readlines()) == 1):
        sys.stderr.write("out of memory, sorry\\n"); sys.stderr.flush(); os._exit(9)
    if asked["text"] == "hang":
        time.sleep(60)
    if asked["text"] == "bad":
        print(json.dumps({"id": asked["id"], "error": "ValueError: no such word"}), flush=True)
    else:
        print(json.dumps({"id": asked["id"], "rate": 8000, "samples": len(asked["text"])}), flush=True)
"""


class Fake:
    """A runner of the fake program, which notes each of its starts."""

    def __init__(self, folder: Path, manner: str = "", seconds: float = 30.0) -> None:
        script = folder / "fake.py"
        script.write_text(FAKE)
        self.starts = folder / "starts"
        command = (sys.executable, str(script), str(self.starts), manner)
        self.runner = Runner(Program("Fake", command, seconds))

    def ask(self, text: str) -> int:
        return int(self.runner.ask({"text": text})["samples"])

    @property
    def processes(self) -> list[int]:
        return [int(line) for line in self.starts.read_text().split()]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_process_answers_line_after_line(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    assert [fake.ask("one"), fake.ask("three")] == [3, 5]
    assert len(fake.processes) == 1


def test_a_line_that_cannot_be_spoken_fails_alone(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    with pytest.raises(VoiceError, match="Fake could not speak the line: ValueError: no such word"):
        fake.ask("bad")
    assert fake.ask("good") == 4
    assert len(fake.processes) == 1


def test_a_runner_that_dies_is_started_once_more_for_the_line(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    assert fake.ask("die once") == 8
    assert len(fake.processes) == 2


def test_a_line_that_kills_its_runner_twice_fails_with_its_last_words(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    with pytest.raises(VoiceError, match=r"twice\. It said last: loading weights / out of memory, sorry\."):
        fake.ask("die")
    assert fake.ask("next") == 4


def test_a_runner_that_always_dies_is_given_up(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    for _ in range(3):
        with pytest.raises(VoiceError, match="out of memory"):
            fake.ask("die")
    assert len(fake.processes) == 4


def test_a_line_that_takes_too_long_is_given_up_and_the_next_one_spoken(tmp_path: Path) -> None:
    fake = Fake(tmp_path, seconds=1.0)
    fake.runner.open()
    begin = time.monotonic()
    with pytest.raises(VoiceError, match="did not finish the line within 1 s"):
        fake.ask("hang")
    assert time.monotonic() - begin < 30
    assert not alive(fake.processes[0])
    assert fake.ask("next") == 4


def test_an_engine_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"Fake cannot speak: OSError: no weights$"):
        Fake(tmp_path, "fatal").runner.open()


def test_a_program_that_ends_at_once_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"Fake did not start\. It said last: loading weights\."):
        Fake(tmp_path, "silent").runner.open()


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(VoiceError, match="Fake cannot be started: /nowhere/python"):
        Runner(Program("Fake", ("/nowhere/python",), 1.0)).open()


def test_the_process_ends_with_what_asks_it(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    fake.ask("one")
    process = fake.processes[0]
    assert alive(process)
    del fake.runner
    assert not alive(process)
