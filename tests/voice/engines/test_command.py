"""Any program as a voice: what it is given, what it writes, and how it goes wrong."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dubkit.errors import SettingError, VoiceError
from dubkit.types.voices import Delivery, Reference
from dubkit.voice.engine import SpeakerTraits, VoiceNeed, VoiceOpening
from dubkit.voice.engines.command import ENGINE, CommandSettings

SPEAKER = """
import json, os, sys, time
import numpy as np
import soundfile
arguments = dict(word.split("=", 1) for word in sys.argv[2:])
text = open(arguments["text"], encoding="utf-8").read().strip() if "text" in arguments else ""
given = sys.stdin.read().strip()
with open(sys.argv[1], "a") as log:
    log.write(json.dumps({**arguments, "read": text, "stdin": given, "argv": sys.argv[2:]}) + chr(10))
words = text or given
if "crash" in words:
    print("first words", file=sys.stderr)
    print("no weights at /models/x.bin", file=sys.stderr)
    sys.exit(3)
if "silent" in words:
    sys.exit(0)
if "nothing" in words:
    open(arguments["out"], "wb").close()
    sys.exit(0)
if "text instead" in words:
    open(arguments["out"], "w").write("I would rather not.")
    sys.exit(0)
if "slow" in words:
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    open(sys.argv[1] + ".pid", "w").write(f"{os.getpid()} {child.pid}")
    time.sleep(60)
