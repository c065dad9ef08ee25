"""Clips by any program: what it is given, what comes of odd films, and how it ends."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from dubkit.engines.command.making import Work, make_with
from dubkit.engines.command.program import PLACES, last_words, read_command
from dubkit.engines.command.record import ENGINE, CommandSettings
from dubkit.engines.engine import ENGINES, ClipMade, ClipOrder, TakeEngine, choose_engine
from dubkit.errors import GeneratorError, SettingError
from dubkit.host import Host
from tests.support.orders import number_of, order
from tests.support.paths import ROOT

PROGRAM = ROOT / "tests" / "support" / "lip_program.py"
CALL = shlex.join([sys.executable, str(PROGRAM)])


def asked(mode: str, **values: object) -> ClipOrder:
    settings = CommandSettings(command=f"{CALL} {mode} {{clip}} {{sound}} {{out}}", **values)  # type: ignore[arg-type]
    return replace(order(), settings=settings)


def make(wanted: ClipOrder) -> ClipMade:
    assert ENGINE.make is not None
    return ENGINE.make(wanted)


def codes(made: ClipMade) -> list[str]:
    return [told.code for told in made.remarks]


def shown(made: ClipMade) -> list[NDArray[np.uint8]]:
    return list(made.pictures)


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("good", []),
        ("short", ["clip-held"]),
        ("large", ["clip-scaled"]),
        ("variable", ["rate-evened"]),
    ],
)
def test_an_odd_film_becomes_an_exact_clip(mode: str, told: list[str]) -> None:
    wanted = asked(mode)
    made = make(wanted)
    pictures = shown(made)
    assert [picture.shape for picture in pictures] == [(64, 128, 3)] * 17
    assert codes(made) == told
    assert made.sound is wanted.given
    assert all(abs(number_of(picture[:40]) - number) <= 3 for number, picture in enumerate(pictures))


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("very-short", r"too short \(3 pictures, 0.12 s\)"),
        ("square", "64x64, which is another shape"),
        ("broken", "cannot be used"),
        ("empty", "the file is empty"),
        ("nothing", r"ended well but wrote no film for clip c0001. Its last words: Saved the result.\n"),
        ("fails", r"ended with status 3 for clip c0001. Its last words: RuntimeError: no face was found."),
    ],
)
def test_what_cannot_be_used_says_why(mode: str, said: str) -> None:
    with pytest.raises(GeneratorError, match=said):
        make(asked(mode))


def test_last_words_leave_out_the_folder_that_is_another_one_each_time(tmp_path: Path) -> None:
    log = tmp_path / "said.txt"
    log.write_text(f"ready\nError: {tmp_path}/made.mp4 of {tmp_path}/clip.mkv: no codec\n")
    assert last_words(log) == " Its last words: Error: made.mp4 of clip.mkv: no codec."


@pytest.mark.parametrize("mode", ["broken", "empty"])
def test_the_same_failure_has_the_same_words(mode: str) -> None:
    said = []
    for _ in range(2):
        with pytest.raises(GeneratorError) as error:
            make(asked(mode))
        said.append(str(error.value))
    assert said[0] == said[1]


def gone(pid: int) -> bool:
    """Tell whether a process ends within some seconds; one that nobody waited for counts as ended."""
    for _ in range(200):
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_program_that_hangs_ends_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(
        GeneratorError, match=r"within 3 s and was ended. Its last words: step 1 of 99."
    ) as error:
        make(asked("hangs", timeout=3, environment=f"LIP_PROGRAM_CHILD={child}"))
    assert "dub.command.timeout" in str(error.value)
    assert gone(int(child.read_text()))


def test_an_interrupt_ends_the_program(tmp_path: Path) -> None:
    child = tmp_path / "child"

    def interrupt() -> None:
        while not (child.exists() and child.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), 2)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        make(asked("hangs", environment=f"LIP_PROGRAM_CHILD={child}"))
    assert gone(int(child.read_text()))


def test_a_program_is_given_film_sound_and_words(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    script = (
        "import json, shutil, sys; from pathlib import Path; "
        "[shutil.copy(file, Path(sys.argv[1]) / Path(file).name) for file in sys.argv[2:6]]; "
        "json.dump(sys.argv[6:], open(Path(sys.argv[1]) / 'values.json', 'w')); "
        "shutil.copy(sys.argv[2], sys.argv[6])"
    )
    places = " ".join(f"{{{place}}}" for place in ("clip", "sound", "text_file", "prompt_file", "out"))
    numbers = " ".join(
        f"{{{place}}}" for place in ("width", "height", "rate", "frames", "seconds", "seed", "language")
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} {kept} {places} {numbers}"
    wanted = order(rate=Fraction(24_000, 1001))
    make(replace(wanted, settings=CommandSettings(command=command, container="mkv")))
    values = (kept / "values.json").read_text()
    assert values.endswith('"128", "64", "24000/1001", "17", "0.709042", "42", "fr"]')
    assert (kept / "text.txt").read_text() == "Salut.\n"
    assert (kept / "prompt.txt").read_text() == "A prompt.\n"
    with av.open(str(kept / "clip.mkv")) as film:
        assert film.streams.video[0].codec_context.name == "ffv1"
        assert sum(1 for _ in film.decode(video=0)) == 17


def test_a_program_that_knows_one_rate_is_given_that_rate(tmp_path: Path) -> None:
    kept = tmp_path / "clip.mp4"
    script = f"import shutil, sys; shutil.copy(sys.argv[1], {str(kept)!r}); shutil.copy(*sys.argv[1:3])"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} {{clip}} {{out}} {{frames}}"
    wanted = replace(order(25), settings=CommandSettings(command=command, rate=30.0))
    made = make(wanted)
    with av.open(str(kept)) as film:
        assert sum(1 for _ in film.decode(video=0)) == 30
        assert film.streams.video[0].average_rate == 30
    assert len(shown(made)) == 25
    assert codes(made) == ["rate-evened"]


def test_it_runs_in_the_folder_and_with_the_variables_that_are_set(tmp_path: Path) -> None:
    (tmp_path / "lips.py").write_text(
        "import os, shutil, sys\nassert os.environ['MODEL'] == 'a b'\nshutil.copy(sys.argv[1], sys.argv[2])\n"
    )
    command = f"{shlex.quote(sys.executable)} lips.py {{clip}} {{out}}"
    settings = CommandSettings(command=command, folder=str(tmp_path), environment="MODEL='a b'")
    assert len(shown(make(replace(order(), settings=settings)))) == 17


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("lips 'x", "quotes do not match"),
        ("lips {clip}", r"it has no \{out\}"),
        ("lips {film} {out}", "'{film}' names no value; there are {clip}"),
        ("lips {out!r}", "names no value"),
        ("lips {out} {", "brace of its own"),
    ],
)
def test_a_command_that_cannot_be_used_is_refused_when_it_is_set(command: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        CommandSettings(command=command)


def test_variables_that_are_none_are_refused() -> None:
    with pytest.raises(SettingError, match="'MODEL' is not of the form NAME=VALUE"):
        CommandSettings(environment="MODEL")


def test_every_place_is_filled() -> None:
    text = " ".join(f"{{{place}}}" for place in PLACES)
    script = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[3]); assert all(sys.argv[:14])"
    words = read_command(f"{shlex.quote(sys.executable)} -c {shlex.quote(script)} {text}")
    made = make_with(Work("test", words, "dub.test", 60.0), order())
    assert len(shown(made)) == 17


class Told(Host):
    """A host with settings."""

    def __init__(self, strict: bool, command: str = "") -> None:
        self.strict, self.command = strict, command

    def setting(self, name: str) -> object:
        return self.strict if name == "dub.strict_plugins" else ""

    def table(self, name: str, section: type) -> object:  # type: ignore[override]
        return section(command=self.command) if section is CommandSettings else section()


def test_without_its_program_lines_are_spoken_unless_plugins_are_strict() -> None:
    choice = choose_engine("command", Told(False))
    assert choice.name == "voice"
    assert choice.missing.startswith(
        "command cannot work here: no program is set up. Set dub.command.command"
    )
    with pytest.raises(GeneratorError, match="The engine command cannot work here"):
        choose_engine("command", Told(True))
    missing = choose_engine("command", Told(False, "./no-such-program {out}"))
    assert "the program ./no-such-program of dub.command.command is not here" in missing.missing
    here = choose_engine("command", Told(True, f"{CALL} good {{out}}"))
    assert (here.name, here.missing) == ("command", "")


def test_engines_that_do_not_speak_drive() -> None:
    assert all(isinstance(engine, TakeEngine) and (engine.speaks or engine.drives) for engine in ENGINES)
