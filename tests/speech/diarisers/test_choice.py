"""Which diariser is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dubkit.errors import SettingError
from dubkit.host import Host
from dubkit.speech.diarisers import pyannote, resemblyzer
from dubkit.speech.diarization import DiarizationTask, choose_diariser
from dubkit.speech.settings import Diarize
from dubkit.types.models import ResolvedModel

ENCODER = ResolvedModel("speaker", "resemblyzer", "package", Path(), "resemblyzer-0", "Apache-2.0", 1)


class Machine(Host):
    """A machine with or without the voice encoder."""

    def __init__(self, *, encoder: bool, **settings: Any) -> None:
        self.encoder, self.settings = encoder, settings

    def setting(self, name: str) -> Any:
        return self.settings.get(name.replace(".", "_"), "")

    def find_model(self, role: str, name: str = "") -> ResolvedModel | None:
        return ENCODER if self.encoder else None


def chosen(method: str, host: Host) -> str:
    return choose_diariser(DiarizationTask(Diarize(method=method), host)).name


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyannote, "pyannote_available", lambda: True)


def test_the_voice_encoder_is_taken_where_it_is_and_else_one_speaker() -> None:
    assert chosen("auto", Machine(encoder=True)) == "resemblyzer"
    assert chosen("auto", Machine(encoder=False)) == "single"


def test_pyannote_is_taken_where_it_is_installed_and_can_be_reached(installed: None) -> None:
    assert chosen("auto", Machine(encoder=True, models_token="t")) == "pyannote"
    assert chosen("auto", Machine(encoder=True, models_pyannote="/own")) == "pyannote"
    assert chosen("auto", Machine(encoder=True)) == "resemblyzer"


def test_a_token_without_the_package_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyannote, "pyannote_available", lambda: False)
    host = Machine(encoder=True, models_token="t")
    assert chosen("auto", host) == "resemblyzer"
    asked = DiarizationTask(Diarize(method="pyannote"), host)
    assert 'pip install "dubkit[pyannote]"' in pyannote.ENGINE.hindrance(asked)


def test_a_named_one_is_taken_whatever_is_here() -> None:
    assert chosen("pyannote", Machine(encoder=True)) == "pyannote"
    assert chosen("resemblyzer", Machine(encoder=False)) == "resemblyzer"
    assert chosen("single", Machine(encoder=True)) == "single"


def test_an_unknown_one_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SettingError, match=r"diarize\.method = 'x'.*auto, pyannote, resemblyzer, single"):
        chosen("x", Machine(encoder=True))


def test_identities_are_those_of_model_or_method() -> None:
    task = DiarizationTask(host=Machine(encoder=True))
    assert resemblyzer.ENGINE.identity(task) == "resemblyzer-0"
    assert pyannote.ENGINE.identity(task) == "pyannote"
    assert "resemblyzer==0.1.4" in resemblyzer.ENGINE.hindrance(DiarizationTask(host=Machine(encoder=False)))
