"""Pictures on their way into the autoencoder. Letters: F frames, H and W rows and columns."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

STILL_CRF = 29
"""Quality of the H.264 round trip that a still goes through, so that it looks like a frame of a film."""


def cover(frames: Tensor, height: int, width: int) -> Tensor:
    """Scale frames until they cover the size, and cut out the centre.

    Bilinear without antialiasing, as the model was trained with; the scaled size is rounded up.

    Args:
        frames: (F, H, W, 3), uint8.

    Returns:
        (1, 3, F, height, width) float32 in 0 to 255.
    """
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.numel() == 0:
        raise ValueError(f"Frames must be (F, H, W, 3); got {tuple(frames.shape)}.")
    rows, columns = frames.shape[1:3]
    scale = max(height / rows, width / columns)
    scaled_height, scaled_width = math.ceil(rows * scale), math.ceil(columns * scale)
    planes = frames.permute(0, 3, 1, 2).float()
    planes = F.interpolate(planes, (scaled_height, scaled_width), mode="bilinear", align_corners=False)
    top, left = (scaled_height - height) // 2, (scaled_width - width) // 2
    planes = planes[:, :, top : top + height, left : left + width]
    return planes.permute(1, 0, 2, 3).unsqueeze(0)


def to_signed(pixels: Tensor) -> Tensor:
    """Return pixels of 0 to 255 as -1 to 1, what the autoencoder takes."""
    return pixels / 127.5 - 1.0


def read_still(path: Path) -> Tensor:
    """Return an image file as (H, W, 3), uint8 RGB.

    Raises:
        ValueError: no picture in the file.
    """
    import av

    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0), None)
    except (av.error.FFmpegError, IndexError) as error:
        raise ValueError(f"No picture can be read from {path}: {error}") from error
    if frame is None:
        raise ValueError(f"No picture can be read from {path}: it is empty.")
    return torch.from_numpy(frame.to_ndarray(format="rgb24"))


def compressed(still: Tensor, crf: int = STILL_CRF) -> Tensor:
    """Return a still (H, W, 3), uint8, as one H.264 frame shows it; an odd last row or column is cut off.

    The result depends on the build of the encoder. `crf` 0 leaves the still as it is.
    """
    import av

    if crf == 0:
        return still
    height, width = still.shape[0] // 2 * 2, still.shape[1] // 2 * 2
    if height == 0 or width == 0:
        raise ValueError(f"A still of {still.shape[0]}x{still.shape[1]} pixels is too small for H.264.")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        options = {"crf": str(crf), "preset": "veryfast"}
        stream = container.add_stream("libx264", rate=Fraction(1), options=options)
        stream.height, stream.width = height, width
        picture = still[:height, :width].contiguous().numpy()
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    buffer.seek(0)
    with av.open(buffer, "r") as film:
        return torch.from_numpy(next(film.decode(video=0)).to_ndarray(format="rgb24"))
