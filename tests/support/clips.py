"""Small films with known content, and the tiny models to dub them with."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from dubkit.models.tiny.files import GEMMA, NAMES


def write_film(
    path: Path,
    frames: int,
    *,
    rate: Fraction = Fraction(25),
    size: tuple[int, int] = (72, 128),
    sound: bool = True,
) -> Path:
    """Write a film of (height, width) that pans over a gradient, with a tone."""
    height, width = size
    with av.open(str(path), "w") as film:
        picture = film.add_stream("libx264", rate=rate, options={"crf": "10"})
        picture.height, picture.width, picture.pix_fmt = height, width, "yuv420p"
        picture.time_base = 1 / rate
        tone = film.add_stream("aac", rate=48_000, layout="mono") if sound else None
        rows, columns = np.mgrid[0:height, 0:width]
        for number in range(frames):
            image = np.stack(
                (rows * 3 % 256, (columns + 4 * number) % 256, np.full_like(rows, 90)), axis=-1
            ).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, 1 / rate
            film.mux(picture.encode(frame))
        film.mux(picture.encode(None))
        if tone is not None:
            count = int(frames / rate * 48_000)
            wave = 0.3 * np.sin(np.arange(count) * 2 * np.pi * 220 / 48_000)
            heard = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
            heard.sample_rate, heard.pts = 48_000, 0
            film.mux(tone.encode(heard))
            film.mux(tone.encode(None))
    return path


def model_files(folder: Path, generation: str = "2") -> dict[str, Path]:
    """Return the tiny set's files by the original's flags."""
    names = NAMES["2.3" if generation == "2.3" else "2"]
    return {
        "checkpoint_path": folder / names["checkpoint"],
        "distilled_lora_path": folder / names["distilled"],
        "spatial_upsampler_path": folder / names["spatial"],
        "gemma_root": folder / GEMMA,
        "lora": folder / names["dubbing"],
    }
