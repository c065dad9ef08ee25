"""`dubkit review reference`: what a voice is cloned from, shown and chosen."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import soundfile

from dubkit.episode.folders import open_episode, remember_source
from tests.cli.test_review import Terminal
from tests.review.test_changes import make_episode
from tests.review.test_references import with_references
from tests.support.persons import RATE, man


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Terminal:
    context = with_references(make_episode(tmp_path))
    remember_source(open_episode(tmp_path / "Output", context.source))
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("DUBKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path / "cache"))
    return Terminal(context, monkeypatch, capsys)


def chosen(call: Terminal) -> Any:
    edits = call.context.store.path("edits.json")
    if not edits.is_file():
        return None
    return json.loads(edits.read_text("utf-8")).get("speakers", {}).get("spk1", {}).get("reference")


def test_the_reference_is_shown_with_its_pieces_chosen_and_taken_back(call: Terminal) -> None:
    shown = call("reference", "ep", "spk1").out
    assert "spk1: The source at 0:01.00, 2.0 s, score 0.90\n“Text 1.”" in shown
    assert "voice 1.00" in shown
    said = call("reference", "ep", "Ana", "--candidate", "2")
    assert said.code == 0
    assert "Not in the dub yet" in said.err
    assert chosen(call) == "piece:7.000-9.000"
    assert "2 (chosen)" in call("reference", "ep", "spk1").out
    assert "cloned from" in call("speakers", "ep").out
    assert call("undo", "ep").code == 0
    assert chosen(call) is None
    call("reference", "ep", "spk1", "--candidate", "1")
    assert call("reference", "ep", "spk1", "--reset").code == 0
    assert chosen(call) is None


def test_a_recording_is_given_with_its_text(call: Terminal) -> None:
    soundfile.write("ana.wav", man(4), RATE)
    assert call("reference", "ep", "spk1", "--file", "ana.wav", "--text", "Good morning.").code == 0
    name = chosen(call).removeprefix("file:")
    assert call.context.store.path(f"references/given/{name}.txt").read_text() == "Good morning."


def test_what_makes_no_sense_is_refused(call: Terminal) -> None:
    assert call("reference", "ep", "spk1", "--candidate", "1", "--reset").code == 2
    assert call("reference", "ep", "spk1", "--text", "Hello").code == 2
    said = call("reference", "ep", "spk1", "--candidate", "9")
    assert said.code == 1
    assert "there are: 1, 2" in said.err
    Path("words.wav").write_text("no sound")
    assert call("reference", "ep", "spk1", "--file", "words.wav").code == 1
    assert chosen(call) is None


def test_without_cloned_voices_the_command_says_how_they_are_cloned(call: Terminal) -> None:
    call.context.store.path("references.json").unlink()
    assert "--voice-mode clone" in call("reference", "ep", "spk1").out
