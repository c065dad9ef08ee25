"""Clips for other programs and from them: files that every program reads, and whatever it writes.

A program may write any container, size, rate and sound. What comes back fits the order exactly, or it is
refused with what was found and what is needed. Letters: H and W rows and columns, C channels, N samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dubkit.engines.engine import ClipMade, ClipOrder
from dubkit.errors import GeneratorError, MediaError
from dubkit.types import SAMPLE_RATE, Remark, remark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Sound = NDArray[np.float32]

Part = Literal["whole", "right"]
"""What of a program's picture is its result: all of it, or the right half."""

MOST_MISSING = Fraction(1, 2)
"""Seconds at the end of a clip for which its last picture may stand still."""
SHAPE = 0.02
"""How far the shape of a picture (width by height) may differ from the order's, as a share."""
SILENT = 1e-4
"""Peak of a sound (-80 dB) below which nothing is heard."""
UNEVEN = Fraction(1, 4)
"""Share of a frame's time by which frames of an even clock may be off."""

_LOSSLESS = (".mkv", ".nut")
_CHUNK = 1024


def write_clip(order: ClipOrder, path: Path, *, rate: Fraction | None = None) -> None:
    """Write the pictures of an order, and the sound to follow, as one file.

    MP4 and MOV hold H.264 (CRF 10, yuv420p, BT.601) and AAC, which every program reads; MKV holds pictures
    without loss (FFV1) and FLAC. The sound is that of `write_sound`.

    Args:
        order: what is to be made.
        path: file to write; its suffix says the container.
        rate: frames per second, for programs that know one rate only: each picture is then the nearest in
            time. None is the order's exact rate.
    """
    import av

    rate = rate or order.rate
    lossless = path.suffix.lower() in _LOSSLESS
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as file:
        picture: Any = file.add_stream("ffv1" if lossless else "libx264", rate=rate)
        picture.width, picture.height, picture.time_base = order.width, order.height, 1 / rate
        picture.pix_fmt = "bgr0" if lossless else "yuv420p"
        if lossless:
            picture.options = {"level": "3", "slices": "4"}
        else:
            # Readers without an eye for tags take BT.601: tagged so, the others do, too.
            picture.options = {"crf": "10", "x264-params": "colormatrix=smpte170m:threads=1"}
            picture.codec_context.color_range = av.video.reformatter.ColorRange.MPEG
        sound: Any = file.add_stream("flac" if lossless else "aac", rate=SAMPLE_RATE, layout=_layout(order))
        if not lossless:
            sound.bit_rate = 320_000
        for number, image in enumerate(_at_rate(order, rate)):
            frame: Any = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = frame.reformat(format=picture.pix_fmt)
            frame.pts, frame.time_base = number, 1 / rate
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
        for block in _blocks(_stereo(sound_to_follow(order)), sound.codec_context.format.name):
            file.mux(sound.encode(block))
        file.mux(sound.encode(None))


def _at_rate(order: ClipOrder, rate: Fraction) -> Iterator[Picture]:
    """Yield the pictures of an order at another rate: for each time the nearest one."""
    count, shown = round(order.clip.frames / order.rate * rate), 0
    for number, image in enumerate(order.pictures()):
        last = number == order.clip.frames - 1
        while shown < count and (last or shown / rate * order.rate <= number + Fraction(1, 2)):
            yield image
            shown += 1


def write_sound(order: ClipOrder, path: Path) -> None:
    """Write the sound that the pictures are to follow as a WAV file: 48 kHz, 16 bits, one or two channels.

    It is the given speech, or the source's own sound where none is given.
    """
    import soundfile as sf  # type: ignore[import-untyped]

    sf.write(path, _stereo(sound_to_follow(order)).T, SAMPLE_RATE, subtype="PCM_16", format="WAV")


def sound_to_follow(order: ClipOrder) -> Sound:
    """Return the given speech of an order, or the source's sound (C, N) at 48 kHz."""
    return order.given if order.given is not None else order.sound


def _layout(order: ClipOrder) -> str:
    return "mono" if len(sound_to_follow(order)) == 1 else "stereo"


def _stereo(sound: Sound) -> Sound:
    """Return a sound with at most two channels; those of a room are mixed down by FFmpeg's weights."""
    import av
    import numpy as np

    from dubkit.media.files.container import LAYOUTS

    if len(sound) <= 2:
        return sound
    mixer = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    layout = LAYOUTS.get(len(sound))
    if layout is None:
        return np.asarray(sound.mean(0, keepdims=True), np.float32)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = SAMPLE_RATE, 0
    mixed = [part.to_ndarray() for part in (*mixer.resample(frame), *mixer.resample(None))]
    return np.clip(np.concatenate(mixed, axis=1)[:, : sound.shape[1]], -1.0, 1.0)


