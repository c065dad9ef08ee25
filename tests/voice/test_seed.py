"""A seed gives another reading of a line: audibly other, the same again, in the same voice."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.speech.pitch import median_pitch
from dubkit.types import SAMPLE_RATE, Slot
from dubkit.voice.engine import Synthesiser
from dubkit.voice.engines import espeak
from dubkit.voice.engines.hibari import WIDEST, other_melody
from dubkit.voice.fit import PACE, Speech, fit_line
from dubkit.voice.seed import direction, varied
from dubkit.voice.settings import Speak
from tests.support.voices import join_kokoro, needs_espeak, needs_hibari, needs_kokoro, open_engine

SEEDS = (0, 1, 2, -7, 2**40)
WIDE = Slot(0, 8 * SAMPLE_RATE, 9 * SAMPLE_RATE)
TEXT = {
    "kokoro": ("pt-BR", "A gente precisa conversar. Você vem comigo?"),
    "hibari": ("en", "I never said that."),
}


class Tone:
    """Speaks a tone whose length obeys its speed, and remembers what it was asked."""

    rate = 24_000

    def __init__(self) -> None:
        self.asked: list[tuple[float, int | None]] = []

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> NDArray[np.float32]:
        self.asked.append((speed, seed))
        return np.sin(np.arange(round(self.rate / speed)) / 20).astype(np.float32)


def test_what_a_seed_decides_stays_as_it_was_the_first_time() -> None:
    assert varied(7, "pace", 0.0, 1.0) == pytest.approx(0.48448, abs=1e-5)
    assert hashlib.sha256(direction(7, "prosody", 128).tobytes()).hexdigest()[:12] == "faa50cf0a02f"


def test_seeds_and_subjects_decide_apart_from_each_other() -> None:
    drawn = {varied(seed, what, 0.0, 1.0) for seed in range(-50, 50) for what in ("pace", "range")}
    assert len(drawn) == 200
    assert 0.4 < sum(drawn) / 200 < 0.6
    assert np.linalg.norm(direction(3, "prosody", 128)) == pytest.approx(1.0)
    assert abs(float(direction(3, "prosody", 128) @ direction(4, "prosody", 128))) < 0.5


def test_without_a_seed_the_synthesiser_is_asked_as_ever() -> None:
    tone = Tone()
    fit_line(Speech(tone, "Bom dia.", "sine", "pt-BR"), WIDE, Speak())
    assert tone.asked == [(0.95, None)]


@pytest.mark.parametrize(
    "limits", [Speak(), Speak(min_speed=1.0, max_speed=1.0), Speak(min_speed=0.97, max_speed=1.02)]
)
def test_the_pace_of_another_reading_stays_within_the_settings(limits: Speak) -> None:
    plain = min(limits.min_speed, 1.0)
    paces = set()
    for seed in range(40):
        tone = Tone()
        fitted = fit_line(Speech(tone, "Bom dia.", "sine", "pt-BR", seed), WIDE, limits)
        ((speed, asked),) = tone.asked
        assert (speed, asked) == (pytest.approx(fitted.speed, abs=1e-3), seed)
        assert limits.min_speed <= fitted.speed <= min(limits.max_speed, plain * PACE[1])
        paces.add(fitted.speed)
    assert (len(paces) > 5) == (limits.min_speed < limits.max_speed)


def test_another_reading_of_a_long_line_still_ends_in_its_slot() -> None:
    for seed in range(10):
        fitted = fit_line(Speech(Tone(), "Bom dia.", "sine", "pt-BR", seed), Slot(0, 40_000, 40_000), Speak())
        assert fitted.fit == "faster"
        assert len(fitted.samples) <= 40_000


def test_a_line_without_words_says_nothing_in_any_reading() -> None:
    fitted = fit_line(Speech(Tone(), "(risos)", "", "pt", 3), WIDE, Speak())
    assert (fitted.flags, len(fitted.samples)) == (("nothing-to-say",), 0)


def test_another_melody_keeps_silence_and_stays_near_its_middle() -> None:
    melody = np.concatenate([np.zeros(10), np.linspace(90.0, 400.0, 80), np.zeros(10)]).astype(np.float32)
    for seed in SEEDS:
        other = other_melody(melody, seed)
        assert np.array_equal(other == 0, melody == 0)
        centre = np.median(12 * np.log2(melody[10:90]))
        assert np.abs(12 * np.log2(other[10:90]) - centre).max() <= WIDEST + 1e-3
        assert not np.allclose(other, melody, rtol=0.01)
    assert np.array_equal(other_melody(np.zeros(5, np.float32), 1), np.zeros(5, np.float32))


def level(sound: NDArray[np.float32]) -> float:
    return 20 * float(np.log10(np.sqrt(np.mean(sound.astype(np.float64) ** 2))))


def check_readings(speaker: Synthesiser, voice: str, language: str, text: str, octaves: float) -> None:
    """Assert that seeds give other takes of like length, level and pitch, and each the same one again."""
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    def take(seed: int | None) -> NDArray[np.float32]:
        fitted = fit_line(Speech(speaker, text, voice, language, seed), WIDE, Speak())
        assert fitted.flags == ()
        return fitted.samples

    def pitch(sound: NDArray[np.float32]) -> float:
        return median_pitch(resample_poly(sound, 1, 3).astype(np.float32), [(0, len(sound) / SAMPLE_RATE)])

    plain = take(None)
    others = [take(seed) for seed in SEEDS]
    assert np.array_equal(others[1], take(SEEDS[1]))
    assert len({sound.tobytes() for sound in (plain, *others)}) == 1 + len(SEEDS)
    for sound in others:
        assert 0.75 < len(sound) / len(plain) < 1.35
        assert abs(level(sound) - level(plain)) < 1.5
        assert abs(np.log2(pitch(sound) / pitch(plain))) < octaves


@needs_espeak
def test_espeak_reads_in_other_ways_within_its_voice() -> None:
    check_readings(open_engine("espeak"), "m3", "pt-BR", "Tudo bem?", 0.4)


@needs_espeak
def test_a_plain_reading_of_espeak_sets_nothing_but_its_pace() -> None:
    assert espeak._parameters(1.0, None) == "1=165"
    assert espeak._parameters(1.0, 0).startswith("1=165,3=")


@needs_hibari
def test_hibari_reads_in_other_ways_within_its_voice() -> None:
    speaker = open_engine("hibari")
    check_readings(speaker, "", *TEXT["hibari"], octaves=0.25)
    two = [speaker.speak("Wait. Now.", voice="", language="en", speed=1.0, seed=seed) for seed in (1, 2)]
    assert len(two[0]) != len(two[1])  # the pause between the sentences


@pytest.fixture(scope="module")
def kokoro(tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    return open_engine("kokoro", join_kokoro(tmp_path_factory.mktemp("kokoro")))


@pytest.mark.slow
@needs_kokoro
@pytest.mark.parametrize("voice", ["jm_kumo", "0.5*jf_nezumi+0.5*jm_kumo"])
def test_kokoro_reads_in_other_ways_within_its_voice(kokoro: Synthesiser, voice: str) -> None:
    check_readings(kokoro, voice, *TEXT["kokoro"], octaves=0.3)
