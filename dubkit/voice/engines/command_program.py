"""A program that speaks: its command line with places for values, and one run of it."""

from __future__ import annotations

import os
import shlex
import signal
import string
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event

from dubkit.errors import VoiceError

PLACES: Mapping[str, str] = {
    "text_file": "file with the text, in UTF-8",
    "out": "sound file to write",
    "voice": "name of the voice",
    "language": "tag of the language",
    "speed": "pace against the voice's own",
    "seconds": "how long the speech is to be",
    "ref": "recording of the voice to clone",
    "ref_text": "what is said in it",
    "delivery": "how the line is spoken, in words",
    "seed": "number of another reading",
}
"""What may stand in braces -> what it is."""

FREE = ("delivery", "ref_text")
"""Values that people write; none of them may be taken for an option of the program."""

SAID_LINES, SAID_CHARACTERS = 4, 400
"""How much of a program's own words a message shows."""

POLL = 0.05
"""Seconds between two looks whether a program has ended."""


def read_command(command: str) -> tuple[str, ...]:
    """Return the words of a command line. Raises ValueError with a clause for one that cannot be used."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"its quotes do not match ({error})") from None
    used = places_in(words)
    if words and "out" not in used:
        raise ValueError("it has no {out}, the sound file that the program writes")
    return words


def places_in(words: Sequence[str]) -> frozenset[str]:
    """Return which values a command line has places for. Raises ValueError for an unknown one."""
    found: set[str] = set()
    for word in words:
        try:
            parts = list(string.Formatter().parse(word))
        except ValueError as error:
            raise ValueError(f"{word!r} has a brace of its own ({error}); write {{{{ and }}}}") from None
        for _, name, form, conversion in parts:
            if name is None:
                continue
            if name not in PLACES or form or conversion:
                known = ", ".join(f"{{{place}}}" for place in PLACES)
                raise ValueError(f"{word!r} names no value; there are {known}")
            found.add(name)
    return frozenset(found)


def filled(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Return the command line with its values."""
    clean = {name: _plain(name, value) for name, value in values.items()}
    return [word.format(**clean) for word in words]


def _plain(name: str, value: str) -> str:
    value = value.replace("\0", "")
    return f" {value}" if name in FREE and value.startswith("-") else value


def spoken_by(
    words: Sequence[str], values: Mapping[str, str], text: str, seconds: float, stop: Event
) -> bytes:
    """Run a program for one text, and return the bytes of the file that it wrote.

    The text is in `{text_file}` and on standard input. No shell is involved. The program and what it started
    are ended when `seconds` are over, when `stop` is set and when the caller is interrupted. Raises
    VoiceError.
    """
    with tempfile.TemporaryDirectory(prefix="dubkit-speech-") as folder:
        written, out, said = (Path(folder) / name for name in ("text.txt", "speech.wav", "said.txt"))
        written.write_text(f"{text}\n", "utf-8")
        command = filled(words, {**values, "text_file": str(written), "out": str(out)})
        status = _status(command, written, said, seconds, stop)
        problem = _problem(status, out)
        if problem:
            told = _last_lines(said)
            raise VoiceError(
                f"{command[0]} {problem} for {text!r}{f': {told}' if told else ''}. "
                "Check speak.command.command; run with --debug to see the whole command."
            )
        return out.read_bytes()


def _status(command: Sequence[str], text: Path, said: Path, seconds: float, stop: Event) -> int:
    """Return the exit status of a program."""
    with text.open("rb") as given, said.open("wb") as heard:
        try:
            process = subprocess.Popen(
                command, stdin=given, stdout=heard, stderr=heard, start_new_session=True
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise VoiceError(
                f"{command[0]} cannot be started: {reason}. Check speak.command.command."
            ) from error
        try:
            return _awaited(process, seconds, stop)
        except BaseException:
            _end(process)
            raise


def _awaited(process: subprocess.Popen[bytes], seconds: float, stop: Event) -> int:
    over = time.monotonic() + seconds
    while True:
        try:
            return process.wait(POLL)
        except subprocess.TimeoutExpired:
            program = str(process.args[0] if isinstance(process.args, list) else process.args)
            if stop.is_set():
                raise VoiceError(f"{program} was ended, because the run stops.") from None
            if time.monotonic() > over:
                raise VoiceError(
                    f"{program} was not done within {seconds:g} s and was ended. "
                    "Set speak.command.timeout to more seconds if it is only slow."
                ) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # no groups here, or it is gone
        process.kill()
    process.wait()


def _problem(status: int, out: Path) -> str:
    """Return what went wrong with a run that ended, as a clause; empty when there is a file."""
    if status < 0:
        return f"was killed by signal {-status}"
    if status:
        return f"ended with status {status}"
    if not out.is_file():
        return "wrote no file to {out}"
    return "" if out.stat().st_size else "wrote an empty file"


def _last_lines(said: Path) -> str:
    text = said.read_bytes().decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    joined = " / ".join(lines[-SAID_LINES:])
    plain = "".join(c if c.isprintable() else " " for c in joined)
    return plain[-SAID_CHARACTERS:].rstrip(".")
