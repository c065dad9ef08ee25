"""Whether a picture can be copied at all: frames of rare codecs are put into a file and read back."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Any

from dubkit.errors import MediaError, ToolError
from dubkit.media.files.command import media_input
from dubkit.media.files.container import open_media
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.types import VideoStream

_COPIED = {
    *("h264", "hevc", "vvc", "av1", "vp8", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "theora", "prores"),
    *("dnxhd", "ffv1", "mjpeg", "vc1", "wmv1", "wmv2", "wmv3", "msmpeg4v2", "msmpeg4v3", "h263", "flv1"),
    *("dvvideo", "huffyuv", "ffvhuff", "utvideo"),
}
"""Codecs whose pictures Matroska is known to hold."""
_FRAMES = 3
_SECONDS = 60.0


def check_copy(path: Path, video: VideoStream) -> None:
    """Refuse a picture that neither mp4 nor mkv gives back as it was: QuickTime Animation, raw RGB, …

    Raises `MediaError` with the command that codes it without loss.
    """
    if video.codec in _COPIED:
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.mkv"
        picture = media_input(path, fflags="+genpts")[str(video.index)]
        try:
            options = {"c:v": "copy", "frames:v": _FRAMES, "f": "matroska"}
            run_ffmpeg([picture], copy, options, timeout=_SECONDS)
            same = _first_frame(copy, 0) == _first_frame(path, video.index)
        except (ToolError, MediaError):
            same = False
    if not same:
        source, result = shlex.quote(str(path)), shlex.quote(f"{path.stem}.ffv1.mkv")
        raise MediaError(
            path,
            f"its {video.codec} picture can be copied neither into mp4 nor into mkv",
            f"Code it without loss and dub the result:\n  ffmpeg -i {source} -map 0:v -map '0:a?' -c:v ffv1 "
            f"-c:a copy {result}",
        )


def _first_frame(path: Path, index: int) -> bytes | None:
    import av

    with open_media(path) as container:
        stream: Any = container.streams[index]
        try:
            for frame in container.decode(stream):
                return bytes(frame.to_ndarray(format="rgb24"))
        except (av.error.FFmpegError, OSError):
            return None
    return None
