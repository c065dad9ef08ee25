"""An aligner that shares nothing with dubkit's words: pocketsphinx with its own acoustic model, English only.

It is optional: `pip install pocketsphinx==5.1.1`. Words that its dictionary lacks are sounded out by letters.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.types import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16_000
APART = 0.45
"""Seconds between two words at which the sound may be cut for aligning."""
MARGIN = 1.0

LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        re.split(",", "AE,B,K,D,EH,F,G,HH,IH,JH,K,L,M,N,OW,P,K,R,S,T,UH,V,W,K S,IY,Z"),
        strict=True,
    )
)
DIGITS = dict(
    zip(
        "0123456789",
        re.split(",", "Z IY R OW,W AH N,T UW,TH R IY,F AO R,F AY V,S IH K S,S EH V AH N,EY T,N AY N"),
        strict=True,
    )
)

Times = list[tuple[float, float] | None]


class Aligner:
    """Says when each of some English words is spoken, by their text alone."""

    def __init__(self) -> None:
        """Read the dictionary. Raises `SystemExit` where the package is not installed."""
        if importlib.util.find_spec("pocketsphinx") is None:
            raise SystemExit("No aligner: pip install pocketsphinx==5.1.1, or leave --aligner out.")
        self._package: Any = importlib.import_module("pocketsphinx")
        file = Path(self._package.get_model_path("en-us/cmudict-en-us.dict"))
        entries = (line.split(None, 1) for line in file.read_text("utf-8").splitlines() if line.strip())
        self._said = {word: sounds.strip() for word, sounds in entries}

    def align(self, sound: NDArray[np.float32], words: Sequence[Word]) -> Times:
        """Return start and end of each word in seconds, None where it could not be aligned.

        The times of `words` say only where the sound may be cut into pieces.
        """
        times: Times = [None] * len(words)
        seconds = len(sound) / RATE
        for first, last in _pieces(words):
            before = (words[first - 1].end + words[first].start) / 2 if first else 0.0
            after = (words[last].end + words[last + 1].start) / 2 if last + 1 < len(words) else seconds
            low = max(before, words[first].start - MARGIN)
            high = min(after, words[last].end + MARGIN)
            for index, start, end in self._aligned(
                sound[int(low * RATE) : int(high * RATE)], words, first, last
            ):
                times[index] = (low + start, low + end)
        return times

    def _aligned(
        self, sound: NDArray[np.float32], words: Sequence[Word], first: int, last: int
    ) -> list[tuple[int, float, float]]:
        import numpy as np

        decoder = self._package.Decoder(
            loglevel="FATAL", bestpath=False, beam=1e-100, wbeam=1e-80, pbeam=1e-100
        )
        for index in range(first, last + 1):
            decoder.add_word(f"w{index}", self._sounds(words[index].text), True)
        decoder.set_align_text(" ".join(f"w{index}" for index in range(first, last + 1)))
        loudest = max(float(np.abs(sound).max(initial=0.0)), 1e-6)
        decoder.start_utt()
        decoder.process_raw((sound / loudest * 16000).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        found = [(re.fullmatch(r"w(\d+)(?:\(\d+\))?", part.word), part) for part in decoder.seg() or ()]
        return [
            (int(match[1]), part.start_frame / 100, (part.end_frame + 1) / 100)
            for match, part in found
            if match
        ]

    def _sounds(self, text: str) -> str:
        word = re.sub(r"[^a-z0-9']", "", text.casefold())
        by_letters = " ".join((LETTERS | DIGITS).get(letter, "") for letter in word).strip()
        return self._said.get(word) or by_letters or "AH"


def _pieces(words: Sequence[Word]) -> list[tuple[int, int]]:
    """Return first and last word of each piece between pauses."""
    pieces: list[tuple[int, int]] = []
    first = 0
    for index in range(len(words)):
        if index + 1 == len(words) or words[index + 1].start - words[index].end >= APART:
            pieces.append((first, index))
            first = index + 1
    return pieces
