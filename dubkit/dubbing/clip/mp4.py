"""A clip's pictures and sound as an mp4."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from dubkit.ltx.mel import resample
from dubkit.types import SAMPLE_RATE

if TYPE_CHECKING:
    import av

AAC_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
"""Samples per second that AAC has; sound of any other rate is written at 48 kHz."""
AUDIO_BITRATE = 192_000
"""Bits per second of the AAC."""


def encode_video(
    video: Iterable[Tensor] | Tensor,
    fps: Fraction | float,
    audio: Tensor | None,
    audio_sample_rate: int,
    output_path: Path | str,
) -> int:
    """Write an mp4: H.264 yuv420p at exactly `fps` and AAC; return the number of frames.

    `video` is frames (n, H, W, 3) uint8, or pieces of them; `audio` (1 or 2, N) float32 in -1 to 1. An odd
    last row or column is cut off. The file appears whole or not at all.

    The same frames give the same bytes.

    Raises:
        ValueError: no frame, or a rate that is not positive.
    """
    import av

    path, rate = Path(output_path), exact_rate(fps)
    if audio is not None and audio_sample_rate not in AAC_RATES:
        audio, audio_sample_rate = resample(audio, audio_sample_rate, SAMPLE_RATE), SAMPLE_RATE
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            count = _write(
                container,
                [video] if isinstance(video, Tensor) else video,
                rate,
                audio,
                audio_sample_rate,
            )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def exact_rate(fps: Fraction | float) -> Fraction:
    """Return a frame rate as the fraction it stands for: 25, or 24000/1001 for 23.976.

    Raises:
        ValueError: a rate that is not positive or not finite.
    """
    if not 0 < fps < 10_000:
        raise ValueError(f"{fps} frames per second is no frame rate.")
    if isinstance(fps, Fraction):
        return fps
    whole = round(fps)
    ntsc = Fraction(whole * 1000, 1001)
    if fps != whole and abs(fps - ntsc) < 0.005:
        return ntsc
    return Fraction(fps).limit_denominator(1001)


def _write(
    container: av.container.OutputContainer,
    video: Iterable[Tensor],
    rate: Fraction,
    audio: Tensor | None,
    sample_rate: int,
) -> int:
    picture: Any = None
    sound: Any = None
    count = 0
    for piece in video:
        for frame in piece:
            if picture is None:
                picture = _picture_stream(container, rate, frame)
                # Both streams must be there before the first packet is written.
                sound = (
                    None if audio is None else container.add_stream("aac", rate=sample_rate, layout="stereo")
                )
                if sound is not None:
                    sound.bit_rate = AUDIO_BITRATE
            container.mux(picture.encode(_yuv(frame, picture, count, rate)))
            count += 1
    if picture is None:
        raise ValueError("There is no frame to write.")
    container.mux(picture.encode(None))
    if sound is not None and audio is not None:
        _write_sound(container, sound, audio, sample_rate)
    return count


def _picture_stream(container: Any, rate: Fraction, frame: Tensor) -> Any:
    # With x264's macroblock tree the same small pictures sometimes become other bytes.
    options = {"crf": "15", "preset": "medium", "x264-params": "no-mbtree=1"}
    stream = container.add_stream("libx264", rate=rate, options=options)
    stream.height, stream.width = (max(2, side // 2 * 2) for side in frame.shape[:2])
    stream.pix_fmt = "yuv420p"
    stream.time_base = 1 / rate
    # Players take untagged pictures for BT.601 or BT.709 by their size; a tag leaves no choice.
    stream.codec_context.color_primaries = stream.codec_context.color_trc = (
        stream.codec_context.colorspace
    ) = 1
    return stream


def _yuv(frame: Tensor, stream: Any, number: int, rate: Fraction) -> Any:
    import av
    from av.video.reformatter import ColorRange, Colorspace

    picture = frame[: stream.height, : stream.width].contiguous().numpy()
    made = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
    # The stream's own time base changes to the container's with the first packet.
    made.pts, made.time_base = number, 1 / rate
    return made


def _write_sound(container: Any, stream: Any, wave: Tensor, sample_rate: int) -> None:
    import av

    stereo = wave.expand(2, -1).clamp(-1, 1).float().cpu().contiguous().numpy()
    frame = av.AudioFrame.from_ndarray(stereo, format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = sample_rate, 0, Fraction(1, sample_rate)
    for packet in (*stream.encode(frame), *stream.encode(None)):
        container.mux(packet)
