"""Read a stretch of the picture by frame numbers, upright and in RGB, without decoding what lies before."""

from __future__ import annotations

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

    with open_media(path) as container:
        tracks, _ = scan(container, {video.index})
        stamps = sorted(tracks[video.index].keys)
    wanted = stamps[start_frame : start_frame + count]
    found = _decode(path, video, wanted, seek=True) if wanted else {}
    if wanted and wanted[0] not in found:
        # Without an index, or after a damaged key frame, a seek may land too late.
        found = _decode(path, video, wanted, seek=False)
    if not found:
        place = f"frames {start_frame} to {start_frame + count} cannot be decoded"
        raise MediaError(path, place, "Check that the file plays; fetch it again if it does not.")
    frames, last = [], found[min(found)]
    for stamp in wanted:
        last = found.get(stamp, last)
        frames.append(last)
    turns = round(video.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(np.stack(frames), turns, axes=(1, 2)))


def _decode(path: Path, video: VideoStream, wanted: list[int], *, seek: bool) -> dict[int, NDArray[np.uint8]]:
    import av

    found: dict[int, NDArray[np.uint8]] = {}
    last = wanted[-1]
    with open_media(path) as container:
        stream: Any = container.streams[video.index]
        stream.thread_type = "AUTO"
        if seek:
            container.seek(wanted[0], stream=stream, backward=True)
        needed = set(wanted)
        try:
            for frame in container.decode(stream):
                if frame.pts in needed:
                    found[frame.pts] = frame.to_ndarray(format="rgb24")
                if frame.pts is not None and frame.pts >= last:
                    break
        except av.error.FFmpegError:
            pass  # what was decoded before the damage stands
    return found
