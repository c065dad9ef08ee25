"""Speak lines for dubkit in an environment that dubkit does not share: JSON lines in, JSON lines out.

Run as `python serve.py MODULE OPTIONS`, where MODULE is a file of this folder and OPTIONS a JSON object with
`weights` (a folder, or empty), `device` (or empty), `settings` and environment `variables`. The first answer
is `{"ready": true}`, or `{"fatal": "…"}` when the engine cannot be opened. Then each request

    {"id", "text", "voice", "language", "speed", "seconds", "reference": {"file", "text"}, "delivery", "seed",
     "out"}

is answered with `{"id", "rate", "samples"}`, its sound being a WAV file of 32-bit floats at `out`, or with
`{"id", "error"}`. The end of the input ends the program, even while it speaks. `python serve.py MODULE
--version` imports the engine's package and answers `{"version": "…"}`.

A module has `DISTRIBUTION`, `probe()`, which imports the package, and `open_voice(options)`, which returns an
object whose `speak(request)` gives the samples, little-endian 32-bit floats as bytes, and their rate.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import struct
import sys
import threading
import traceback
from importlib.metadata import version
from typing import Any


def main(arguments: list[str]) -> int:
    answers = _own_answers()
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    engine = importlib.import_module(arguments[0])
    try:
        if arguments[1] == "--version":
            engine.probe()
            _answer(answers, {"version": version(engine.DISTRIBUTION)})
            return 0
        options = json.loads(arguments[1])
        os.environ.update(options["variables"])
        voice = engine.open_voice(options)
    except Exception as error:  # whatever a package raises is what the user must be told
        traceback.print_exc()
        _answer(answers, {"fatal": _sentence(error)})
        return 3
    _answer(answers, {"ready": True})
    requests = _requests()
    while True:
        request = json.loads(requests.get())
        try:
            _answer(answers, {"id": request["id"], **_spoken(voice, request)})
        except Exception as error:
            traceback.print_exc()
            _answer(answers, {"id": request["id"], "error": _sentence(error)})


def _own_answers() -> Any:
    """Return the standard output, which from now on is this program's alone: packages print, too."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return answers


def _requests() -> queue.Queue[str]:
    """Return the lines of the input as they come; its end ends the program."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in open(0, encoding="utf-8"):  # noqa: SIM115  the standard input is never closed
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _spoken(voice: Any, request: dict[str, Any]) -> dict[str, int]:
    samples, rate = voice.speak(request)
    _write_wav(request["out"], samples, rate)
    return {"rate": rate, "samples": len(samples) // 4}


def _write_wav(path: str, samples: bytes, rate: int) -> None:
    form = struct.pack("<HHIIHH", 3, 1, rate, rate * 4, 4, 32)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 28 + len(form) + len(samples)) + b"WAVE")
        file.write(b"fmt " + struct.pack("<I", len(form)) + form)
        file.write(b"fact" + struct.pack("<II", 4, len(samples) // 4))
        file.write(b"data" + struct.pack("<I", len(samples)) + samples)


def _answer(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _sentence(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