rate = 16000 + 50 * (len(words) % 7)
seconds = float(arguments.get("seconds") or 0.06 * len(words) / float(arguments.get("speed") or 1))
at = np.arange(round(seconds * rate)) / rate
tone = 0.3 * np.sin(2 * np.pi * (200 + 7 * len(words)) * at)
form = {"flac": "FLAC", "mp3": "MP3", "ogg": "OGG"}.get(arguments.get("voice"), "WAV")
soundfile.write(arguments["out"], np.stack([tone, tone], axis=1), rate, format=form)
if "half" in words:
    whole = open(arguments["out"], "rb").read()
    open(arguments["out"], "wb").write(whole[: len(whole) // 2])
"""


class Desk:
    """A program in a folder, and what it was given."""

    def __init__(self, folder: Path) -> None:
        self.program, self.log = folder / "speaker.py", folder / "log.jsonl"
        self.program.write_text(SPEAKER)

    def settings(self, arguments: str, **own: Any) -> CommandSettings:
        return CommandSettings(f"'{sys.executable}' '{self.program}' '{self.log}' {arguments}", **own)

    def open(self, arguments: str, **own: Any) -> Any:
        return ENGINE.open(VoiceOpening(None, self.settings(arguments, **own)))

    @property
    def given(self) -> list[dict[str, Any]]:
        import json

        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


PLAIN = "text={text_file} out={out}"


def speak(opened: Any, text: str, **keywords: Any) -> np.ndarray[Any, Any]:
    asked = {"voice": "", "language": "pt-BR", "speed": 1.0, **keywords}
    return opened.speak(text, **asked)  # type: ignore[no-any-return]


def test_the_text_comes_in_a_file_and_the_sound_is_what_was_written(desk: Desk) -> None:
    text = 'Olá, “mundo” — $(touch x); `rm` "y" é'
    sound = speak(desk.open(PLAIN), text)
    assert desk.given[0]["read"] == desk.given[0]["stdin"] == text
    assert len(sound) / 48_000 == pytest.approx(0.06 * len(text), abs=0.002)
    assert np.abs(sound).max() == pytest.approx(0.3, abs=0.02)


def test_without_a_place_for_it_the_text_comes_on_standard_input(desk: Desk) -> None:
    assert len(speak(desk.open("out={out}"), "Good morning."))
    assert desk.given[0]["stdin"] == "Good morning."


@pytest.mark.parametrize("form", ["flac", "mp3", "ogg"])
def test_other_formats_than_wav_are_read(desk: Desk, form: str) -> None:
    sound = speak(desk.open(PLAIN + " voice={voice}", voices=form), "a" * 28, voice=form)
    assert len(sound) / 48_000 == pytest.approx(0.06 * 28, abs=0.1)


def test_every_value_reaches_the_program(desk: Desk, tmp_path: Path) -> None:
    arguments = PLAIN + (
        " voice={voice} language={language} speed={speed} seconds={seconds} ref={ref} said={ref_text}"
        " how={delivery} seed={seed} 'braces={{}} and blanks'"
    )
    voice = desk.open(arguments, voices="eve=female adam=male")
    reference = Reference(tmp_path / "eve.wav", "I said no.", "en")
    speak(
        voice,
        "Bom dia.",
        voice="adam",
        speed=1.25,
        seconds=1.5,
        reference=reference,
        delivery=Delivery("softly"),
        seed=7,
    )
    speak(voice, "Bom dia.")
    all_given, least = ({k: v for k, v in given.items() if k != "argv"} for given in desk.given)
    for given in (all_given, least):
        del given["text"], given["out"], given["read"], given["stdin"]
    assert all_given == {
        "voice": "adam",
        "language": "pt-BR",
        "speed": "1.25",
        "seconds": "1.500",
        "ref": str(reference.file),
        "said": "I said no.",
        "how": "softly",
        "seed": "7",
        "braces": "{} and blanks",
    }
    assert (least["voice"], least["seconds"], least["ref"], least["seed"]) == ("eve", "", "", "")


def test_what_people_write_is_never_an_option_of_the_program(desk: Desk) -> None:
    voice = desk.open(PLAIN + " {delivery}=x")
    speak(voice, "Hello.", delivery=Delivery("--out=/etc/x"))
    assert desk.given[0]["argv"][2] == " --out=/etc/x=x"
    with pytest.raises(VoiceError, match=r"has no voice '--help'\. Names: default"):
        speak(voice, "Hello.", voice="--help")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("crash", r"ended with status 3 for 'crash': first words / no weights at /models/x\.bin\."),
        ("silent", r"wrote no file to \{out\}"),
        ("nothing", "wrote an empty file"),
        ("text instead", "wrote no sound but words: I would rather not"),
        ("half of it", r"wrote a WAV file of which [\d,]+ of [\d,]+ bytes came"),
    ],
)
def test_a_run_that_goes_wrong_says_how_in_the_programs_words(desk: Desk, text: str, match: str) -> None:
    with pytest.raises(VoiceError, match=match) as error:
        speak(desk.open(PLAIN), text)
    assert "speak.command.command" in str(error.value)


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").is_file() and " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


def test_a_program_that_takes_too_long_is_ended_with_its_children(desk: Desk) -> None:
    with pytest.raises(VoiceError, match=r"not done within 3 s.*speak\.command\.timeout"):
        speak(desk.open(PLAIN, timeout=3.0), "slow")
    pids = [int(word) for word in Path(f"{desk.log}.pid").read_text().split()]
    assert len(pids) == 2
    assert all(map(_gone, pids))


def test_a_run_that_stops_ends_the_program(desk: Desk) -> None:
    voice = desk.open(PLAIN)
    started = Path(f"{desk.log}.pid")

    def end() -> None:
        while not started.is_file() or len(started.read_text().split()) < 2:
            time.sleep(0.02)
        voice.stop()

    threading.Thread(target=end, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(VoiceError, match="the run stops"):
        speak(voice, "slow")
    assert time.monotonic() - began < 30
    assert all(_gone(int(word)) for word in started.read_text().split())


def test_lines_side_by_side_each_get_their_own_sound(desk: Desk) -> None:
    voice = desk.open(PLAIN, parallel=3)
    texts = ["a" * length for length in range(10, 19)]
    with ThreadPoolExecutor(3) as pool:
        sounds = list(pool.map(lambda text: speak(voice, text), texts))
    for text, sound in zip(texts, sounds, strict=True):
        assert len(sound) / 48_000 == pytest.approx(0.06 * len(text), abs=0.002)


@pytest.mark.parametrize(
    ("command", "match"),
    [
        ("say -f {text_file}", r"has no \{out\}"),
        ("say {file} {out}", r"'\{file\}' names no value; there are \{text_file\}, \{out\}"),
        ("say {} {out}", "names no value"),
        ("say {speed:.2f} {out}", "names no value"),
        ("say {voice.name} {out}", "names no value"),
        ("say { {out}", "a brace of its own|names no value"),
        ("say '{out}", "quotes do not match"),
    ],
)
def test_a_command_that_cannot_work_is_refused_when_it_is_set(command: str, match: str) -> None:
    with pytest.raises(SettingError, match=match) as error:
        CommandSettings(command)
    assert "speak.command.command" in str(error.value)


def test_a_program_that_is_not_here_is_a_hindrance() -> None:
    need = VoiceNeed("en", False, CommandSettings("no-such-program-here {out}"))
    assert "'no-such-program-here'" in ENGINE.hindrance(need)
    assert ENGINE.hindrance(VoiceNeed("en", False, CommandSettings())).startswith("no program is set up")
    other = VoiceNeed("pt", False, CommandSettings("say {out}", languages="en"))
    assert "pt is not one of them" in ENGINE.hindrance(other)


def test_a_program_can_what_its_command_has_places_for() -> None:
    def abilities(command: str) -> tuple[str, ...]:
        return ENGINE.with_settings(CommandSettings(command)).abilities

    assert abilities("say {out}") == ()
    assert abilities("say {out} {ref} {ref_text}") == ("clone",)
    assert abilities("say {out} {seconds} {delivery}") == ("length", "style")


def test_the_voices_of_the_settings_are_cast() -> None:
    own = CommandSettings("say {out} {voice}", voices="eve=female adam=male")
    assert ENGINE.voice_for(SpeakerTraits("en", 110, own), ()) == "adam"
    assert ENGINE.voice_for(SpeakerTraits("en", 110, own), ("adam",)) == "eve"
    assert ENGINE.voice_for(SpeakerTraits("en", 0, CommandSettings("say {out}")), ("default",)) == "default"