def _blocks(sound: Sound, form: str) -> Iterator[Any]:
    """Yield a sound as frames of FFmpeg in a sample format."""
    import av
    import numpy as np

    layout = "mono" if len(sound) == 1 else "stereo"
    shaper = av.AudioResampler(format=form, layout=layout, rate=SAMPLE_RATE)
    for start in range(0, sound.shape[1], _CHUNK):
        block = np.ascontiguousarray(sound[:, start : start + _CHUNK], np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        yield from shaper.resample(frame)


@dataclass(slots=True)
class _Reading:
    """A file of a program while it is read, and the order that it answers."""

    path: Path
    order: ClipOrder
    engine: str
    part: Part
    claimed: Fraction | None = None
    """Frames per second that the file claims, once it was opened."""
    remarks: list[Remark] = field(default_factory=list)

    @property
    def seconds(self) -> Fraction:
        """Length of the clip."""
        return self.order.clip.frames / self.order.rate

    def refuse(self, found: str) -> GeneratorError:
        """Return the error that says what was found and what is needed, without the folder of the file.

        The folder is another one each time, and the same failure is told in the same words.
        """
        order, found = self.order, found.replace(f"{self.path.parent}{os.sep}", "")
        return GeneratorError(
            f"{self.engine} made a file for clip {order.clip.id} that cannot be used: {found}.\n"
            f"Needed are {order.clip.frames} pictures of {order.width}x{order.height} at {order.rate} per "
            f"second ({float(self.seconds):.2f} s). Check what the program writes."
        )

    def tell(self, code: str, sentence: str) -> None:
        """Add a remark on the clip."""
        self.remarks.append(remark(code, sentence, self.order.clip.id))


def read_clip(path: Path, order: ClipOrder, engine: str, *, part: Part = "whole") -> ClipMade:
    """Read what a program wrote for an order: exactly its frames, in its size, at its rate.

    Pictures at other times are taken by the nearest time, those of another size are scaled, and up to half
    a second that is missing at the end shows the last picture; remarks say so. The sound is the given one,
    or that of the file. All is in memory when this returns, so the file may go.

    Args:
        path: any container that FFmpeg reads.
        order: what was asked for.
        engine: its name, for messages.
        part: what of the picture counts; some programs show the source beside their result.

    Raises:
        GeneratorError: no file, one that cannot be read or is damaged, no picture, another shape, more
            missing than that, or no sound where none was given.
    """
    reading = _Reading(path, order, engine, part)
    try:
        pictures = _pictures(reading)
        sound, rate = (order.given, SAMPLE_RATE) if order.given is not None else _sound(reading)
    except MediaError as error:
        raise reading.refuse(str(error).splitlines()[0].rstrip(".")) from error
    return ClipMade(iter(pictures), sound, rate, tuple(reading.remarks))


def _pictures(reading: _Reading) -> list[Picture]:
    """Return the pictures of a clip: as many as were ordered, in their size."""
    times, step = _times(reading)
    numbers = _chosen(reading, times, step)
    kept: dict[int, Picture] = {}
    wanted = set(numbers)
    for number, frame in enumerate(_frames(reading)):
        if number in wanted:
            kept[number] = _fitted(reading, frame)
    return [kept[number] for number in numbers]


def _frames(reading: _Reading) -> Iterator[Any]:
    """Yield the decoded pictures. Raises GeneratorError for a file without any, or a damaged one."""
    import av

    from dubkit.media.files.container import is_picture, open_media, packets_of

    with open_media(reading.path) as container:
        stream: Any = next((stream for stream in container.streams.video if is_picture(stream)), None)
        if stream is None:
            raise reading.refuse("it has no picture")
        stream.thread_type = "AUTO"
        reading.claimed = stream.average_rate
        try:
            for packet in packets_of(container, [stream]):
                yield from packet.decode()
        except (av.error.FFmpegError, OSError) as error:
            raise reading.refuse(f"it is damaged ({getattr(error, 'strerror', None) or error})") from error


def _times(reading: _Reading) -> tuple[list[Fraction], Fraction]:
    """Return when every picture is shown, in seconds from the first one, and how long one is on average."""
    stamps: list[Fraction] = []
    for number, frame in enumerate(_frames(reading)):
        if frame.is_corrupt:
            raise reading.refuse(f"its picture {number} is damaged")
        base = frame.time_base or 1 / reading.order.rate
        stamps.append(Fraction(number if frame.pts is None else frame.pts) * base)
    if not stamps:
        raise reading.refuse("it has no picture")
    times = [stamp - stamps[0] for stamp in stamps]
    if any(after <= before for before, after in pairwise(times)):
        # AVI knows no times of pictures that are not stored in their order; the decoder gives the order.
        rate = reading.claimed or reading.order.rate
        times = [number / rate for number in range(len(stamps))]
    return times, times[-1] / (len(times) - 1) if len(times) > 1 else 1 / reading.order.rate


def _chosen(reading: _Reading, times: list[Fraction], step: Fraction) -> list[int]:
    """Return the number of the picture that each frame of the clip shows."""
    order = reading.order
    frames, frame = order.clip.frames, 1 / order.rate
    even = all(abs(time - number * step) <= UNEVEN * step for number, time in enumerate(times))
    if even and len(times) == frames:
        return list(range(frames))  # also where the rate was rounded: 24 or 23 for 24000/1001
    missing = reading.seconds - (times[-1] + step)
    if missing > MOST_MISSING:
        found = f"{len(times)} pictures, {float(times[-1] + step):.2f} s"
        raise reading.refuse(f"it is too short ({found})")
    if missing > frame / 2:
        held = "Its last {:.2f} s show one picture, because {} made too few."
        reading.tell("clip-held", held.format(float(missing), reading.engine))
    if not even or abs(step - frame) > UNEVEN * frame / frames:
        sentence = "Its pictures are those nearest in time, because {} made them {}."
        how = f"at {float(1 / step):.3f} per second" if even and step else "at uneven times"
        reading.tell("rate-evened", sentence.format(reading.engine, how))
    return [_nearest(times, number * frame) for number in range(frames)]


def _nearest(times: list[Fraction], time: Fraction) -> int:
    from bisect import bisect_left

    after = min(bisect_left(times, time), len(times) - 1)
    before = max(after - 1, 0)
    return before if time - times[before] <= times[after] - time else after


def _fitted(reading: _Reading, frame: Any) -> Picture:
    """Return a picture as it is shown, in the order's size. Raises GeneratorError for another shape."""
    import cv2
    import numpy as np

    from dubkit.media.files.container import orientation

    order = reading.order
    image: Picture = frame.to_ndarray(format="rgb24")
    turn, mirrored = orientation(frame)
    image = np.rot90(np.flip(image, 1) if mirrored else image, round(turn / 90) % 4)
    if reading.part == "right":
        image = image[:, image.shape[1] // 2 :]
    size = order.width, order.height
    height, width = image.shape[:2]
    if (width, height) == size:
        return np.ascontiguousarray(image)
    if abs(width / height * order.height / order.width - 1) > SHAPE:
        raise reading.refuse(f"its pictures are {width}x{height}, which is another shape")
    smaller = width < order.width
    if not any(told.code in ("clip-scaled", "clip-enlarged") for told in reading.remarks):
        made = f"its pictures from {width}x{height} to {order.width}x{order.height}"
        code, done = ("clip-enlarged", "enlarged") if smaller else ("clip-scaled", "scaled")
        reading.tell(code, f"dubkit {done} {made}, because {reading.engine} made another size.")
    way = cv2.INTER_CUBIC if smaller else cv2.INTER_AREA
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=way), np.uint8)


