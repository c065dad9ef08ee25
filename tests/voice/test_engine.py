"""Which voice engine speaks a language, and what is said when none can."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from dubkit.errors import VoiceError
from dubkit.settings import result_settings
from dubkit.voice.engine import ENGINES, VoiceChoice, VoiceEngine, VoiceNeed, choose_voice_engine
from dubkit.voice.engines import espeak, hibari, kokoro
from tests.support.voices import missing


def need(language: str, *, model: bool = True) -> Callable[[VoiceEngine], VoiceNeed]:
    return lambda engine: VoiceNeed(language, model)


def chosen(provider: str, language: str, *, model: bool = True) -> VoiceChoice:
    return choose_voice_engine(provider, language, need(language, model=model))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the packages that count as installed; a test takes some away."""
    present = {"onnxruntime", "misaki", "phonemizer", "espeakng_loader", "hibari"}
    for module in (kokoro, hibari):
        monkeypatch.setattr(module, "installed", present.__contains__)
    monkeypatch.setattr(espeak, "installed", lambda: "espeakng_loader" in present)
    monkeypatch.setattr(espeak, "languages", lambda: frozenset({"ja", "en-us", "pt-br", "pt", "fr"}))
    return present


@pytest.mark.parametrize(
    ("language", "name", "degraded"),
    [
        ("pt-BR", "kokoro-82m-int8", False),
        ("fr", "kokoro-82m-int8", False),
        ("en-GB", "kokoro-82m-int8", False),
        ("ja", "espeak-ng", True),
    ],
)
def test_the_best_engine_for_the_language_speaks(
    installed: set[str], language: str, name: str, degraded: bool
) -> None:
    choice = chosen("auto", language)
    assert (choice.engine.label, choice.degraded) == (name, degraded)


def test_an_engine_that_cannot_tell_people_apart_speaks_where_no_other_can(installed: set[str]) -> None:
    assert chosen("auto", "en").engine is kokoro.ENGINE
    installed.discard("misaki")
    assert chosen("auto", "en").engine is hibari.ENGINE


def test_the_robotic_voice_is_degraded_and_says_what_is_missing(installed: set[str]) -> None:
    choice = chosen("auto", "pt-BR", model=False)
    assert (choice.engine, choice.degraded) == (espeak.ENGINE, True)
    assert choice.reason == (
        "espeak-ng, a robotic voice, speaks: the Kokoro model is not on this machine. "
        'Run: pip install "dubkit[offline]"'
    )
    installed.discard("misaki")
    assert "Kokoro needs misaki" in chosen("auto", "pt-BR").reason


def test_a_language_that_only_the_robotic_voice_knows_says_what_the_better_one_speaks(
    installed: set[str],
) -> None:
    assert chosen("auto", "ja").reason == (
        "espeak-ng, a robotic voice, speaks: Kokoro does not speak ja; "
        "it speaks de, en, en-gb, es, es-419, fr, hi, it, pt, pt-br, pt-pt."
    )
    for package in ("hibari", "misaki"):
        installed.discard(package)
    assert "hibari is not installed" in chosen("auto", "en").reason


def test_a_named_engine_is_taken_or_refused_with_the_reason(installed: set[str]) -> None:
    assert chosen("espeak", "pt-BR") == VoiceChoice(espeak.ENGINE, "chosen by speak.provider", degraded=True)
    with pytest.raises(VoiceError, match=r"'hibari', but hibari does not speak pt-BR; it speaks en\."):
        chosen("hibari", "pt-BR")
    with pytest.raises(VoiceError, match="Kokoro does not speak ja; it speaks de, en"):
        chosen("kokoro", "ja")


def test_an_engine_that_is_not_there_is_refused_and_nobody_speaks_in_its_place(installed: set[str]) -> None:
    with pytest.raises(VoiceError, match=r"'festival', but there is no such.*\nKnown: auto, hibari, kokoro"):
        chosen("festival", "en")


def test_a_language_that_nothing_speaks_is_refused_with_every_reason(installed: set[str]) -> None:
    with pytest.raises(VoiceError, match=r"(?s)Nothing here can speak 'tlh'.*hibari.*Kokoro.*espeak-ng"):
        chosen("auto", "tlh")
    installed.discard("espeakng_loader")
    with pytest.raises(VoiceError, match="espeak-ng is not installed"):
        chosen("auto", "ja")


def test_the_role_of_an_engine_is_that_of_one_of_its_models() -> None:
    for engine in ENGINES:
        assert not engine.role or engine.role in {spec.role for spec in engine.models}, engine.name


def test_the_number_of_cores_enters_no_key() -> None:
    assert kokoro.ENGINE.settings is kokoro.KokoroSettings
    assert result_settings(kokoro.ENGINE.settings, kokoro.ENGINE.table) == ()


def test_choosing_loads_no_engine() -> None:
    code = (
        "import sys; from dubkit.voice.engine import VoiceNeed, choose_voice_engine as c\n"
        "c('auto', 'pt-BR', lambda _: VoiceNeed('pt-BR', False)) if sys.argv[1] == 'yes' else None\n"
        "print([m for m in ('onnxruntime', 'misaki', 'hibari', 'numpy', 'scipy', 'av') if m in sys.modules])"
    )
    able = "no" if missing("espeakng_loader") else "yes"
    ran = subprocess.run([sys.executable, "-c", code, able], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Add an engine that wants setting up; return what it is: `here`, and `broken`."""
    words: set[str] = set()
    engine = replace(
        kokoro.ENGINE,
        name="service",
        called="The service",
        languages=lambda tag: True,
        hindrance=lambda need: "its address is none." if "broken" in words else "",
        set_up=lambda need: "here" in words,
        abilities=("clone", "style"),
        usable=lambda own: ("style", "length"),
    )
    monkeypatch.setitem(ENGINES.records, "service", engine)
    return words


def test_auto_takes_an_engine_that_was_set_up_and_never_one_that_was_not(
    installed: set[str], service: set[str]
) -> None:
    assert chosen("auto", "pt-BR").engine is kokoro.ENGINE
    with pytest.raises(VoiceError, match="Nothing here can speak 'tlh'"):
        chosen("auto", "tlh")
    service.add("here")
    choice = chosen("auto", "pt-BR")
    assert (choice.engine.name, choice.reason, choice.degraded) == (
        "service",
        "set up in [speak.service]",
        False,
    )


def test_one_that_was_set_up_and_cannot_work_is_no_reason_for_another_voice(
    installed: set[str], service: set[str]
) -> None:
    service |= {"here", "broken"}
    with pytest.raises(VoiceError, match=r"The service is set up in \[speak.service\], but its address"):
        chosen("auto", "pt-BR")


def test_an_engine_has_only_the_abilities_that_its_settings_leave_it(service: set[str]) -> None:
    assert ENGINES.records["service"].with_settings(None).abilities == ("style",)
    assert kokoro.ENGINE.with_settings(None) is kokoro.ENGINE
