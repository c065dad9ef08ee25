"""Frames of the picture on their own exact numbers and times."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.files.container import episode_zero, open_media, packets_of, scan, timed_streams
from dubkit.media.picture.window import turned
from dubkit.types import Episode, Tell, VideoStream, remark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)


def frame_times(path: Path, stream_index: int) -> list[Fraction]:
    """Return the presentation time of every frame in order, in seconds from the episode's zero.

    Reads packets only. The length of the list is the number of frames.
    """
    return frame_clock(path, stream_index).times


@dataclass(frozen=True, slots=True)
class FrameClock:
    """When every frame of a picture is shown, in order."""

    stamps: list[int]
    """As the container counts."""
    times: list[Fraction]
    """Seconds from the episode's zero."""


def frame_clock(path: Path, stream_index: int) -> FrameClock:
    """Read from its packets when every frame is shown."""
    with open_media(path) as container:
        tracks, _ = scan(container, timed_streams(container, stream_index))
        zero = episode_zero(container, tracks)
        track = tracks[stream_index]
        stamps = sorted(track.keys)
        return FrameClock(stamps, [stamp * track.time_base - zero for stamp in stamps])


def clock_of(path: Path, video: VideoStream) -> FrameClock:
    """Read when every frame of a probed picture is shown; its known start spares the packets of the sound."""
    with open_media(path) as container:
        tracks, _ = scan(container, {video.index})
    track = tracks[video.index]
    stamps = sorted(track.keys)
    zero = stamps[0] * track.time_base - video.start if stamps else Fraction(0)
    return FrameClock(stamps, [stamp * track.time_base - zero for stamp in stamps])


def _frame_stamps(path: Path, stream_index: int) -> list[int]:
    with open_media(path) as container:
        tracks, _ = scan(container, {stream_index})
        return sorted(tracks[stream_index].keys)


