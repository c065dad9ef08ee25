"""Which voice engine speaks a language, and what is said when none can."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

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
        ("en-GB", "hibari", False),
        ("ja", "espeak-ng", True),
    ],
)
def test_the_best_engine_for_the_language_speaks(
    installed: set[str], language: str, name: str, degraded: bool
) -> None:
    choice = chosen("auto", language)
    assert (choice.engine.label, choice.degraded) == (name, degraded)


def test_english_is_spoken_by_kokoro_where_hibari_is_missing(installed: set[str]) -> None:
    installed.discard("hibari")
    assert chosen("auto", "en").engine is kokoro.ENGINE


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
        "it speaks de, en, en-gb, es, es-419, fr, it, pt, pt-br, pt-pt."
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
    with pytest.raises(VoiceError, match=r"'piper', but there is no such.*\nKnown: auto, hibari, kokoro"):
        chosen("piper", "en")


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
