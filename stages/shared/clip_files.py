"""The files of a generated clip: its picture without loss, and its sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.episode.context import Context
from dubkit.types import Clip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Frames = TypeVar("Frames", bound="Tensor | NDArray[Any]")

PICTURE = "picture.mkv"
SOUND = "sound.wav"

LOSSLESS_BYTES = 6
"""Of a lossless take, for each pixel of the first stage: four of the second, at about 1.5 bytes."""


def lossless_bytes(context: Context) -> int:
    """Return about how many bytes the pictures of all planned clips take."""
    pixels = sum(clip.frames * clip.fit.width * clip.fit.height for clip in context.planned_clips)
    return LOSSLESS_BYTES * pixels


def kept_frames(clip: Clip, pieces: Iterator[Frames]) -> Iterator[Frames]:
    """Yield the frames (n, H, W, 3) of a clip that enter the episode."""
    first, last = clip.keep_start - clip.start_frame, clip.keep_end - clip.start_frame
    at = 0
    for piece in pieces:
        begin, end = max(first - at, 0), min(last - at, len(piece))
        if begin < end:
            yield piece[begin:end]  # type: ignore[misc]
        at += len(piece)


def write_clip(
    pieces: Iterable[NDArray[np.uint8]], sound: NDArray[np.float32], rate: int, folder: Path
) -> int:
    """Write frames (n, H, W, 3) and sound (C, N) into the folder of a take; return the number of frames."""
    import soundfile as sf  # type: ignore[import-untyped]

    from dubkit.media.picture.lossless import write_frames

    count = write_frames(pieces, folder / PICTURE)
    sf.write(folder / SOUND, sound.T, rate, subtype="PCM_24")  # float files hold the time of writing
    return count
