"""Read a stretch of the picture by frame numbers, without decoding what lies before it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.container import open_media, scan
from dubkit.types import VideoStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_window(path: Path, video: VideoStream, start_frame: int, count: int) -> NDArray[np.uint8]:
    """Return frames `start_frame` and following, (count, H, W, 3) RGB with the rotation applied.

    Where a frame cannot be decoded the one before it stands in. Raises MediaError when none of them can.
    """
    import numpy as np

    frames = [
        frame.to_ndarray(format="rgb24")
        for frame in window_frames(path, video, range(start_frame, start_frame + count))
    ]
    turns = round(video.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(np.stack(frames), turns, axes=(1, 2)))


def window_frames(path: Path, video: VideoStream, numbers: Sequence[int]) -> list[Any]:
    """Return the decoded frames of some rising numbers, as stored (`av.VideoFrame`).

    Where a frame cannot be decoded the one before it stands in. Raises MediaError when none of them can.
    """
    with open_media(path) as container:
        tracks, _ = scan(container, {video.index})
        stamps = sorted(tracks[video.index].keys)
    wanted = [stamps[number] for number in numbers if number < len(stamps)]
    found = _decode(path, video, wanted, seek=True) if wanted else {}
    if wanted and wanted[0] not in found:
        # Without an index, or after a damaged key frame, a seek may land too late.
        found = _decode(path, video, wanted, seek=False)
    if not found:
        place = f"frames {min(numbers)} to {max(numbers)} cannot be decoded"
        raise MediaError(path, place, "Check that the file plays; fetch it again if it does not.")
    frames, last = [], found[min(found)]
    for stamp in wanted:
        last = found.get(stamp, last)
        frames.append(last)
    return frames


def _decode(path: Path, video: VideoStream, wanted: list[int], *, seek: bool) -> dict[int, Any]:
    import av

    found: dict[int, Any] = {}
    needed, last = set(wanted), wanted[-1]
    with open_media(path) as container:
        stream: Any = container.streams[video.index]
        stream.thread_type = "AUTO"
        if seek:
            container.seek(wanted[0], stream=stream, backward=True)
        try:
            for frame in container.decode(stream):
                if frame.pts in needed:
                    found[frame.pts] = frame
                if frame.pts is not None and frame.pts >= last:
                    break
        except av.error.FFmpegError:
            pass  # what was decoded before the damage stands
    return found
