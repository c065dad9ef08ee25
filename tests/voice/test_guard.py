"""A voice engine of another package that breaks is named, and stops nothing but its own lines."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubkit.errors import PluginFailed, VoiceError
from dubkit.registry import _guarded
from dubkit.voice.engine import (
    ENGINES,
    SpeakerTraits,
    VoiceEngine,
    VoiceNeed,
    VoiceOpening,
    choose_voice_engine,
)
from dubkit.voice.guard import callers_of, cast_voice, open_engine, open_teller
from tests.support.plugins import dubkit, install
from tests.voice.test_plugin import BEEP, RUN, desk

__all__ = ["desk"]

PACKAGE = "dubkit_chip 1.0"
OPENING = VoiceOpening(None)
TRAITS = SpeakerTraits("tlh", 100.0)


class Chip:
    """Speaks what a test wants, or raises it."""

    def __init__(self, sound: Any, rate: Any = 16_000) -> None:
        self.sound, self.rate = sound, rate

    def speak(self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None) -> Any:
        if isinstance(self.sound, Exception):
            raise self.sound
        return self.sound


class Unopened:
    def __init__(self, opening: VoiceOpening) -> None:
        raise KeyError("weights")


def raising(error: Exception) -> Callable[..., Any]:
    def function(*arguments: object) -> Any:
        raise error

    return function


@pytest.fixture
def bring(monkeypatch: pytest.MonkeyPatch) -> Callable[..., VoiceEngine]:
    """Return a function that registers an engine as another package's."""

    def chip(sound: Any = None, rate: Any = 16_000, **fields: Any) -> VoiceEngine:
        record = VoiceEngine(
            "chip", "Chip", ("tlh",), lambda traits, taken: "one", lambda _: Chip(sound, rate)
        )
        engine = _guarded(replace(record, **fields), PACKAGE)
        records, problems, packages = ENGINES._read
        read = ({**records, "chip": engine}, problems, {**packages, "chip": PACKAGE})
        monkeypatch.setitem(ENGINES.__dict__, "_read", read)
        return engine

    return chip


def spoken(engine: VoiceEngine) -> tuple[Any, int]:
    synthesiser = open_engine(engine, OPENING)
    return synthesiser.speak("a", voice="", language="tlh", speed=1.0), synthesiser.rate


@pytest.mark.parametrize("error", [ValueError("no such pitch"), FileNotFoundError(2, "no", "chip.bin")])
def test_what_breaks_in_speak_names_package_and_function(
    bring: Callable[..., VoiceEngine], error: Exception
) -> None:
    with pytest.raises(PluginFailed, match=rf"dubkit_chip 1.0: chip.speak failed: {type(error).__name__}: "):
        spoken(bring(error))


def test_an_error_for_users_and_a_full_disk_stay_what_they_are(bring: Callable[..., VoiceEngine]) -> None:
    with pytest.raises(VoiceError, match=r"^no voice 'bob'$"):
        spoken(bring(VoiceError("no voice 'bob'")))
    with pytest.raises(OSError, match="disk is full") as full:
        spoken(bring(OSError(errno.ENOSPC, "disk is full")))
    assert full.value.errno == errno.ENOSPC


@pytest.mark.parametrize("open_chip", [Unopened, raising(KeyError("weights")), raising(OSError("weights"))])
def test_what_breaks_in_open_names_package_and_function(
    bring: Callable[..., VoiceEngine], open_chip: Callable[[VoiceOpening], Chip]
) -> None:
    with pytest.raises(PluginFailed, match=r"dubkit_chip 1.0: chip.open failed: \w+: '?weights"):
        spoken(bring(open=open_chip))


def test_what_open_returns_must_be_able_to_speak(bring: Callable[..., VoiceEngine]) -> None:
    with pytest.raises(PluginFailed, match=r"chip.speak failed: AttributeError: 'NoneType'"):
        spoken(bring(open=lambda opening: None))


@pytest.mark.parametrize(
    ("sound", "problem"),
    [
        (np.zeros((2, 400), np.float32), r"gave samples of shape \(2, 400\); \(N,\) is needed"),
        (None, r"gave a NoneType; \(N,\) is needed"),
        (b"RIFF", r"gave a bytes that holds no samples"),
        ([[0.1], [0.1, 0.2]], r"gave a list that holds no samples"),
        (np.ones(4, np.int16), r"gave samples of type int16; floats with a full scale of 1\.0 are needed"),
        (np.ones(4, np.complex64), r"gave samples of type complex64"),
        (np.array([0.0, np.nan], np.float32), r"gave samples that are not finite numbers"),
    ],
)
def test_samples_that_cannot_be_used_are_refused(
    bring: Callable[..., VoiceEngine], sound: object, problem: str
) -> None:
    with pytest.raises(VoiceError, match=rf"^dubkit_chip 1\.0: chip\.speak {problem}"):
        spoken(bring(sound))


@pytest.mark.parametrize("rate", [0, -8000, 22050.5, "22050", None, True, float("nan")])
def test_a_rate_that_cannot_be_used_is_refused(bring: Callable[..., VoiceEngine], rate: object) -> None:
    with pytest.raises(VoiceError, match=r"^dubkit_chip 1\.0: chip\.rate is .*; a positive whole number"):
        spoken(bring([0.5], rate))


