"""Speech packed for the recogniser: many spans in one window of 30 s, their pauses shortened.

Whisper reads 30 s at a time whatever it is given, and hears a lone word better among others, so
spans share a window. The sound of a pause is kept to `PAUSE` seconds: long ones make it invent text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 28.0
"""Seconds in one pack; the recogniser cuts at 30, and times near its edge are poor."""

PAUSE = 1.0
"""Seconds of a pause that stay in the pack, half beside each of its two spans."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples `start` to `end` of the episode, at `offset` in the pack."""

    start: int
    end: int
    offset: int


@dataclass(frozen=True, slots=True)
class Pack:
    """Pieces in order, end to end. One pack is one window of the recogniser."""

    pieces: tuple[Piece, ...]

    @property
    def samples(self) -> int:
        """Length of the packed sound."""
        return self.pieces[-1].offset + self.pieces[-1].end - self.pieces[-1].start

    def sound(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the packed sound (`samples`,)."""
        import numpy as np

        return np.concatenate([audio[piece.start : piece.end] for piece in self.pieces])

    def source_time(self, seconds: float, *, ends: bool) -> float:
        """Return the episode time of a time in the pack; at a joint, `ends` chooses the earlier side."""
        sample = seconds * ASR_RATE
        for piece in self.pieces:
            length = piece.end - piece.start
            inside = sample - piece.offset
            if inside < length or (ends and inside <= length) or piece is self.pieces[-1]:
                return (piece.start + min(max(inside, 0.0), length)) / ASR_RATE
        raise AssertionError("a pack has at least one piece")


def build_packs(audio: NDArray[np.float32], spans: Sequence[tuple[float, float]]) -> list[Pack]:
    """Return packs that cover `spans` in order, each at most `LONGEST` seconds long."""
    total = len(audio)
    pieces = [
        piece for span in split_spans(audio, spans, LONGEST - PAUSE) for piece in [_samples(span, total)]
    ]
    pieces = [(start, end) for start, end in pieces if end > start]
    widened = _widened(pieces, total)
    packs: list[Pack] = []
    first = 0
    while first < len(widened):
        last = _last_piece(widened, first)
        packs.append(_pack(widened[first : last + 1]))
        first = last + 1
    return packs


def split_spans(
    audio: NDArray[np.float32], spans: Sequence[tuple[float, float]], longest: float
) -> list[tuple[float, float]]:
    """Return the spans with those over `longest` seconds cut where the sound is weakest."""
    import numpy as np

    frame = ASR_RATE // 50
    parts: list[tuple[float, float]] = []
    for start, end in spans:
        while end - start > longest:
            low, high = int((start + longest / 2) * ASR_RATE), int((start + longest) * ASR_RATE)
            power = (
                np.square(audio[low:high][: (high - low) // frame * frame]).reshape(-1, frame).mean(axis=1)
            )
            # Three frames together, so that one stop consonant does not pass for a pause.
            smooth = np.convolve(power, np.ones(3), mode="same") if power.size > 3 else np.zeros(1)
            cut = (low + (int(np.argmin(smooth)) + 0.5) * frame) / ASR_RATE
            parts.append((start, cut))
            start = cut
        parts.append((start, end))
    return parts


def _samples(span: tuple[float, float], total: int) -> tuple[int, int]:
    return max(0, round(span[0] * ASR_RATE)), min(total, round(span[1] * ASR_RATE))


def _widened(pieces: list[tuple[int, int]], total: int) -> list[tuple[int, int]]:
    """Return pieces with up to half a `PAUSE` of the real silence on both sides, never overlapping."""
    half = round(PAUSE / 2 * ASR_RATE)
    widened = []
    for index, (start, end) in enumerate(pieces):
        before = (pieces[index - 1][1] + start + 1) // 2 if index else 0
        after = (end + pieces[index + 1][0] + 1) // 2 if index + 1 < len(pieces) else total
        widened.append((max(start - half, before), min(end + half, after)))
    return widened


def _last_piece(pieces: list[tuple[int, int]], first: int) -> int:
    """Return the last piece of the pack that starts with `first`: before the longest pause in reach.

    Only pauses in the second half of the window count, so that packs stay well filled.
    """
    limit = round(LONGEST * ASR_RATE)
    filled, fits = 0, first
    choices: list[tuple[int, int]] = []
    for index in range(first, len(pieces)):
        filled += pieces[index][1] - pieces[index][0]
        if filled > limit and index > first:
            break
        fits = index
        if filled > limit // 2 and index + 1 < len(pieces):
            choices.append((pieces[index + 1][0] - pieces[index][1], index))
    if fits == len(pieces) - 1 or not choices:
        return fits
    return max(choices)[1]


def _pack(pieces: list[tuple[int, int]]) -> Pack:
    placed, offset = [], 0
    for start, end in pieces:
        placed.append(Piece(start, end, offset))
        offset += end - start
    return Pack(tuple(placed))
