"""Orders of clips as an engine gets them, and files of clips as odd programs write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from dubkit.engines.engine import ClipOrder
from dubkit.host import ALONE
from dubkit.types import SAMPLE_RATE, Clip, Fit

WIDTH, HEIGHT = 128, 64
FIT = Fit(WIDTH // 2, HEIGHT // 2, 0, 0, WIDTH // 2, HEIGHT // 2)


def clip(frames: int = 17) -> Clip:
    return Clip("c0001", "shot001", 0, frames, frames, 0, frames, ("s0001",), "A prompt.", FIT)


def picture(number: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) that tells its number by its grey: 10 more for each."""
    return np.full((size[1], size[0], 3), 10 + 10 * number, np.uint8)


def number_of(image: NDArray[np.uint8]) -> int:
    return round((float(image.mean()) - 10) / 10)


def order(
    frames: int = 17, *, rate: Fraction = Fraction(25), given: bool = True, channels: int = 1
) -> ClipOrder:
    count = round(frames / rate * SAMPLE_RATE)
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(count) / SAMPLE_RATE)
    sound = np.repeat(tone[None].astype(np.float32), channels, axis=0)

    def pictures() -> Iterator[NDArray[np.uint8]]:
        return (picture(number) for number in range(frames))

    speech = 0.5 * sound[:1] if given else None
    return ClipOrder(
        clip(frames), "fr", ("Salut.",), rate, 42, WIDTH, HEIGHT, pictures, sound, speech, None, ALONE
    )


def write_film(
    path: Path,
    images: Sequence[NDArray[np.uint8]],
    *,
    times: Sequence[Fraction] | None = None,
    rate: Fraction = Fraction(25),
    sound: NDArray[np.float32] | None = None,
) -> Path:
    """Write pictures (H, W, 3) at a rate, or at times in seconds, and a sound (1, N) at 48 kHz."""
    base = Fraction(1, 90_000)
    with av.open(str(path), "w") as film:
        stream: Any = film.add_stream("libx264", rate=rate, options={"crf": "4", "bf": "0"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", base
        stream.codec_context.time_base = base
        heard: Any = film.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if sound is not None else None
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts = round((times[number] if times else number / rate) / base)
            frame.time_base = base
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        if sound is not None:
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="mono")
            block.sample_rate, block.pts = SAMPLE_RATE, 0
            film.mux(heard.encode(block))
            film.mux(heard.encode(None))
    return path
