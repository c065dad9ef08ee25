"""Read a stretch of the picture by frame numbers, without decoding what lies before it."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.files.container import open_media, packets_of, scan
from dubkit.types import VideoStream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)


_EARLIER = (0.0, 2.0, 20.0)
"""Seconds that are sought before a frame, in turn: files without an index are not sought precisely."""


def shown_size(video: VideoStream) -> tuple[int, int]:
    """Return width and height of the picture as shown: pixels square, rotation applied."""
    width = max(1, round(video.width * video.sample_aspect))
    return (video.height, width) if round(video.rotation / 90) % 2 else (width, video.height)


def turned(images: NDArray[np.uint8], video: VideoStream, *, axis: int = 0) -> NDArray[np.uint8]:
    """Return stored images as they are shown: mirrored and turned. `axis` counts rows, the next columns."""
    import numpy as np

    if video.mirrored:
        images = np.flip(images, axis + 1)
    quarter_turns = round(video.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(images, quarter_turns, axes=(axis, axis + 1)))


def read_window(path: Path, video: VideoStream, start_frame: int, count: int) -> NDArray[np.uint8]:
    """Return frames `start_frame` and following, (count, H, W, 3) RGB with the rotation applied.

    Where a frame cannot be decoded the one before it stands in. Raises MediaError when none of them can.
    """
    import numpy as np

    frames = [
        frame.to_ndarray(format="rgb24")
        for frame in window_frames(path, video, range(start_frame, start_frame + count))
    ]
    return turned(np.stack(frames), video, axis=1)


def window_frames(path: Path, video: VideoStream, numbers: Sequence[int]) -> list[Any]:
    """Return the decoded frames of some rising numbers, as stored (`av.VideoFrame`).

    Where a frame cannot be decoded the one before it stands in. Raises MediaError when none of them can.
    """
    found = dict(chosen_frames(path, video, numbers))
    if not found:
        place = f"frames {min(numbers)} to {max(numbers)} cannot be decoded"
        raise MediaError(path, place, "Check that the file plays; fetch it again if it does not.")
    frames, last = [], found[min(found)]
    for number in numbers:
        last = found.get(number, last)
        frames.append(last)
    return frames


def chosen_frames(path: Path, video: VideoStream, numbers: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Decode chosen frames in order, as (frame number, `av.VideoFrame`).

    Stretches between chosen frames that hold a key frame are not decoded. A frame that cannot be decoded is
    left out.

    Args:
        numbers: frame numbers as `frame_times` counts them, ascending.
    """
    stamps, keys = _packets(path, video.index)
    wanted = {stamps[number]: number for number in numbers if number < len(stamps)}
    for run in _runs(sorted(wanted), keys):
        for early in (*_EARLIER, None):
            found = False
            for stamp, frame in _decode(path, video, run, early):
                found = True
                yield wanted[stamp], frame
            if found:
                break


def _packets(path: Path, index: int) -> tuple[list[int], list[int]]:
    """Return the stamps of all frames and those of key frames, ascending."""
    with open_media(path) as container:
        tracks, _ = scan(container, {index})
    stamps = sorted(tracks[index].keys)
    shown = set(stamps)
    with open_media(path) as container:
        packets = packets_of(container, container.streams[index])
        keys = sorted(
            packet.pts for packet in _readable(packets) if packet.is_keyframe and packet.pts in shown
        )
    return stamps, keys


def _readable(packets: Iterator[Any]) -> Iterator[Any]:
    import av

    try:
        yield from packets
    except (av.error.FFmpegError, OSError) as error:
        log.debug("Reading the picture broke off: %s", error)


def _runs(stamps: Sequence[int], keys: Sequence[int]) -> list[list[int]]:
    """Split stamps where a key frame lies between one and the next, so that decoding can begin anew."""
    runs: list[list[int]] = []
    for stamp in stamps:
        key = bisect_right(keys, stamp)
        # One key frame further on is as cheap to decode as to seek, and a seek costs the pipeline's depth.
        if runs and key - bisect_right(keys, runs[-1][-1]) <= 1:
            runs[-1].append(stamp)
        else:
            runs.append([stamp])
    return runs


def _decode(
    path: Path, video: VideoStream, run: Sequence[int], early: float | None
) -> Iterator[tuple[int, Any]]:
    """Yield stamp and frame of every stamp of a run that can be decoded; nothing after a seek too far.

    Args:
        early: seconds before the run that are sought; None reads from the start of the file.
    """
    import av

    left = set(run)
    with open_media(path) as container:
        stream: Any = container.streams[video.index]
        stream.thread_type = "AUTO"
        sought = early is not None
        if early is not None:
            try:
                container.seek(run[0] - round(early / stream.time_base), stream=stream)
            except av.error.FFmpegError:
                log.debug("%s cannot be sought; reading from its start", path.name)
        for packet in _readable(packets_of(container, stream)):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue
            for frame in frames:
                stamp = frame.pts if frame.pts is not None else frame.dts
                if sought and stamp is not None and stamp > run[0]:
                    return
                sought = False
                if stamp in left:
                    left.remove(stamp)
                    yield stamp, frame
                if not left or (stamp is not None and stamp > run[-1]):
                    return