def _sound(reading: _Reading) -> tuple[Sound, int]:
    """Return the file's own sound on the clock of its picture. Raises GeneratorError where none is heard."""
    import numpy as np

    heard, rate, start = _heard(reading)
    if not heard.size or float(np.abs(heard).max()) < SILENT:
        raise reading.refuse("its sound is silent, and this engine has to make the voice")
    count, first = round(reading.seconds * rate), round(start * rate)
    placed = np.zeros((len(heard), count), np.float32)
    part = heard[:, max(-first, 0) :][:, : max(count - max(first, 0), 0)]
    placed[:, max(first, 0) : max(first, 0) + part.shape[1]] = part
    return placed, rate


def _heard(reading: _Reading) -> tuple[Sound, int, Fraction]:
    """Return the sound (1 or 2, N) of a file, its rate, and when it starts against the picture in seconds."""
    import av
    import numpy as np

    from dubkit.media.files.container import open_media

    with open_media(reading.path) as container:
        stream: Any = next(iter(container.streams.audio), None)
        if stream is None:
            raise reading.refuse("it has no sound, and this engine has to make the voice")
        rate, layout = int(stream.rate), "mono" if stream.channels == 1 else "stereo"
        picture: Any = container.streams.video[0]
        start = (Fraction(stream.start_time or 0) * stream.time_base) - (
            Fraction(picture.start_time or 0) * picture.time_base
        )
        shaper = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        parts: list[Any] = []
        try:
            for frame in container.decode(stream):
                parts += [part.to_ndarray() for part in shaper.resample(frame)]
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise reading.refuse(f"its sound is damaged ({reason})") from error
        parts += [part.to_ndarray() for part in shaper.resample(None)]
    return np.concatenate(parts, axis=1) if parts else np.zeros((1, 0), np.float32), rate, start