def test_samples_of_any_form_that_can_be_used_pass(bring: Callable[..., VoiceEngine]) -> None:
    array = np.array([0.0, 0.5])
    assert spoken(bring(array, np.int64(8000)))[0] is array
    samples, rate = spoken(bring([0, 0.5, 1], 22050.0))
    assert (samples.dtype, samples.tolist(), rate, type(rate)) == (np.float32, [0.0, 0.5, 1.0], 22050, int)


def test_dubkits_own_engines_are_opened_as_they_are() -> None:
    chip = Chip([0.5])
    assert open_engine(replace(ENGINES.records["espeak"], open=lambda opening: chip), OPENING) is chip


@pytest.mark.parametrize("voice", [None, "", 3])
def test_a_voice_without_a_name_is_refused(bring: Callable[..., VoiceEngine], voice: object) -> None:
    assert cast_voice(bring(), TRAITS, ()) == "one"
    engine = bring(voice_for=lambda traits, taken: voice)
    with pytest.raises(
        VoiceError, match=rf"dubkit_chip 1.0: chip.voice_for returned {voice!r}; the name of a"
    ):
        cast_voice(engine, TRAITS, ())


def test_languages_that_break_stop_only_runs_that_ask_for_the_engine(
    bring: Callable[..., VoiceEngine],
) -> None:
    engine = bring(languages=raising(ValueError("no table")))
    failed = "dubkit_chip 1.0: chip.languages failed: ValueError: no table"
    need = VoiceNeed("tlh", False)
    assert not engine.speaks("tlh")
    assert failed in engine.refusal(need)
    with pytest.raises(VoiceError, match=f"(?s)Nothing here can speak 'tlh'.*{failed}"):
        choose_voice_engine("auto", "tlh", lambda _: need)
    with pytest.raises(VoiceError, match=f"speak.provider is 'chip', but {failed}"):
        choose_voice_engine("chip", "tlh", lambda _: need)


def test_why_lines_are_degraded_is_said_where_the_engine_is_named(
    bring: Callable[..., VoiceEngine],
) -> None:
    bring(degraded="a toy")
    choice = choose_voice_engine("chip", "tlh", lambda _: VoiceNeed("tlh", False))
    assert (choice.reason, choice.degraded) == ("chip, a toy, speaks: chosen by speak.provider", True)


def test_in_a_run_the_line_fails_and_the_others_are_spoken(desk: Path) -> None:
    broken = BEEP.replace("        import numpy", "        1 / (text != 'Good bye.')\n        import numpy")
    assert broken != BEEP
    install(desk / "odd", "dubkit_beep", broken, "beep = dubkit_beep:ENGINE", "dubkit.voices")
    done = dubkit(desk / "odd", "run", *RUN, "--debug", cwd=desk)
    said = done.stdout + done.stderr
    assert "dubkit_beep 1.0: beep.speak failed: ZeroDivisionError: division by zero" in said
    assert "DEBUG dubkit.voice.guard: dubkit_beep 1.0: beep.speak\nTraceback" in said
    takes = desk / "Output" / "clip" / "tlh" / "takes"
    assert json.loads((takes / "s0001/v001/take.json").read_text())["value"]["engine"] == "beep"
    assert (desk / "Output" / "clip" / "tlh" / "mix" / "dub.wav").is_file()


class Teller:
    """Tells what a test wants, or raises it."""

    spread, source = 0.1, "network"

    def __init__(self, told: Any) -> None:
        self.told = told

    def seconds(self, text: str, **_: object) -> Any:
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def told(engine: VoiceEngine) -> float:
    teller = open_teller(engine, OPENING)
    assert teller is not None
    return teller.seconds("a", voice="", language="tlh", speed=1.0)


def test_a_length_is_taken_as_it_is_told(bring: Callable[..., VoiceEngine]) -> None:
    assert told(bring(lengths=lambda opening: Teller(1.5))) == 1.5
    assert open_teller(bring(lengths=lambda opening: None), OPENING) is None
    assert open_teller(bring(), OPENING) is None


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_what_is_no_length_is_refused(bring: Callable[..., VoiceEngine], seconds: float) -> None:
    with pytest.raises(VoiceError, match=r"^dubkit_chip 1\.0: chip\.seconds returned .*; seconds are needed"):
        told(bring(lengths=lambda opening: Teller(seconds)))


@pytest.mark.parametrize("seconds", [KeyError("x"), None, "long"])
def test_what_breaks_in_lengths_names_package_and_function(
    bring: Callable[..., VoiceEngine], seconds: object
) -> None:
    with pytest.raises(PluginFailed, match=r"dubkit_chip 1\.0: chip\.seconds failed"):
        told(bring(lengths=lambda opening: Teller(seconds)))
    with pytest.raises(PluginFailed, match=r"dubkit_chip 1\.0: chip\.lengths failed"):
        told(bring(lengths=raising(ValueError("no table"))))


@pytest.mark.parametrize("callers", [0, -1, 2.5, None, True])
def test_what_is_no_number_of_callers_is_refused(bring: Callable[..., VoiceEngine], callers: object) -> None:
    with pytest.raises(VoiceError, match=r"chip\.callers returned .*; a number from 1 is needed"):
        callers_of(bring(callers=lambda opening: callers), OPENING)
    assert callers_of(bring(callers=lambda opening: 3), OPENING) == 3
