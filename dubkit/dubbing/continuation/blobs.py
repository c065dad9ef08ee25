"""Frames and latents as bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

_PNG = b"\x89PNG\r\n\x1a\n"


def packed(pngs: Sequence[bytes]) -> bytes:
    """Join PNG files, each after its length; the number of them comes first. All 4 bytes, big-endian."""
    return b"".join([struct.pack(">I", len(pngs)), *(struct.pack(">I", len(png)) + png for png in pngs)])


def unpacked(raw: bytes) -> list[bytes]:
    """Return what `packed` joined, or raise ValueError."""
    pngs, at = [], 4
    try:
        (count,) = struct.unpack_from(">I", raw)
        # A damaged count must not make this run for hours: every frame takes four bytes at least.
        for _ in range(min(count, len(raw) // 4 + 1)):
            (size,) = struct.unpack_from(">I", raw, at)
            pngs.append(raw[at + 4 : at + 4 + size])
            at += 4 + size
    except struct.error:
        at = -1
    if at != len(raw):
        raise ValueError("The blob of the video frames is damaged: its lengths do not add up.")
    return pngs


def to_png(frame: Tensor) -> bytes:
    """Return an RGB frame (H, W, 3), uint8, as a PNG file."""
    import cv2
    import numpy as np

    _, png = cv2.imencode(".png", np.ascontiguousarray(frame.cpu().numpy()[..., ::-1]))
    return png.tobytes()


def frames_of(pngs: Sequence[bytes]) -> Tensor:
    """Return the RGB frames (F, H, W, 3) of PNG files, or raise ValueError for one that is damaged."""
    import cv2
    import numpy as np

    frames = []
    for number, png in enumerate(pngs):
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR) if _whole_png(png) else None
        if image is None:
            raise ValueError(
                f"Video frame {number} of the continuation state is damaged: it is no whole PNG."
            )
        frames.append(torch.from_numpy(np.ascontiguousarray(image[..., ::-1], np.uint8)))
    sizes = {tuple(frame.shape[:2]) for frame in frames}
    if len(sizes) > 1:
        raise ValueError(f"The video frames of the continuation state differ in size: {sorted(sizes)}.")
    return torch.stack(frames)


def _whole_png(png: bytes) -> bool:
    """Tell whether a PNG file is there to its end with every checksum right; decoders let much pass."""
    if not png.startswith(_PNG):
        return False
    at, kind = len(_PNG), b""
    while kind != b"IEND" and at + 12 <= len(png):
        (size,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 4 : at + 8 + size]
        if png[at + 8 + size : at + 12 + size] != struct.pack(">I", zlib.crc32(body)):
            return False
        at += 12 + size
    return kind == b"IEND" and at == len(png)


def to_safetensors(latents: Tensor) -> bytes:
    """Return a tensor as a safetensors file, which keeps its dtype, bfloat16 too."""
    from safetensors.torch import save

    return save({"t": latents.detach().cpu().contiguous()})


def from_safetensors(raw: bytes) -> Tensor:
    """Return the only tensor of a safetensors file, or raise ValueError."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(raw)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"The audio latents of the continuation state are damaged: {error}") from error
    if len(tensors) != 1:
        raise ValueError(f"The audio latents are one tensor; {len(tensors)} came: {sorted(tensors)}.")
    return next(iter(tensors.values()))
