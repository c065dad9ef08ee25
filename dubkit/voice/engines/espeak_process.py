"""One line of espeak-ng in a process of its own; it imports nothing of dubkit and may be run as a file.

The library keeps state of its synthesis from call to call, even when it is started or loaded anew, so a line
differs from the same line spoken first. Only a fresh process repeats its samples.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping, Sequence
from typing import Any

UNKNOWN_VOICE, NO_LIBRARY = 3, 4
"""Exit codes: none of the voices exists; the library does not start or does not speak."""

PACE, PITCH, RANGE, WORD_GAP = 1, 3, 4, 7
"""Numbers of the library's parameters: words per minute, two of 0 to 100 around 50, and tens of ms."""

_SYNCHRONOUS, _NO_EXIT, _UTF8 = 0x02, 0x8000, 1
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def synthesise(
    library: str, data: str, parameters: Mapping[int, int], voices: Sequence[str], text: bytes
) -> tuple[int, bytes]:
    """Return the sample rate and 16-bit mono samples of UTF-8 `text` in the first of `voices` that exists.

    `parameters` are values by number, over the library's own; empty `data` takes the library's own folder.
    Raises LookupError without a voice and OSError without a working library.
    """
    espeak = _declared(ctypes.CDLL(library))
    rate = int(espeak.espeak_Initialize(_SYNCHRONOUS, 0, data.encode() or None, _NO_EXIT))
    if rate <= 0:
        raise OSError("espeak-ng does not start")
    if not any(espeak.espeak_SetVoiceByName(voice.encode()) == 0 for voice in voices):
        raise LookupError(voices)
    for parameter, value in parameters.items():
        espeak.espeak_SetParameter(parameter, value, 0)
    heard = bytearray()

    def receive(samples: Any, count: int, _: int | None) -> int:
        if samples and count > 0:
            heard.extend(ctypes.string_at(samples, count * 2))
        return 0

    callback = _Callback(receive)  # kept in a name: the library calls it after this line
    espeak.espeak_SetSynthCallback(callback)
    if espeak.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None) != 0:
        raise OSError("espeak-ng does not speak")
    espeak.espeak_Synchronize()
    return rate, bytes(heard)


def _declared(espeak: Any) -> Any:
    """Return the library with the types of the functions that are called."""
    text, number, size = ctypes.c_char_p, ctypes.c_int, ctypes.c_uint
    espeak.espeak_Initialize.argtypes = (number, number, text, number)
    espeak.espeak_SetVoiceByName.argtypes = (text,)
    espeak.espeak_SetParameter.argtypes = (number, number, number)
    espeak.espeak_SetSynthCallback.argtypes = (_Callback,)
    pointer = ctypes.c_void_p
    espeak.espeak_Synth.argtypes = (text, ctypes.c_size_t, size, number, size, size, pointer, pointer)
    return espeak


def main(arguments: Sequence[str]) -> int:
    """Speak standard input; write the rate (4 bytes, little-endian) and the samples to standard output.

    The third argument holds the parameters, such as `1=165,3=55`.
    """
    library, data, given, *voices = arguments
    pairs = (pair.partition("=") for pair in given.split(","))
    parameters = {int(number): int(value) for number, _, value in pairs}
    try:
        rate, samples = synthesise(library, data, parameters, voices, sys.stdin.buffer.read())
    except LookupError:
        return UNKNOWN_VOICE
    except OSError as error:
        sys.stderr.write(str(error))
        return NO_LIBRARY
    sys.stdout.buffer.write(rate.to_bytes(4, "little") + samples)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
