"""A video to record against: beeps and a bar before every cue, its text, and the source quieter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.files.container import open_media
from dubkit.media.sound.audio import read_span
from dubkit.types import SAMPLE_RATE, sample_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.media.sound.audio import Samples

BEEPS = 3
"""Beeps before a cue, one second apart; where the next one would be, the cue begins."""

BEEP_SECONDS, BEEP_HERTZ, BEEP_LEVEL = 0.08, 1000.0, 0.25

ROOM = 3.5
"""Seconds of silence that a cue needs before it for beeps of its own; a closer one follows without."""

BEFORE, AFTER = 4.0, 2.5
"""Seconds of the film before the first cue and after the last."""

QUIETER = 10 ** (-18 / 20)
"""Level of the source's sound."""

RATE = Fraction(25)
"""Frames a second of the video."""

WIDTH = 640

SHOWN_BEFORE = 5.0
"""Seconds before a cue from which on its text is shown."""


@dataclass(frozen=True, slots=True)
class CountedCue:
    """One line to be recorded; seconds of the episode."""

    line: str
    start: float
    end: float
    character: str
    text: str


@dataclass(frozen=True, slots=True)
class CountIn:
    """What a count-in video holds, so that a recording against it can be cut into lines."""

    start: float
    """Second of the episode at which the video begins."""
    end: float
    cues: tuple[CountedCue, ...] = field(default=())

    @property
    def beeps(self) -> tuple[float, ...]:
        """Seconds of the episode at which it beeps."""
        found: list[float] = []
        last = self.start
        for cue in self.cues:
            if cue.start - last >= ROOM:
                found += [cue.start - beat for beat in range(BEEPS, 0, -1)]
            last = max(last, cue.end)
        return tuple(found)


def plan_count_in(cues: Sequence[CountedCue], length: float) -> CountIn:
    """Return the video for some cues of an episode of `length` seconds; before an early cue it is black."""
    ordered = tuple(sorted(cues, key=lambda cue: (cue.start, cue.line)))
    start = ordered[0].start - BEFORE
    return CountIn(round(start, 3), round(min(length, max(c.end for c in ordered) + AFTER), 3), ordered)


def write_count_in(
    plan: CountIn, source: Path, audio: Path, out: Path, *, picture: int | None, font: str
) -> None:
    """Write the video as mp4 with H.264 and AAC.

    Args:
        audio: the episode's sound at 48 kHz.
        picture: index of the source's picture; None where it has none.
        font: file of a font that has the letters of the texts; empty leaves them out.
    """
    import av

    frames = int((plan.end - plan.start) * RATE)
    pages = _Pages(plan, font)
    shown = _pictures(source, picture, plan, frames)
    with av.open(str(out), "w", options={"movflags": "+faststart"}) as container:
        video: Any = container.add_stream("libx264", rate=RATE)
        sound: Any = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        image = next(shown)
        video.width, video.height = image.shape[1], image.shape[0]
        video.pix_fmt, video.options = "yuv420p", {"preset": "veryfast", "crf": "23"}
        _write_sound(container, sound, _sound(plan, audio))
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(pages.drawn(image, plan.start + number / RATE), "rgb24")
            frame.pts, frame.time_base = number, 1 / RATE
            container.mux(video.encode(frame))
            image = next(shown, image)
        container.mux(video.encode(None))


# --- sound --------------------------------------------------------------------------------------------


def _sound(plan: CountIn, audio: Path) -> Samples:
    """Return (N,) the source's sound, quieter, with the beeps over it."""
    import numpy as np

    first, last = sample_at(plan.start), sample_at(plan.end)
    source = read_span(audio, max(0, first), max(0, last)).mean(axis=1) * QUIETER
    whole = np.zeros(last - first)
    whole[max(0, -first) : max(0, -first) + len(source)] = source
    for moment in plan.beeps:
        begin = sample_at(moment) - first
        tone = beep()
        whole[begin : begin + len(tone)] += tone[: max(0, len(whole) - begin)]
    return np.clip(whole, -1.0, 1.0)


