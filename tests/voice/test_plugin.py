"""A voice engine of another package speaks in a dub, with settings of its own, as dubkit's own engines do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile  # type: ignore[import-untyped]

from dubkit.voice.engine import ENGINES
from tests.support.plugins import dubkit, install

BEEP = '''
"""Speaks every line as a tone."""
from dataclasses import dataclass

from dubkit.types.models import InPackage, ModelSpec
from dubkit.settings import Count, Positive, option
from dubkit.voice.engine import VoiceEngine


@dataclass(frozen=True, slots=True)
class BeepSettings:
    """The tone that speaks."""

    pitch: Positive = option(220.0, "Pitch of the tone in Hz.", job=True)
    cores: Count = option(0, "Processor cores that beep.", machine=True)


class Tone:
    rate = 16_000

    def __init__(self, pitch):
        self.pitch = pitch

    def speak(self, text, *, voice, language, speed, seed=None):
        import numpy as np

        samples = round(0.05 * len(text) * self.rate / speed)
        return np.sin(2 * np.pi * self.pitch * np.arange(samples) / self.rate).astype(np.float32) / 2


SINE = InPackage("beep", "beep_data")
MODEL = ModelSpec("beep", "sine-1", "CC0-1.0", "a sine", does="voice", in_package=SINE)

ENGINE = VoiceEngine(
    name="beep",
    title="Beep, a tone for every line",
    languages=("en", "tlh"),
    voice_for=lambda traits, taken: "low" if "low" not in taken else "high",
    open=lambda opening: Tone(opening.settings.pitch),
    settings=BeepSettings,
    models=(MODEL,),
)
'''

TRANSCRIPT = "1\n00:00:00,500 --> 00:00:01,500\nHello there.\n\n2\n00:00:02,000 --> 00:00:02,900\nGood bye.\n"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a sound file and its transcript; the package is in `site` below it."""
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", "dubkit_beep", BEEP, "beep = dubkit_beep:ENGINE", "dubkit.voices")
    noise = np.random.default_rng(0).normal(0, 2000, 3 * 16_000).astype(np.int16)
    wavfile.write(tmp_path / "clip.wav", 16_000, noise)
    (tmp_path / "own.srt").write_text(TRANSCRIPT)
    return tmp_path


PLAN = (
    *("clip.wav", "--to", "tlh", "--mt-provider", "none", "--src-lang", "en"),
    *("--set", "diarize.method=single", "--until", "mix"),
)
RUN = (*PLAN, "--use", "transcript=own.srt")


def said(desk: Path, *arguments: str, code: int = 0) -> str:
    done = dubkit(desk / "site", *arguments, cwd=desk)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_speaks_the_lines_and_its_settings_make_them_anew(desk: Path) -> None:
    assert "voice tlh: beep, the best voice for tlh here" in said(desk, "run", *RUN)
    folder = desk / "Output" / "clip"
    record = json.loads((folder / "tlh/takes/s0001/v001/take.json").read_text())
    take = record["value"]
    assert (take["engine"], take["voice"], take["text"]) == ("beep", "low", "Hello there.")
    assert record["parts"]["models"] == {"voice": "beep@1.0"}
    assert record["parts"]["settings"].keys() == set()
    assert (folder / "tlh/mix/dub.wav").is_file()
    assert "Nothing to do" in said(desk, "plan", *PLAN, "--set", "speak.beep.cores=1")
    (desk / "dubkit.toml").write_text("[speak.beep]\npitch = 330\n")
    assert "setting changed: speak.beep.pitch" in said(desk, "plan", *PLAN)


def test_its_settings_models_and_name_show_where_dubkits_own_do(desk: Path) -> None:
    settings = said(desk, "config", "--set", "speak.beep.pitch=330")
    assert "speak.beep.pitch" in settings
    assert "330" in settings
    assert "beep" in said(desk, "run", "--help").partition("--tts-provider")[2].partition("]")[0]
    assert "sine-1" in said(desk, "models", "list")


def test_a_setting_that_does_not_fit_is_refused_by_its_name(desk: Path) -> None:
    assert "speak.beep.pitch" in said(desk, "plan", *PLAN, "--set", "speak.beep.pitch=low", code=1)
    known = ", ".join(("auto", *ENGINES.names, "beep"))
    assert known in said(desk, "config", "--set", "speak.provider=bep", code=1)


def test_the_doctor_shows_it_and_names_a_package_that_cannot_be_used(desk: Path) -> None:
    install(desk / "site", "dubkit_bad", "ENGINE = 3", "bad = dubkit_bad:ENGINE", "dubkit.voices")
    checks = {check["name"]: check for check in json.loads(said(desk, "doctor", "--json", code=1))}
    assert checks["voice: beep"]["ok"]
    assert checks["voice: beep"]["found"] == "Beep, a tone for every line"
    assert checks["plug-in: voices/bad"] == {
        "name": "plug-in: voices/bad",
        "ok": False,
        "found": "dubkit_bad 1.0: dubkit_bad:ENGINE is a int, not a VoiceEngine",
        "cure": "Update it (pip install --upgrade dubkit_bad) or take it out (pip uninstall dubkit_bad). "
        "Everything else works without it.",
    }
    assert "Nothing to do" not in said(desk, "plan", *PLAN)  # runs go on without it
