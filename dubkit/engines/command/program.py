"""A command line with places for values, and one run of it that always ends."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import string
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dubkit.errors import GeneratorError

PLACES: Mapping[str, str] = {
    "clip": "film of the clip that it reads, with the new speech as its sound",
    "sound": "the new speech as a WAV file",
    "out": "film that it writes",
    "folder": "empty folder for whatever it writes beside that",
    "width": "of the picture",
    "height": "of the picture",
    "rate": "frames per second, such as 25 or 24000/1001",
    "frames": "how many pictures the clip has",
    "seconds": "how long it is",
    "seed": "number for whatever is random",
    "language": "tag of the language that is spoken",
    "text_file": "file with what is said, a line each",
    "prompt_file": "file with the prompt of the clip",
}
"""What may stand in braces -> what it is."""

SAID_CHARACTERS = 300
"""How much of a program's last line a message shows."""

POLL = 0.05
"""Seconds between two looks whether a program has ended."""


def read_command(command: str, needed: Sequence[str] = ("out",)) -> tuple[str, ...]:
    """Return the words of a command line; no shell is involved.

    Raises ValueError with a clause for unmatched quotes, an unknown place, and a needed one that is missing.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"its quotes do not match ({error})") from None
    found = {place for word in words for place in _places(word)}
    for place in needed if words else ():
        if place not in found:
            raise ValueError(f"it has no {{{place}}}, the {PLACES[place]}")
    return words


def _places(word: str) -> list[str]:
    try:
        parts = list(string.Formatter().parse(word))
    except ValueError as error:
        raise ValueError(f"{word!r} has a brace of its own ({error}); write {{{{ and }}}}") from None
    names = [(name, form, conversion) for _, name, form, conversion in parts if name is not None]
    for name, form, conversion in names:
        if name not in PLACES or form or conversion:
            known = ", ".join(f"{{{place}}}" for place in PLACES)
            raise ValueError(f"{word!r} names no value; there are {known}")
    return [name for name, _, _ in names]


def read_environment(text: str) -> dict[str, str]:
    """Return variables from `NAME=VALUE OTHER="two words"`. Raises ValueError with a clause."""
    try:
        pairs = [word.partition("=") for word in shlex.split(text)]
    except ValueError as error:
        raise ValueError(f"its quotes do not match ({error})") from None
    for name, mark, _ in pairs:
        if not mark or not name.isidentifier():
            raise ValueError(f"{name!r} is not of the form NAME=VALUE")
    return {name: value for name, _, value in pairs}


def program_hindrance(program: str, folder: str, table: str) -> str:
    """Return why a program of a settings table cannot be started, with the cure; empty when it can."""
    place = Path(folder).expanduser()
    if folder and not place.is_dir():
        return f"the folder {folder} of {table}.folder is not here. Check its path."
    # A path is read in the folder where the program runs.
    own = len(Path(program).parts) > 1 and os.access(place / program, os.X_OK)
    if own or (len(Path(program).parts) == 1 and shutil.which(program)):
        return ""
    return f"the program {program} of {table}.command is not here. Install it, or write its whole path."


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a program."""

    engine: str
    """For messages."""
    words: tuple[str, ...]
    """The command line, with its values."""
    folder: Path
    """Where it runs."""
    environment: Mapping[str, str]
    """Variables beside those of this process."""
    seconds: float
    """Longest time that it may take."""
    setting: str
    """Name of the setting for that time."""


def run_program(call: Call, clip: str, log: Path) -> None:
    """Run a program to its end; what it says goes into the file `log`.

    It has no terminal. When its time is over, or this process is interrupted, all that it started ends, too.

    Raises:
        GeneratorError: it cannot be started, ran out of time, was killed, or ended with another status than
            0; the last line that it wrote is in the message.
    """
    program = call.words[0]
    with log.open("wb") as said:
        try:
            process = subprocess.Popen(
                [*_with(call.environment), *call.words],
                cwd=call.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise GeneratorError(f"{call.engine}: {program} cannot be started: {reason}.") from error
        try:
            status = _awaited(process, call.seconds)
        except BaseException:
            _end(process)
            raise
    if status is None:
        raise GeneratorError(
            f"{call.engine}: {program} was not done with clip {clip} within {call.seconds:g} s and was ended."
            f"{last_words(log)}\nSet {call.setting} to more seconds if it is only slow."
        )
    if status:
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        raise GeneratorError(f"{call.engine}: {program} {ended} for clip {clip}.{last_words(log)}")


def _with(environment: Mapping[str, str]) -> list[str]:
    """Return the words that start a program with further variables, by the program `env`."""
    return ["env", *(f"{name}={value}" for name, value in environment.items())] if environment else []


def _awaited(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Return the exit status, or None for a program that took too long: then it is ended."""
    over = time.monotonic() + seconds
    while True:
        try:
            return process.wait(POLL)
        except subprocess.TimeoutExpired:
            if time.monotonic() > over:
                _end(process)
                return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # no groups here, or it is gone
        process.kill()
    process.wait()


def last_words(log: Path) -> str:
    """Return the last line that a program wrote, as a sentence to add; empty where it wrote none.

    The name of the folder that `log` lies in is left out: it is another one each time, and a record of a
    failure is the same for the same failure.
    """
    said = log.read_bytes().decode("utf-8", "replace").replace("\r", "\n")
    for folder in (log.parent.resolve(), log.parent):
        said = said.replace(f"{folder}{os.sep}", "")
    lines = said.splitlines()
    line = next((line.strip() for line in reversed(lines) if line.strip()), "")
    plain = "".join(c if c.isprintable() else " " for c in line)[-SAID_CHARACTERS:].rstrip(".")
    return f" Its last words: {plain}." if plain else ""
