"""Which Whisper model is taken, and what hinders the recogniser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dubkit.errors import ModelMissing
from dubkit.host import Host
from dubkit.speech.recognisers.whisper import ENGINE, find_model
from dubkit.speech.recognition import RecognitionTask, choose_recogniser
from dubkit.speech.settings import Transcribe
from dubkit.types.models import ResolvedModel


class Machine(Host):
    """A machine with some models and settings; `fetched` lists what was downloaded."""

    def __init__(self, *models: str, **settings: Any) -> None:
        self.models, self.settings = models, settings
        self.fetched: list[str] = []

    def setting(self, name: str) -> Any:
        return self.settings.get(name.replace(".", "_"), "")

    def find_model(self, role: str, name: str = "") -> ResolvedModel | None:
        wanted = "base" if name in ("", "auto") else name
        if wanted not in self.models:
            return None
        return ResolvedModel(role, f"whisper-{wanted}", "cache", Path(), f"{wanted}-0", "MIT", 1)

    def fetch_model(self, role: str, name: str = "") -> ResolvedModel:
        self.fetched.append(name)
        raise ModelMissing("No asr model on this machine.")


def task(host: Host, **settings: Any) -> RecognitionTask:
    return RecognitionTask(Transcribe(**settings), host)


def found(host: Host, **settings: Any) -> str:
    model = find_model(task(host, **settings))
    return model.name if model else ""


def test_the_default_model_is_taken_or_the_named_one() -> None:
    host = Machine("base", "small", "large-v3")
    assert found(host) == "whisper-base"
    assert found(host, model="small") == "whisper-small"
    assert ENGINE.identity(task(host, model="small")) == "small-0"


def test_mode_high_takes_the_best_that_is_here_but_never_instead_of_an_own_one() -> None:
    assert found(Machine("base", "small", mode="high")) == "whisper-small"
    assert found(Machine("base", "small", mode="high", models_asr="/own")) == "whisper-base"


def test_a_named_model_that_is_not_here_has_an_identity_until_it_is_fetched() -> None:
    assert ENGINE.identity(task(Machine("base"), model="tiny")) == "tiny, to be fetched"
    with pytest.raises(ModelMissing, match="'tiny' was not fetched"):
        ENGINE.open(task(Machine("base"), model="tiny"))


def test_no_model_at_all_is_an_error_with_every_cure() -> None:
    host = Machine()
    with pytest.raises(ModelMissing, match="No asr model"):
        ENGINE.identity(task(host))
    assert host.fetched == [""]


def test_only_an_offline_machine_without_the_model_hinders_it() -> None:
    assert ENGINE.hindrance(task(Machine())) == ""
    assert ENGINE.hindrance(task(Machine("base", models_offline=True))) == ""
    assert "models.offline is on" in ENGINE.hindrance(task(Machine(models_offline=True)))
    # Nothing else is there to take its place, so it says itself what it lacks.
    assert choose_recogniser(task(Machine(models_offline=True))) is ENGINE
    with pytest.raises(ModelMissing, match=r"transcribe\.engine is 'faster-whisper', but"):
        choose_recogniser(task(Machine(models_offline=True), engine="faster-whisper"))
