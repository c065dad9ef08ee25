"""A translator of another package: its record alone brings it into a run, its settings and its keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.plugins import dubkit, install

PACKAGE = '''
from dataclasses import dataclass
from dubkit.settings import option
from dubkit.translate.engine import TranslationEngine
from dubkit.translate.lines import Translated, one_line

@dataclass(frozen=True, slots=True)
class Shouting:
    """Shouting instead of translating."""
    mark: str = option("!", "What ends every line.", job=True)
    threads: int = option(1, "Threads to shout with.", machine=True)

class Shouter:
    def __init__(self, task):
        self.task = task
    def translate(self, lines, on_done):
        on_done([Translated(l.id, one_line(l.text).upper() + self.task.own.mark, "shout") for l in lines])

ENGINE = TranslationEngine(
    name="shout",
    title="a voice that shouts",
    hindrance=lambda task: "it is too late to shout. Wait for the morning." if task.own.mark == "z" else "",
    identity=lambda task: "shout",
    open=Shouter,
    settings=Shouting,
    serves=lambda source, target: target == "fr",
)
'''
SUBTITLES = "1\n00:00:00,200 --> 00:00:00,900\nHello there.\n\n2\n00:00:01,200 --> 00:00:01,900\nGo on.\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    install(
        tmp_path / "packages", "dubkit_shout", PACKAGE, "shout = dubkit_shout:ENGINE", "dubkit.translators"
    )
    work = tmp_path / "work"
    work.mkdir()
    soundfile.write(work / "say.wav", np.zeros(32_000, np.float32), 16_000)
    (work / "say.srt").write_text(SUBTITLES)
    return work


def run(desk: Path, *options: str, command: str = "run") -> tuple[int, str]:
    given = ("--use", "transcribe=say.srt", "--src-lang", "en") if command == "run" else ("--src-lang", "en")
    asked = (command, "say.wav", *given, "--set", "diarize.method=single", *options)
    until = ("--until", "translate") if command == "run" else ()
    done = dubkit(desk.parent / "packages", *asked, *until, cwd=desk)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def lines(desk: Path) -> list[dict[str, Any]]:
    translation = json.loads((desk / "Output/say/fr/translation.json").read_text())
    return list(translation["lines"])


def test_it_translates_a_run_and_its_settings_enter_keys(desk: Path) -> None:
    code, said = run(desk, "--to", "fr")
    assert code == 0, said
    assert "shout, a voice that shouts" in said
    assert [(line["text"], line["provider"]) for line in lines(desk)] == [
        ("HELLO THERE.!", "shout"),
        ("GO ON.!", "shout"),
    ]
    _, machine = run(desk, "--to", "fr", "--set", "translate.shout.threads=2", command="plan")
    assert "translate fr       up to date" in machine
    _, planned = run(desk, "--to", "fr", "--set", "translate.shout.mark=?", command="plan")
    assert "translate.shout.mark" in planned
    run(desk, "--to", "fr", "--set", "translate.shout.mark=?")
    assert lines(desk)[0]["text"] == "HELLO THERE.?"


def test_what_hinders_it_and_pairs_that_it_does_not_serve_are_named(desk: Path) -> None:
    code, said = run(desk, "--to", "fr", "--mt-provider", "shout", "--set", "translate.shout.mark=z")
    assert code == 1
    assert "translate.provider is 'shout', but it is too late to shout. Wait for the morning." in said
    code, said = run(desk, "--to", "de", "--mt-provider", "shout")
    assert code == 1
    assert "it does not translate English into German" in said


def test_the_command_line_and_the_settings_know_it(desk: Path) -> None:
    packages = desk.parent / "packages"
    assert "nllb|none|shout]" in dubkit(packages, "run", "--help", cwd=desk).stdout
    assert "translate.shout.mark" in dubkit(packages, "config", cwd=desk).stdout
