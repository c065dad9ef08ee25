"""Frames in a file without loss: FFV1 in Matroska, the same bytes for the same frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_frames(pieces: Iterable[NDArray[np.uint8]], path: Path) -> int:
    """Write frames given in pieces (n, H, W, 3), RGB; return their number. Raises ValueError for none."""
    import av

    count = 0
    # Without `bitexact` the muxer writes a random identity and the version of its library.
    with av.open(str(path), "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        stream: Any = None
        for piece in pieces:
            for image in piece:
                if stream is None:
                    stream = container.add_stream("ffv1", rate=25, options={"level": "3", "slices": "4"})
                    stream.height, stream.width = image.shape[:2]
                    stream.pix_fmt = "bgr0"
                    stream.codec_context.flags |= av.codec.context.Flags.bitexact
                frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="bgr0")
                frame.pts = count
                container.mux(stream.encode(frame))
                count += 1
        if stream is None:
            raise ValueError(f"There is no frame to write into {path.name}.")
        container.mux(stream.encode(None))
    return count


def read_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames (H, W, 3) that `write_frames` wrote, RGB."""
    from dubkit.media.files.container import open_media

    with open_media(path) as container:
        for frame in container.decode(video=0):
            image: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")  # type: ignore[assignment]
            yield image
