"""What this process knows of a service: its dialect and voices, what it answered, and what that took."""

from __future__ import annotations

import time
from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from dubkit.types.voices import Receipt
from dubkit.voice.engine import Voice
from dubkit.voice.engines.speech_service.dialects import Dialect
from dubkit.voice.engines.speech_service.settings import SpeechServiceSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

KEPT_BYTES = 64_000_000
"""Bytes of the answers that are kept: five minutes of speech."""

LISTED_SECONDS = 300.0
"""How long a list of voices is taken for the service's."""


class Memory:
    """Shared by all threads that ask one service.

    A line is asked for once where its length is told, and again where it is spoken: the same request is
    answered from here, so that it has the same samples, and is paid for once.
    """

    def __init__(self) -> None:
        self.detecting, self.uploading = Lock(), Lock()
        self.address = ""
        """The address as it turned out to be; empty while nobody asked."""
        self.dialect: Dialect | None = None
        self.left_out: frozenset[str] = frozenset()
        """Fields that the service does not take."""
        self.down = False
        """Whether nothing was heard of it when it was last asked: then it is asked once for each line."""
        self.uploaded: frozenset[str] = frozenset()
        self._turn = Lock()
        self._answers: OrderedDict[str, Sound] = OrderedDict()
        self._size = 0
        self._receipts: dict[tuple[str, str], Receipt] = {}
        self._voices: tuple[Voice, ...] = ()
        self._listed = 0.0

    @property
    def voices(self) -> tuple[Voice, ...] | None:
        """The voices as they were listed lately; None when they have to be asked for."""
        fresh = self._listed and time.monotonic() - self._listed < LISTED_SECONDS
        return self._voices if fresh else None

    def keep_voices(self, voices: tuple[Voice, ...]) -> None:
        """Keep a list of voices."""
        self._voices, self._listed = voices, time.monotonic()

    def answer(self, request: str) -> Sound | None:
        """Return what a request was answered with, or None."""
        with self._turn:
            sound = self._answers.get(request)
            if sound is not None:
                self._answers.move_to_end(request)
            return sound

    def keep_answer(self, request: str, sound: Sound) -> None:
        """Keep an answer, and let go of the oldest ones."""
        with self._turn:
            self._answers[request] = sound
            self._size += sound.nbytes
            while self._size > KEPT_BYTES and len(self._answers) > 1:
                self._size -= self._answers.popitem(last=False)[1].nbytes

    def charge(self, text: str, voice: str, receipt: Receipt) -> None:
        """Add to what a text in a voice took."""
        with self._turn:
            self._receipts[text, voice] = self._receipts.get((text, voice), Receipt()) + receipt

    def take_receipt(self, text: str, voice: str) -> Receipt:
        """Return what a text in a voice took since this was last asked."""
        with self._turn:
            return self._receipts.pop((text, voice), Receipt())


@lru_cache(maxsize=16)
def memory_of(settings: SpeechServiceSettings) -> Memory:
    """Return the memory of the service that settings describe; there is one in a process."""
    return Memory()
