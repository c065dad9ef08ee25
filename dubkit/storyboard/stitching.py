"""One film of the shots: pictures as they were encoded, packet by packet, and their sound encoded once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.storyboard.folder import PICTURE, SOUND

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FADE = 0.005
"""Seconds in which the sound goes down and up where two shots meet, so that no click is heard."""


def stitch(shots: Sequence[Path], rate: Fraction, path: Path) -> int:
    """Write the film of some shots' folders and return its frames; it appears whole or not at all.

    The pictures are those of the shots' files, not encoded again.
    """
    import av

    counts: list[int] = []
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as film:
            with av.open(str(shots[0] / PICTURE)) as first:
                picture: Any = film.add_stream_from_template(first.streams.video[0])
            picture.time_base = 1 / rate
            sample_rate = _sample_rate(shots[0] / SOUND)
            sound: Any = film.add_stream("aac", rate=sample_rate, layout="stereo")
            sound.bit_rate = 192_000
            for shot in shots:
                counts.append(_copy(shot / PICTURE, film, picture, rate, sum(counts)))
            _encode(film, sound, joined([shot / SOUND for shot in shots], counts, rate), sample_rate)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return sum(counts)


def _copy(source: Path, film: Any, stream: Any, rate: Fraction, at: int) -> int:
    """Copy the picture packets of a shot behind `at` frames; return how many there are."""
    import av

    count = 0
    with av.open(str(source)) as shot:
        video = shot.streams.video[0]
        for packet in shot.demux(video):
            if packet.dts is None:
                continue
            # Times in frames, so that nothing is placed by adding up rounded lengths.
            base: Any = packet.time_base
            times: tuple[Any, Any] = packet.pts, packet.dts
            packet.pts, packet.dts = (round(time * base * rate) + at for time in times)
            packet.time_base, packet.duration = 1 / rate, 1
            packet.stream = stream
            film.mux(packet)
            count += 1
    return count


def joined(sounds: Sequence[Path], counts: Sequence[int], rate: Fraction) -> NDArray[np.float32]:
    """Return the samples (N, 2) of the film: each shot's from where its first frame is shown."""
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]

    pieces, frames, begin = [], 0, 0
    for number, (path, count) in enumerate(zip(sounds, counts, strict=True)):
        wave, sample_rate = sf.read(path, dtype="float32", always_2d=True)
        frames += count
        end = int(frames * sample_rate / rate)
        piece = np.zeros((end - begin, 2), np.float32)
        length = min(len(wave), end - begin)
        piece[:length] = wave[:length]
        fade = min(round(FADE * sample_rate), len(piece) // 2)
        rise = (np.arange(fade, dtype=np.float32)[:, None] + 1) / (fade + 1)
        if number and fade:
            piece[:fade] *= rise
        if number < len(sounds) - 1 and fade:
            piece[-fade:] *= rise[::-1]
        pieces.append(piece)
        begin = end
    return np.concatenate(pieces)


def _encode(film: Any, stream: Any, wave: NDArray[np.float32], sample_rate: int) -> None:
    import av
    import numpy as np

    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave.T), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = sample_rate, 0, Fraction(1, sample_rate)
    for packet in (*stream.encode(frame), *stream.encode(None)):
        film.mux(packet)


def _sample_rate(path: Path) -> int:
    import soundfile as sf

    return int(sf.info(path).samplerate)
