"""The sound of a finished film as it is heard: decoded piece by piece at 48 kHz, one channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.files.container import open_media
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

CENTRE = 2
"""Channel of the dialogue where there are more than two."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds."""

    seconds: float
    pictures: int
    sounds: tuple[str, ...]
    """Language of each sound track; empty where it says none."""


def contents(file: Path) -> Contents:
    """Read what a film or recording holds. Raises MediaError where it is neither."""
    from dubkit.media.files.container import is_picture

    with open_media(file) as container:
        sounds = tuple(str(stream.metadata.get("language") or "") for stream in container.streams.audio)
        pictures = sum(is_picture(stream) for stream in container.streams)
        seconds = (container.duration or 0) / 1_000_000
    if not sounds and not pictures:
        raise MediaError(file, "it holds neither picture nor sound", "Name a film or a recording.")
    return Contents(seconds, pictures, sounds)


def heard(file: Path, number: int) -> Iterator[Samples]:
    """Yield the samples of a sound track (from 0), `(n,)`: the dialogue's channel, or the mean of two.

    They begin at the zero of the file: silence stands before a track that begins later.
    """
    import av
    import numpy as np

    at = 0
    with open_media(file) as container:
        stream = container.streams.audio[number]
        # The layout stays as it is; only rate and number type change.
        resampler = av.AudioResampler("fltp", None, SAMPLE_RATE)
        for frame in _frames(container, stream):
            if frame is not None and at == 0 and frame.time and frame.time > 0:
                silence = round(frame.time * SAMPLE_RATE)
                at += silence
                yield np.zeros(silence)
            for part in resampler.resample(frame):
                sound = part.to_ndarray().astype(np.float64)
                at += sound.shape[1]
                yield sound[CENTRE] if len(sound) > 2 else sound.mean(axis=0)


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Yield what can be decoded, and None at the end; damage is left out."""
    import av

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue
    yield None