def iter_frames(
    path: Path,
    episode: Episode,
    *,
    width: int | None = None,
    tell: Tell | None = None,
    clock: FrameClock | None = None,
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Decode the picture once, in order, as (frame number, BGR image of shape (H, W, 3)).

    Numbers are those of `frame_times`. A frame that cannot be decoded is left out, and the numbers of
    the others do not move. `width` scales the image down, keeping its proportions as stored; without
    it the image has its stored size. Rotation is not applied. `tell` takes a remark on damaged frames.
    Without `clock` the packets are read for it first.
    """
    video = _picture_of(path, episode)
    stamps = clock.stamps if clock is not None else _frame_stamps(path, video.index)
    numbers = {stamp: number for number, stamp in enumerate(stamps)}
    image = _Scaler()
    target = min(width or video.width, video.width)
    height = max(2, round(video.height * target / video.width))
    following = 0
    damaged: list[int] = []
    with open_media(path) as container:
        stream: Any = container.streams[video.index]
        stream.thread_type = "AUTO"
        for frame in _decoded(container, stream):
            stamp = frame.pts if frame.pts is not None else frame.dts
            number = numbers.get(stamp, following)
            if number < following or number >= video.frames:
                continue
            # What stands before the first picture may need one that a recording does not have.
            damaged += range(following, number) if following else ()
            damaged += [number] if frame.is_corrupt and following else []
            following = number + 1
            yield number, image(frame, target, height)
    if tell is not None:
        damaged += range(following, video.frames) if following else ()
        _tell_damage(tell, damaged, video)


def _tell_damage(tell: Tell, damaged: Sequence[int], video: VideoStream) -> None:
    """Say which frames cannot be decoded, or not as a whole."""
    if not damaged:
        return
    at = float(video.start + (video.end - video.start) * damaged[0] / max(video.frames, 1))
    sentence = (
        f"{len(damaged)} of {video.frames} frames of the picture are damaged, the first of them about "
        f"{at:.1f} s into the film; they are in the dub as they are."
    )
    tell(remark("source-damaged", sentence, f"{at:.1f} s"))


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Decode a stream and go on after packets that the decoder refuses."""
    import av

    damaged = 0
    packets = packets_of(container, stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except (av.error.FFmpegError, OSError) as error:
            log.debug("Reading the picture broke off: %s", error)
            break
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            damaged += 1
    if damaged:
        log.debug("%d damaged video packets were skipped", damaged)


class _Scaler:
    """Turns decoded frames into BGR images of a size, all by one scaler of FFmpeg.

    A scaler of its own for each frame, as `VideoFrame.to_ndarray` takes, costs more than the scaling. One
    thread is enough, because the decoder has the others.
    """

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()

    def __call__(self, frame: Any, width: int, height: int) -> NDArray[np.uint8]:
        scaled: Any = self._reformatter.reformat(
            frame, width=width, height=height, format="bgr24", interpolation="AREA", threads=1
        )
        image: NDArray[np.uint8] = scaled.to_ndarray()
        return image


def save_thumbnail(path: Path, episode: Episode, frame: int, out: Path, width: int = 320) -> None:
    """Write one frame as an upright JPEG or PNG (by the suffix of `out`), `width` pixels wide.

    Rotation and non-square pixels are resolved. A damaged frame is replaced by its neighbour.
    """
    Thumbnails(path, episode).save(frame, out, width)


class Thumbnails:
    """Writes frames of a picture as small upright images; its packets are read for their times once."""

    def __init__(self, path: Path, episode: Episode) -> None:
        self._path = path
        self._video = _picture_of(path, episode)
        self._stamps = _frame_stamps(path, self._video.index)

    def save(self, frame: int, out: Path, width: int = 320) -> None:
        """Write one frame, as `save_thumbnail` does."""
        import cv2

        number = min(max(frame, 0), len(self._stamps) - 1)
        image = _upright(_frame_at(self._path, self._video, self._stamps[number]), self._video)
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        encoded, picture = cv2.imencode(out.suffix or ".jpg", small)
        if not encoded:
            raise MediaError(out, "the thumbnail could not be encoded", "Name it .jpg or .png.")
        out.write_bytes(picture.tobytes())


def _frame_at(path: Path, video: VideoStream, stamp: int) -> NDArray[np.uint8]:
    # A transport stream has no index: a seek may land after the only key frame, where nothing decodes.
    found = _frame_from(path, video, stamp, seek=True)
    if found is None:
        found = _frame_from(path, video, stamp, seek=False)
    if found is None:
        cure = "Check that the file plays; fetch it again if it does not."
        raise MediaError(path, "no frame of its picture can be decoded", cure)
    return found


def _frame_from(path: Path, video: VideoStream, stamp: int, *, seek: bool) -> NDArray[np.uint8] | None:
    """Decode from a seek point or the start; return the frame at `stamp`, or its neighbour."""
    import av

    best: Any = None
    with open_media(path) as container:
        stream = container.streams[video.index]
        if seek:
            try:
                container.seek(stamp, stream=stream)
            except av.error.FFmpegError:
                log.debug("%s cannot be sought; reading from its start", path.name)
        for frame in _decoded(container, stream):
            late = frame.pts is not None and frame.pts >= stamp
            if best is None or late:
                best = frame
            if late:
                break
        return None if best is None else _Scaler()(best, video.width, video.height)


def _upright(image: NDArray[np.uint8], video: VideoStream) -> NDArray[np.uint8]:
    import cv2
    import numpy as np

    if video.sample_aspect != 1:
        stretched = max(1, round(image.shape[1] * video.sample_aspect))
        image = np.asarray(cv2.resize(image, (stretched, image.shape[0])), dtype=np.uint8)
    return turned(image, video)


def _picture_of(path: Path, episode: Episode) -> VideoStream:
    if episode.video is None:
        raise MediaError(path, "it has no picture", "Frames can be read from video files only.")
    return episode.video