def beep() -> Samples:
    """Return one beep, (N,) at 48 kHz."""
    import numpy as np

    at = np.arange(round(BEEP_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    tone: Samples = BEEP_LEVEL * np.sin(2 * np.pi * BEEP_HERTZ * at)
    return tone


def _write_sound(container: Any, stream: Any, samples: Samples) -> None:
    import av
    import numpy as np

    size = 1024
    for begin in range(0, len(samples), size):
        block = samples[begin : begin + size].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
        frame.rate, frame.pts, frame.time_base = SAMPLE_RATE, begin, Fraction(1, SAMPLE_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


# --- picture ------------------------------------------------------------------------------------------


def _pictures(source: Path, picture: int | None, plan: CountIn, frames: int) -> Any:
    """Yield the picture of every frame, (H, W, 3) bytes; black where the source has none."""
    import numpy as np

    black = np.zeros((360, WIDTH, 3), np.uint8)
    if picture is None:
        for _ in range(frames):
            yield black
        return
    with open_media(source) as container:
        stream: Any = container.streams[picture]
        zero = float((stream.start_time or 0) * stream.time_base)
        if plan.start > 2:
            container.seek(int((zero + plan.start - 1) / stream.time_base), stream=stream)
        decoded = _scaled(container, stream)
        current, following = None, next(decoded, None)
        for number in range(frames):
            moment = zero + plan.start + number / RATE
            while following is not None and following[0] <= moment + 0.001:
                current, following = following[1], next(decoded, None)
            if current is None and following is not None:
                black = np.zeros_like(following[1])
            yield black if current is None or moment < zero else current


def _scaled(container: Any, stream: Any) -> Any:
    import av

    try:
        for frame in container.decode(stream):
            if frame.pts is not None:
                height = round(WIDTH * frame.height / frame.width / 2) * 2
                yield float(frame.pts * stream.time_base), frame.reformat(WIDTH, height, "rgb24").to_ndarray()
    except av.error.FFmpegError as error:
        raise MediaError(
            Path(container.name), f"its picture cannot be read ({error})", "Repair the file."
        ) from None


class _Pages:
    """Draws texts and bars; a text is set once."""

    def __init__(self, plan: CountIn, font: str) -> None:
        self._plan = plan
        self._font = font
        self._counted = set(plan.beeps)
        self._set: dict[tuple[str, int], NDArray[np.uint8]] = {}

    def drawn(self, image: NDArray[np.uint8], moment: float) -> NDArray[np.uint8]:
        """Return a picture with what an actor must see at a second of the episode."""
        image = image.copy()
        height, width = image.shape[:2]
        current = [cue for cue in self._plan.cues if cue.start - SHOWN_BEFORE <= moment <= cue.end]
        foot = height
        for cue in reversed(current[:2]):
            page = self._page(cue, width)
            top = max(0, foot - page.shape[0])
            image[top:foot] = (image[top:foot] * 0.25).astype(image.dtype)
            shown = page[: foot - top]
            image[top:foot][shown > 0] = 255 if cue.start <= moment else 170
            foot = top
        for cue in current:
            self._bar(image, moment, cue)
        return image

    def _bar(self, image: NDArray[np.uint8], moment: float, cue: CountedCue) -> None:
        """Draw the streamer that reaches the right edge as the cue begins, and the seconds that are left."""
        height, width = image.shape[:2]
        left = cue.start - moment
        if 0 < left <= BEEPS:
            at = min(width - 4, int(width * (1 - left / BEEPS)))
            image[:, at : at + 4] = (255, 220, 0)
            counted = int(left) + 1
            if round(cue.start - counted, 3) in {round(one, 3) for one in self._counted}:
                self._number(image, counted)
        elif left <= 0:
            image[: max(4, height // 40)] = (230, 40, 40)

    def _number(self, image: NDArray[np.uint8], number: int) -> None:
        import cv2

        height = image.shape[0]
        place = (12, height // 5)
        cv2.putText(image, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, height / 180, (255, 220, 0), 3)

    def _page(self, cue: CountedCue, width: int) -> NDArray[np.uint8]:
        import numpy as np

        from dubkit.media.delivery.lettering import lettering

        if not self._font:
            return np.zeros((0, width), np.uint8)
        key = (cue.line, width)
        if key not in self._set:
            self._set[key] = lettering(f"{cue.line}  {cue.character}\n{cue.text}", width, self._font)
        return self._set[key]
