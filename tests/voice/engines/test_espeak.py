"""espeak-ng says what it is told, in any language, with a voice for every speaker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dubkit.errors import VoiceError
from dubkit.voice.engine import SpeakerTraits
from dubkit.voice.engines import espeak, espeak_process
from dubkit.voice.engines.espeak import ENGINE, HIGH, LOW
from tests.support.voices import needs_espeak, open_engine


def test_it_has_voices_of_two_kinds() -> None:
    assert ENGINE.voice_for(SpeakerTraits("ja", 100), ()) in LOW
    assert ENGINE.voice_for(SpeakerTraits("ja", 220), ()) in HIGH
    assert ENGINE.voice_for(SpeakerTraits("ja", 0.0), ()) in LOW


@needs_espeak
def test_its_library_tells_its_version() -> None:
    assert ENGINE.probe is not None
    assert ENGINE.probe().startswith("espeak-ng 1.")


@needs_espeak
def test_espeak_speaks_any_language_from_its_first_sample() -> None:
    speaker = open_engine("espeak")
    assert ENGINE.speaks("ja")
    assert not ENGINE.speaks("tlh")
    for language, text in [
        ("ja", "こんにちは"),
        ("pt-BR", "Olá!"),
        ("zh-TW", "你好"),
        ("no", "hei"),
        ("fr", "oui"),
    ]:
        sound = speaker.speak(text, voice="m3", language=language, speed=1.0)
        assert 0.1 * speaker.rate < len(sound) < 3 * speaker.rate
        assert np.abs(sound[: round(0.005 * speaker.rate)]).max() > 0.005
        assert np.array_equal(sound, speaker.speak(text, voice="m3", language=language, speed=1.0))


@needs_espeak
def test_espeak_voices_and_speeds_differ() -> None:
    speaker = open_engine("espeak")
    low, high = (speaker.speak("Bom dia", voice=v, language="pt", speed=1.0) for v in ("m3", "f2"))
    fast = speaker.speak("Bom dia", voice="m3", language="pt", speed=1.5)
    assert not np.array_equal(low, high)
    assert len(fast) < 0.8 * len(low)


@needs_espeak
def test_espeak_names_what_it_cannot_speak() -> None:
    speaker = open_engine("espeak")
    with pytest.raises(VoiceError, match="espeak-ng cannot speak 'tlh'"):
        speaker.speak("a", voice="", language="tlh", speed=1.0)
    with pytest.raises(VoiceError, match="espeak-ng has no voice 'bob'"):
        speaker.speak("a", voice="bob", language="pt", speed=1.0)


@needs_espeak
def test_espeak_in_its_own_process_ends_with_what_went_wrong() -> None:
    folder = espeak.packaged_library()
    assert folder is not None
    files = str(folder / "libespeak-ng.so"), str(folder / "espeak-ng-data")
    rate, pcm = espeak_process.synthesise(*files, {espeak_process.PACE: 165}, ("no-such", "pt-br"), b"oi")
    assert rate == espeak.RATE
    assert len(pcm) > 2000
    with pytest.raises(LookupError):
        espeak_process.synthesise(*files, {espeak_process.PACE: 165}, ("no-such",), b"oi")


@needs_espeak
@pytest.mark.parametrize("problem", ["library", "time"])
def test_a_failing_espeak_is_an_error_that_names_the_line(
    problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    speaker = espeak.EspeakSynthesiser()
    if problem == "library":
        speaker.library = str(tmp_path / "none.so")
    else:
        monkeypatch.setattr(espeak, "TIME_LIMIT", 1e-3)
    with pytest.raises(VoiceError, match=r"espeak-ng (could not speak|did not finish) 'oi'"):
        speaker.speak("oi", voice="", language="pt", speed=1.0)


def test_espeak_without_a_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "packaged_library", lambda: None)
    monkeypatch.setattr(espeak.ctypes.util, "find_library", lambda name: None)
    assert not espeak.installed()
    assert espeak.speaks("anything")
    with pytest.raises(VoiceError, match="pip install espeakng-loader"):
        espeak.EspeakSynthesiser()
