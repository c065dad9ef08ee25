"""A finished film: its pictures, its sound, and how it was made."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from dubkit.dubbing.clip.mp4 import encode_video

IN_MEMORY = 1 << 30
"""Bytes of pictures that stay in memory; more go to a temporary file."""
PIECE = 16
"""Frames that are read at a time."""


class FrameStore:
    """Pictures of one size, kept in the order in which they come; in a temporary file when they are many."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, prefix="dubkit-")  # noqa: SIM115 - lives on
        weakref.finalize(self, self._file.close)
        self._shape: tuple[int, int, int] | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels; 0 before there is a picture."""
        return self._shape[:2] if self._shape else (0, 0)

    def append(self, pictures: Tensor) -> None:
        """Add pictures (n, H, W, 3), uint8.

        Raises:
            ValueError: they have another size than those before.
        """
        if self._shape is None:
            self._shape = (int(pictures.shape[1]), int(pictures.shape[2]), int(pictures.shape[3]))
        if tuple(pictures.shape[1:]) != self._shape:
            raise ValueError(f"Pictures of {tuple(pictures.shape[1:])} do not follow those of {self._shape}.")
        self._file.seek(0, 2)
        self._file.write(pictures.contiguous().numpy().tobytes())
        self._count += len(pictures)

    def read(self, begin: int, end: int) -> Tensor:
        """Return pictures (end - begin, H, W, 3), uint8."""
        if self._shape is None or not 0 <= begin <= end <= self._count:
            raise ValueError(f"There are {self._count} frames, and {begin} to {end} are asked for.")
        height, width, colours = self._shape
        if begin == end:
            return torch.empty(0, height, width, colours, dtype=torch.uint8)
        size = height * width * colours
        self._file.seek(begin * size)
        block = bytearray(self._file.read((end - begin) * size))
        return torch.frombuffer(block, dtype=torch.uint8).view(-1, height, width, colours)

    def cut(self, count: int) -> None:
        """Forget all pictures after the first `count`."""
        height, width, colours = self._shape or (0, 0, 0)
        self._count = min(self._count, count)
        self._file.truncate(self._count * height * width * colours)


@dataclass(frozen=True, slots=True)
class Film:
    """A film: iterate over it for its pictures, (n, H, W, 3) uint8 a piece, as often as you like."""

    pictures: FrameStore
    sound: Tensor
    """(2, N) float32 in -1 to 1, as long as the pictures; a sound that was given keeps its channels."""
    sample_rate: int
    rate: Fraction
    """Frames per second."""
    pipeline: str
    why: str
    """Why that pipeline, in a sentence."""
    windows: int = 1
    """How many pieces it was made in."""
    remade: tuple[int, int] | None = None
    """Of a clip of which a part was made again: its first new frame, and the first after it."""

    def __iter__(self) -> Iterator[Tensor]:
        for begin in range(0, self.frames, PIECE):
            yield self.pictures.read(begin, min(begin + PIECE, self.frames))

    @property
    def frames(self) -> int:
        return len(self.pictures)

    @property
    def height(self) -> int:
        return self.pictures.size[0]

    @property
    def width(self) -> int:
        return self.pictures.size[1]

    def frame(self, index: int) -> Tensor:
        """Return one picture (H, W, 3), uint8; negative numbers count from the end."""
        index += self.frames if index < 0 else 0
        return self.pictures.read(index, index + 1)[0]


def write_film(film: Film, path: Path | str) -> int:
    """Write a film as an mp4, H.264 and AAC; return its frames. The file appears whole or not at all."""
    return encode_video(iter(film), film.rate, film.sound, film.sample_rate, path)
