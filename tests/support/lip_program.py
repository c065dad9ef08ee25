"""A program that stands in for one that moves lips: it reads a clip and its sound, and writes a film.

Run it as `python lip_program.py MODE CLIP SOUND OUT`. It imports nothing of dubkit.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

BASE = Fraction(1, 90_000)


def read(clip: str) -> tuple[list[NDArray[np.uint8]], Fraction]:
    """Return the pictures of a clip and its rate."""
    with av.open(clip) as film:
        rate = film.streams.video[0].average_rate
        assert rate is not None
        pictures: list[Any] = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    return pictures, rate


def marked(pictures: list[NDArray[np.uint8]], rate: Fraction, sound: str) -> list[NDArray[np.uint8]]:
    """Return the pictures with a bar at the bottom, as wide as the speech is loud."""
    wave, hertz = soundfile.read(sound, always_2d=True)
    result = []
    for number, picture in enumerate(pictures):
        first = int(number / rate * hertz)
        loud = float(np.abs(wave[first : first + int(hertz / rate)]).max(initial=0.0))
        changed = picture.copy()
        changed[-8:, : max(1, int(picture.shape[1] * min(1.0, loud)))] = 255
        result.append(changed)
    return result


def write(out: str, pictures: list[NDArray[np.uint8]], times: list[Fraction], codec: str = "libx264") -> None:
    """Write pictures at times in seconds."""
    with av.open(out, "w", format="matroska", options={"fflags": "+bitexact"}) as film:
        stream: Any = film.add_stream(codec, rate=25, options={"crf": "4", "bf": "0", "threads": "1"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", BASE
        stream.codec_context.time_base = BASE
        for picture, moment in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = round(moment / BASE), BASE
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))


def main(mode: str, clip: str, sound: str, out: str) -> int:
    if mode == "fails":
        print("Loading the face detector …", file=sys.stderr)
        print("RuntimeError: no face was found.", file=sys.stderr)
        return 3
    if mode == "hangs":
        # What it starts must end with it, too.
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        Path(os.environ["LIP_PROGRAM_CHILD"]).write_text(str(child.pid))
        print("step 1 of 99", file=sys.stderr, flush=True)
        time.sleep(300)
    if mode == "nothing":
        print("Saved the result.")
        return 0
    if mode == "empty":
        Path(out).write_bytes(b"")
        return 0
    pictures, rate = read(clip)
    pictures = marked(pictures, rate, sound)
    times = [number / rate for number in range(len(pictures))]
    if mode == "broken":
        write(out, pictures, times)
        whole = Path(out).read_bytes()
        Path(out).write_bytes(whole[: len(whole) // 3])
        return 0
    if mode == "short":
        pictures, times = pictures[:-3], times[:-3]
    if mode == "very-short":
        pictures, times = pictures[:3], times[:3]
    if mode == "large":
        pictures = [np.repeat(np.repeat(picture, 2, 0), 2, 1) for picture in pictures]
    if mode == "square":
        pictures = [picture[:, : picture.shape[0]] for picture in pictures]
    if mode == "variable":
        keep = [number for number in range(len(pictures)) if number % 5 != 2]
        pictures, times = [pictures[number] for number in keep], [times[number] for number in keep]
    if mode == "slow":
        time.sleep(float(os.environ.get("LIP_PROGRAM_SECONDS", "0.3")))
    write(out, pictures, times)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
