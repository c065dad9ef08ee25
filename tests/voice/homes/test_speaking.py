"""What an engine in a home gives is speech as any other engine's: trimmed, paced, from any reference."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from dubkit.errors import VoiceError
from dubkit.types.voices import Reference
from dubkit.voice.engine import ENGINES, VoiceOpening
from dubkit.voice.homes import speaking
from dubkit.voice.homes.home import FOLDER, RUNNERS, MadeHome, mark, python_in
from dubkit.voice.homes.speaking import HomeSynthesiser
from tests.support.stand_ins import unpack

TEXT = "A line of some length."


@pytest.fixture
def pocket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HomeSynthesiser:
    """pocket-tts in a home whose packages are stand-ins."""
    engine = ENGINES.records["pocket-tts"]
    assert engine.home is not None
    folder = tmp_path / FOLDER / engine.name
    python_in(folder).parent.mkdir(parents=True)
    python_in(folder).touch()
    mark(folder, MadeHome(engine.home.packages, "4.0.1", "3.11"))
    monkeypatch.setattr(
        speaking, "runner_command", lambda folder: (sys.executable, str(RUNNERS / "serve.py"))
    )
    monkeypatch.setenv("PYTHONPATH", str(unpack(tmp_path / "site", "pocket-tts", "torch")))
    monkeypatch.setenv("STAND_IN_CALLS", str(tmp_path / "calls"))
    synthesiser = engine.open(VoiceOpening(None, cache=tmp_path))
    assert isinstance(synthesiser, HomeSynthesiser)
    return synthesiser


def test_an_engine_without_a_speed_of_its_own_is_stretched(pocket: HomeSynthesiser) -> None:
    plain = pocket.speak(TEXT, voice="alba", language="en", speed=1.0)
    assert (pocket.rate, len(plain) / 24_000) == (24_000, pytest.approx(0.06 * len(TEXT), abs=0.02))
    fast = pocket.speak(TEXT, voice="alba", language="en", speed=1.25)
    assert len(plain) / len(fast) == pytest.approx(1.25, abs=0.02)


def test_a_reference_of_any_form_is_given_as_16_bit_samples(pocket: HomeSynthesiser, tmp_path: Path) -> None:
    file = tmp_path / "ana.wav"
    soundfile.write(file, np.full((48_000, 2), 0.25), 48_000, subtype="DOUBLE")
    pocket.speak(TEXT, voice="alba", language="en", speed=1.0, reference=Reference(file, "", "en"))
    given = json.loads((tmp_path / "calls").read_text())["voice"]
    described = soundfile.info(given)
    assert (described.subtype, described.channels, described.samplerate) == ("PCM_16", 1, 48_000)


def test_a_reference_that_is_no_sound_fails_the_line(pocket: HomeSynthesiser, tmp_path: Path) -> None:
    (tmp_path / "ana.wav").write_text("not a sound")
    with pytest.raises(VoiceError, match=r"ana\.wav cannot be read as a reference"):
        pocket.speak(
            TEXT, voice="", language="en", speed=1.0, reference=Reference(tmp_path / "ana.wav", "", "")
        )


def test_an_engine_without_its_home_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="dubkit voices install piper"):
        ENGINES.records["piper"].open(VoiceOpening(None, cache=tmp_path))
