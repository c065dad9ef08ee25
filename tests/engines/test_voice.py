"""The voice engine makes a take of a line: exact place, exact length, honest flags, a receipt."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.engines import Engine
from dubkit.engines.voice import VoiceEngine
from dubkit.types import SAMPLE_RATE, Line, Slot
from dubkit.voice.fit import FitSettings
from dubkit.voice.voices import HIBARI, KOKORO


class Beep:
    """Speaks a tone of one second at speed 1, after a fifth of a second of silence."""

    rate = 24_000

    def __init__(self, name: str = "beep") -> None:
        self.name = name

    def voices(self, language: str) -> tuple[str, ...]:
        return ("beep",)

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(round(self.rate / speed)) / self.rate)
        return np.concatenate([np.zeros(self.rate // 5), tone]).astype(np.float32)


def test_a_take_starts_with_its_slot_and_tells_its_length() -> None:
    engine = VoiceEngine(Beep(), FitSettings())
    slot = Slot(48_001, 48_001 + 2 * SAMPLE_RATE, 48_001 + 3 * SAMPLE_RATE)
    spoken, samples = engine.speak(Line("s0001", "Tudo certo por aqui."), "low", slot, "pt-BR")
    assert (spoken.id, spoken.engine, spoken.voice) == ("s0001", "beep", "low")
    assert spoken.start_sample == slot.start_sample
    assert spoken.samples == len(samples)
    assert (spoken.fit, spoken.flags) == ("fits", ())
    assert samples.dtype == np.float32
    assert np.abs(samples[: round(0.005 * SAMPLE_RATE)]).max() > 0.01


def test_a_take_that_lost_words_says_so() -> None:
    engine = VoiceEngine(Beep(), FitSettings())
    spoken, samples = engine.speak(Line("s0001", "Tudo certo."), "", Slot(0, 9600, 9600), "pt-BR")
    assert (spoken.fit, spoken.flags, len(samples)) == ("cut", ("rushed", "cut"), 9600)


def test_a_line_without_words_gives_an_empty_take_with_a_flag() -> None:
    engine = VoiceEngine(Beep(), FitSettings())
    spoken, samples = engine.speak(Line("s0001", "(risos)"), "", Slot(0, 9600, 9600), "pt-BR")
    assert (spoken.samples, spoken.flags, len(samples)) == (0, ("nothing-to-say",), 0)


@pytest.mark.parametrize(("name", "languages"), [(HIBARI, ("en",)), ("beep", ())])
def test_limits_name_the_languages_and_the_route(name: str, languages: tuple[str, ...]) -> None:
    engine: Engine = VoiceEngine(Beep(name), FitSettings())
    assert engine.name == "voice"
    assert engine.limits.routes == ("voice",)
    assert engine.limits.languages == languages


def test_the_receipt_lists_the_voices_in_order_of_use() -> None:
    engine = VoiceEngine(Beep(KOKORO), FitSettings())
    for voice in ("b", "a", "b"):
        engine.speak(Line("s0001", "Oi."), voice, Slot(0, SAMPLE_RATE, SAMPLE_RATE), "pt-BR")
    assert engine.receipt.engine == KOKORO
    assert engine.receipt.voices == ("b", "a")
    assert VoiceEngine(Beep(), FitSettings()).receipt.version == ""
