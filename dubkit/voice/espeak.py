"""espeak-ng: a robotic voice for about a hundred languages, where nothing better can speak one."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dubkit.errors import VoiceError
from dubkit.voice.trim import trimmed
from dubkit.voice.voices import ESPEAK, ESPEAK_HIGH, ESPEAK_LOW

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORDS_PER_MINUTE = 165
"""Pace at speed 1; espeak itself allows 80 to 450."""

_SYNCHRONOUS, _NO_EXIT, _RATE, _UTF8, _OK = 0x02, 0x8000, 1, 1, 0

_OTHER_NAMES = {"en": "en-us", "zh": "cmn", "no": "nb", "pt": "pt-br", "fr": "fr-fr", "tl": "fil", "iw": "he"}
"""espeak's names for language tags that it knows under another one, and the region of plain tags."""

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def packaged_library() -> Path | None:
    """Return the folder of the packaged library without importing it, None when it is not installed."""
    spec = importlib.util.find_spec("espeakng_loader")
    return (
        Path(next(iter(spec.submodule_search_locations)))
        if spec and spec.submodule_search_locations
        else None
    )


def installed() -> bool:
    """Say whether an espeak-ng library is on this machine."""
    return packaged_library() is not None or ctypes.util.find_library("espeak-ng") is not None


def languages() -> frozenset[str]:
    """Return the lower-case tags that the packaged espeak-ng knows; empty when they cannot be listed."""
    folder = packaged_library()
    if folder is None:
        return frozenset()
    return frozenset(
        path.name.lower() for path in (folder / "espeak-ng-data/lang").rglob("*") if path.is_file()
    )


def speaks(language: str) -> bool:
    """Say whether espeak-ng knows a language; a system library, hard to list, is trusted."""
    known = languages()
    return not known or any(name in known or name == "fr-fr" for name in names(language))


def names(language: str) -> tuple[str, ...]:
    """Return the espeak voices to try for a language tag, the most fitting first.

    >>> names("pt-PT"), names("zh-TW"), names("fr")
    (('pt-pt', 'pt'), ('zh-tw', 'zh', 'cmn'), ('fr-fr', 'fr'))
    """
    tag = language.replace("_", "-").lower()
    base = tag.partition("-")[0]
    if tag == base:
        return (_OTHER_NAMES[base], base) if base in _OTHER_NAMES else (base,)
    return (tag, base, _OTHER_NAMES[base]) if base in ("zh", "no", "tl", "iw") else (tag, base)


class EspeakSynthesiser:
    """Speaks through the espeak-ng library. Its sound has no natural prosody: users mark it as degraded."""

    name = ESPEAK

    # The library keeps one voice, pace and callback for the whole process.
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        """Start the library. Raises VoiceError when there is none or it does not start."""
        self._library, data = _load()
        rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _NO_EXIT)
        if rate <= 0:
            raise VoiceError(
                "espeak-ng does not start: its data is missing.\nRun: pip install espeakng-loader"
            )
        self.rate = int(rate)

    def voices(self, language: str) -> tuple[str, ...]:
        """Return the low, then the high variants; none for a language that espeak-ng does not know."""
        return (*ESPEAK_LOW, *ESPEAK_HIGH) if speaks(language) else ()

    def speak(self, text: str, *, voice: str, language: str, speed: float) -> NDArray[np.float32]:
        """Return (N,) speech at `rate` whose first sample is its start; empty `voice` takes the plain one.

        Raises VoiceError for an unknown language or voice.
        """
        import numpy as np

        if voice not in ("", *ESPEAK_LOW, *ESPEAK_HIGH):
            raise VoiceError(
                f"espeak-ng has no voice {voice!r}. Names: {', '.join((*ESPEAK_LOW, *ESPEAK_HIGH))}."
            )
        with self._lock:
            self._choose(language, voice)
            self._library.espeak_SetParameter(_RATE, round(WORDS_PER_MINUTE * speed), 0)
            pcm = self._synthesise(text.encode())
        sound = np.frombuffer(pcm, np.int16).astype(np.float32) / np.float32(32768)
        return trimmed(sound, self.rate)

    def _choose(self, language: str, voice: str) -> None:
        for name in names(language):
            full = f"{name}+{voice}" if voice else name
            if self._library.espeak_SetVoiceByName(full.encode()) == _OK:
                return
        raise VoiceError(f"espeak-ng cannot speak {language!r}. It speaks: {', '.join(sorted(languages()))}.")

    def _synthesise(self, text: bytes) -> bytes:
        heard = bytearray()

        def receive(samples: Any, count: int, _: int | None) -> int:
            if samples and count > 0:
                heard.extend(ctypes.string_at(samples, count * 2))
            return 0

        callback = _Callback(receive)  # kept in a name: the library calls it after this line
        self._library.espeak_SetSynthCallback(callback)
        if self._library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None) != _OK:
            raise VoiceError(f"espeak-ng could not speak {text.decode()!r}.")
        self._library.espeak_Synchronize()
        return bytes(heard)


def _load() -> tuple[Any, bytes | None]:
    """Return the library with its functions declared, and its data folder (None: its own default)."""
    if packaged_library() is not None:
        loader = importlib.import_module("espeakng_loader")
        path, data = loader.get_library_path(), loader.get_data_path().encode()
    else:
        path, data = ctypes.util.find_library("espeak-ng"), None
    if path is None:
        raise VoiceError("espeak-ng is not installed.\nRun: pip install espeakng-loader")
    library = ctypes.CDLL(path)
    text, number = ctypes.c_char_p, ctypes.c_int
    _declare(library.espeak_Initialize, number, number, text, number)
    _declare(library.espeak_SetVoiceByName, text)
    _declare(library.espeak_SetParameter, number, number, number)
    _declare(library.espeak_SetSynthCallback, _Callback)
    unsigned, pointer = ctypes.c_uint, ctypes.c_void_p
    _declare(
        library.espeak_Synth, text, ctypes.c_size_t, unsigned, number, unsigned, unsigned, pointer, pointer
    )
    return library, data


def _declare(function: Any, *arguments: Callable[..., Any]) -> None:
    function.argtypes = arguments
    function.restype = ctypes.c_int
