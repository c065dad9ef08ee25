"""Whatever an engine lacks, the next one speaks and is named; one asked for by name is never replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dubkit.errors import VoiceError
from dubkit.voice.engine import ENGINES, VoiceChoice, VoiceEngine, VoiceNeed, choose_voice_engine
from dubkit.voice.engines import espeak, hibari, kokoro, pocket_tts
from dubkit.voice.homes.home import FOLDER, MadeHome, mark, python_in


@dataclass
class Machine:
    """A machine on which every engine can speak, until something is taken away."""

    cache: Path
    without_home: set[str] = field(default_factory=set)
    without_model: set[str] = field(default_factory=set)
    packages: set[str] = field(
        default_factory=lambda: {"onnxruntime", "misaki", "phonemizer", "hibari", "espeak"}
    )
    pocket_weights: bool = True

    def need(self, language: str) -> Callable[[VoiceEngine], VoiceNeed]:
        def asked(engine: VoiceEngine) -> VoiceNeed:
            cache = self.cache if engine.name not in self.without_home else self.cache / "empty"
            settings = engine.settings() if engine.settings else None
            return VoiceNeed(language, engine.name not in self.without_model, settings, cache=cache)

        return asked

    def chosen(self, language: str, provider: str = "auto") -> VoiceChoice:
        return choose_voice_engine(provider, language, self.need(language))

    def take_away(self, name: str) -> None:
        """Take away what an engine cannot do without."""
        if ENGINES.records[name].home is not None:
            self.without_home.add(name)
        else:
            self.without_model.add(name)
            self.packages -= {name}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    for engine in ENGINES:
        if engine.home is not None:
            folder = tmp_path / FOLDER / engine.name
            python_in(folder).parent.mkdir(parents=True)
            python_in(folder).touch()
            mark(folder, MadeHome(engine.home.packages, engine.home.version, "3.11"))
    present = lambda package: package in machine.packages or package == "espeakng_loader"  # noqa: E731
    for module in (kokoro, hibari):
        monkeypatch.setattr(module, "installed", present)
    monkeypatch.setattr(espeak, "installed", lambda: "espeak" in machine.packages)
    monkeypatch.setattr(espeak, "languages", lambda: frozenset({"ja", "en-us", "pt-br", "pt"}))
    monkeypatch.setattr(pocket_tts, "_has_weights", lambda name: machine.pocket_weights)
    return machine


@pytest.mark.parametrize(
    ("language", "turn"),
    [
        ("pt-BR", ["kokoro", "omnivoice", "pocket-tts", "chatterbox", "espeak"]),
        ("en", ["kokoro", "omnivoice", "pocket-tts", "hibari", "chatterbox", "piper", "espeak"]),
        ("ja", ["omnivoice", "chatterbox", "espeak"]),
    ],
)
def test_engines_speak_in_turn_as_each_is_taken_away(
    machine: Machine, language: str, turn: list[str]
) -> None:
    for name in turn:
        choice = machine.chosen(language)
        assert choice.engine.name == name
        assert choice.degraded is (name == "espeak")
        machine.take_away(name)
    with pytest.raises(VoiceError, match="Nothing here can speak") as refused:
        machine.chosen(language)
    for name in turn:
        assert ENGINES.records[name].sentence_name in str(refused.value)


@pytest.mark.parametrize("name", ENGINES.names)
def test_an_engine_that_was_asked_for_is_refused_and_never_replaced(machine: Machine, name: str) -> None:
    machine.take_away(name)
    with pytest.raises(VoiceError, match=f"speak.provider is '{name}', but "):
        machine.chosen("en", name)


@pytest.mark.parametrize("name", [engine.name for engine in ENGINES if engine.home is not None])
def test_an_engine_without_its_home_says_how_to_make_it(machine: Machine, name: str) -> None:
    machine.take_away(name)
    with pytest.raises(VoiceError, match=f"dubkit voices install {name}"):
        machine.chosen("en", name)


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("omnivoice", "dubkit models get omnivoice"),
        ("chatterbox", "dubkit models get chatterbox-multilingual"),
        ("kokoro", "pip install"),
    ],
)
def test_an_engine_without_its_weights_says_how_to_get_them(machine: Machine, name: str, cure: str) -> None:
    machine.without_model.add(name)
    with pytest.raises(VoiceError, match=cure):
        machine.chosen("en", name)
    assert machine.chosen("en").engine.name != name


def test_weights_that_a_package_keeps_itself_are_looked_for(machine: Machine) -> None:
    machine.pocket_weights = False
    with pytest.raises(
        VoiceError, match=r"no weights for portuguese .*pocket-tts generate --language portuguese"
    ):
        machine.chosen("pt-BR", "pocket-tts")


def test_piper_without_a_voice_of_the_language_says_where_to_name_one(machine: Machine) -> None:
    with pytest.raises(VoiceError, match=r"no voice for pt-BR here\. Set speak\.piper\.voices"):
        machine.chosen("pt-BR", "piper")


def test_a_robotic_voice_speaks_only_where_nothing_better_can(machine: Machine) -> None:
    for name in ("kokoro", "omnivoice", "pocket-tts", "chatterbox", "piper"):
        machine.take_away(name)
    choice = machine.chosen("pt-BR")
    assert (choice.engine.name, choice.degraded) == ("espeak", True)
    assert "the Kokoro model is not on this machine" in choice.reason
