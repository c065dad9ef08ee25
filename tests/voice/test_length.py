"""How long a voice will take is known before it speaks, and never from what an episode taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.errors import VoiceError
from dubkit.types.voices import Reference
from dubkit.voice.engine import LengthSource, MeasuredPace, SpeakerTraits, VoiceEngine, VoiceOpening
from dubkit.voice.length import budget, open_lengths
from dubkit.voice.syllables import syllables


def _refuse(opening: VoiceOpening) -> Any:
    raise AssertionError("a length is told without opening the voice")


def _voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    return ""


ENGINE = VoiceEngine("plain", "a voice", ("pt",), _voice_for, _refuse)
MEASURED = replace(
    ENGINE,
    paces={
        "pt": MeasuredPace(0.2, 0.3, 0.1, 0.08, 2.5),
        "pt/slow": MeasuredPace(0.4, 0.3, 0.1, 0.08, 2.5),
    },
)
OPENING = VoiceOpening(None)


class Teller:
    """Tells a second for every word, and counts how often it was asked."""

    spread = 0.05
    source: LengthSource = "network"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def seconds(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> float:
        self.asked.append(text)
        return len(text.split()) / speed


def test_a_voice_that_can_be_asked_is_asked_for_what_is_spoken_and_once() -> None:
    teller = Teller()
    lengths = open_lengths(replace(MEASURED, lengths=lambda opening: teller), OPENING)
    told = [lengths.ask("Tenho 21 anos.", voice="", language="pt-BR", speed=2.0) for _ in range(2)]
    assert told[0] == told[1]
    assert (told[0].seconds, told[0].spread, told[0].source) == (2.5, 0.05, "network")
    assert teller.asked == ["Tenho vinte e um anos."]


def test_a_measured_voice_takes_its_pace_times_the_syllables_and_marks() -> None:
    told = open_lengths(MEASURED, OPENING).ask("Para, gato.", voice="", language="pt-BR")
    assert (told.source, told.spread) == ("measured", 0.08)
    assert told.seconds == pytest.approx(0.1 + 4 * 0.2 + 0.3)


def test_a_voice_with_a_pace_of_its_own_has_its_own_lengths() -> None:
    lengths = open_lengths(MEASURED, OPENING)
    slow, plain = (lengths.ask("Para gato.", voice=voice, language="pt") for voice in ("slow", ""))
    assert slow.seconds - plain.seconds == pytest.approx(4 * 0.2)


def test_an_unmeasured_voice_is_taken_to_speak_as_people_do_and_says_how_unsure_that_is() -> None:
    told = open_lengths(ENGINE, OPENING).ask("uno dos tres", voice="", language="es")
    assert told.source == "syllables"
    assert told.spread > 0.2
    assert told.seconds == pytest.approx(4 / 7.82)


def test_a_voice_of_which_nothing_is_known_speaks_to_tell_where_it_may() -> None:
    class Voice:
        rate = 1000

        def speak(self, text: str, *, speed: float, **_: object) -> Any:
            return np.concatenate([np.full(round(900 / speed), 0.5, np.float32), np.zeros(4000, np.float32)])

    engine = replace(ENGINE, open=lambda opening: Voice())
    told = open_lengths(engine, OPENING, speaking=True).ask("Sim.", voice="", language="pt", speed=1.5)
    assert (told.source, told.spread) == ("spoken", 0.0)
    assert told.seconds == pytest.approx(0.6, abs=0.03)
    measured = replace(MEASURED, open=lambda opening: Voice())
    told = open_lengths(measured, OPENING, speaking=True).ask("Sim.", voice="", language="pt")
    assert told.source == "measured"


def test_a_text_that_cannot_be_told_is_reckoned_so_that_the_others_go_on() -> None:
    class Broken(Teller):
        def seconds(self, text: str, **how: Any) -> float:
            if "gato" in text:
                raise VoiceError("no voice")
            return super().seconds(text, **how)

    lengths = open_lengths(replace(MEASURED, lengths=lambda opening: Broken()), OPENING)
    told = [lengths.ask(text, voice="", language="pt").source for text in ("Para, gato.", "Sim.")]
    assert told == ["measured", "network"]


@pytest.mark.parametrize("text", ["", "  ", "[suspira]", "♪"])
def test_what_is_not_spoken_takes_no_time(text: str) -> None:
    assert open_lengths(MEASURED, OPENING).ask(text, voice="", language="pt").seconds == 0.0


def test_a_budget_holds_the_syllables_that_fit() -> None:
    fits = budget(2.1, MEASURED, "pt-BR")
    assert (fits.syllables, fits.characters) == (10, 25)
    assert budget(2.1, MEASURED, "pt-BR", voice="slow").syllables == 5
    assert budget(0.05, MEASURED, "pt-BR").syllables == 0


@pytest.mark.parametrize(
    ("text", "language", "count"),
    [
        ("Eu não sei o que aconteceu ontem.", "pt-BR", 12),
        ("I made a little cake", "en", 6),
        ("Ich weiß es nicht genau.", "de", 6),
        ("東京へ行きます", "ja", 7),
        ("\u044f \u043d\u0435 \u0437\u043d\u0430\u044e", "ru", 4),
        ("hm", "en", 1),
        ("…", "en", 0),
    ],
)
def test_syllables_are_counted_in_every_script(text: str, language: str, count: int) -> None:
    assert syllables(text, language) == count


def test_a_cloned_voice_is_asked_in_its_own_recording(tmp_path: Path) -> None:
    class Cloner:
        rate = 1000

        def speak(self, text: str, *, reference: Reference | None = None, **_: object) -> NDArray[np.float32]:
            seconds = 2.0 if reference is not None else 1.0
            return np.asarray(0.5 * np.sin(np.arange(round(seconds * self.rate))), np.float32)

    engine = VoiceEngine("cloner", "", ("en",), _voice_for, lambda opening: Cloner())
    lengths = open_lengths(engine, VoiceOpening(None), speaking=True)
    reference = Reference(tmp_path / "ana.wav", "", "en")
    plain = lengths.ask("Hello there.", voice="a", language="en")
    cloned = lengths.ask("Hello there.", voice="a", language="en", reference=reference)
    assert (round(plain.seconds, 1), round(cloned.seconds, 1)) == (1.0, 2.0)
