"""Decode the chosen sound track once, onto the episode's sample clock.

Time stamps decide: sample n of a file sits at n / rate seconds after the episode's zero, whatever the
source left out, doubled or damaged. Memory stays bounded however long the source is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import DiskFull, MediaError
from dubkit.media.files.container import LAYOUTS, episode_zero, open_media, packets_of, scan, timed_streams
from dubkit.types import ASR_RATE, SAMPLE_RATE, Episode, Remark, remark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from soundfile import SoundFile  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

_TOLERANCE = Fraction(20, 1000)
"""Seconds that time stamps may stray from the sound before it is moved. Live recordings and
millisecond containers jitter by a few milliseconds; following them would put clicks into the sound."""

_WAV_LIMIT = 3_900_000_000
"""Bytes above which a WAV header overflows and RF64 is written."""

_SILENCE_BLOCK = SAMPLE_RATE * 10


@dataclass(frozen=True, slots=True)
class _Span:
    """The chosen stream, the episode's zero and the end of the sound, both in container seconds."""

    index: int
    zero: Fraction
    end: Fraction | None


class _Clocked:
    """A sound file of exact length whose samples are placed by time, not by order of arrival."""

    def __init__(self, file: SoundFile, samples: int, sample_format: str, layout: str) -> None:
        self.file = file
        self.samples = samples
        self.sample_format = sample_format
        self.layout = layout
        self.position = 0
        self.limit = samples
        self.skip = 0
        self.resampler: Any = None

    def begin(self, seconds: Fraction) -> None:
        """Start a run of sound `seconds` after the zero: fill the gap, or trim what overlaps."""
        import av

        start = round(seconds * self.file.samplerate)
        self.silence(min(start, self.limit) - self.position)
        self.skip = max(0, self.position - start)
        self.resampler = av.AudioResampler(self.sample_format, self.layout, self.file.samplerate)

    def feed(self, frame: Any) -> None:
        """Add sound to the run; None ends the run."""
        if self.resampler is None:
            return
        for resampled in self.resampler.resample(frame):
            self._write(resampled.to_ndarray().reshape(-1, self.file.channels))
        if frame is None:
            self.resampler = None

    def _write(self, sound: NDArray[np.generic]) -> None:
        dropped = min(self.skip, len(sound))
        self.skip -= dropped
        kept = sound[dropped : dropped + max(0, self.limit - self.position)]
        self._put(kept)

    def silence(self, samples: int) -> None:
        """Write silence; nothing for a negative number."""
        import numpy as np

        left = min(samples, self.samples - self.position)
        while left > 0:
            block = min(left, _SILENCE_BLOCK)
            self._put(np.zeros((block, self.file.channels), dtype=np.float32))
            left -= block

    def _put(self, sound: NDArray[np.generic]) -> None:
        import soundfile

        try:
            self.file.write(sound)
        except (AssertionError, soundfile.LibsndfileError) as error:
            # A short write is the only sign of a full disk that libsndfile gives.
            raise DiskFull(Path(self.file.name)) from error
        self.position += len(sound)

    def finish(self) -> None:
        """End the run and bring the file to its exact length."""
        self.feed(None)
        self.silence(self.samples - self.position)


def decode_audio(path: Path, episode: Episode, out48: Path, out16: Path) -> tuple[Remark, ...]:
    """Decode the dubbed track to `out48` (48 kHz, 24 bit) and `out16` (16 kHz, mono, 16 bit).

    `out48` has `episode.channels` channels and `episode.samples` samples, and is RF64 where WAV cannot
    hold it; `out16` lasts equally long. Returns remarks on damage that was bridged by silence.
    Raises `MediaError` when there is no track to decode and `DiskFull`.
    """
    import soundfile

    track = next((audio for audio in episode.audio if audio.number == episode.track), None)
    if track is None:
        raise MediaError(path, "it has no sound track to decode", "Name a file with sound.")
    size = episode.samples * episode.channels * 3
    container = "RF64" if size > _WAV_LIMIT else "WAV"
    with (
        soundfile.SoundFile(
            str(out48), "w", SAMPLE_RATE, episode.channels, subtype="PCM_24", format=container
        ) as wide,
        soundfile.SoundFile(str(out16), "w", ASR_RATE, 1, subtype="PCM_16", format="WAV") as narrow,
    ):
        sinks = (
            _Clocked(wide, episode.samples, "flt", LAYOUTS[episode.channels]),
            _Clocked(narrow, round(episode.duration * ASR_RATE), "s16", "mono"),
        )
        return _decode(path, track.index, episode, sinks)


def _decode(path: Path, index: int, episode: Episode, sinks: tuple[_Clocked, ...]) -> tuple[Remark, ...]:
    span = _span(path, index, episode)
    for sink in sinks:
        if span.end is not None:
            sink.limit = min(sink.samples, round((span.end - span.zero) * sink.file.samplerate))
    with open_media(path) as container:
        stream = container.streams[index]
        remarks = _place(_sound(container, stream), span, sinks)
    for sink in sinks:
        sink.finish()
    return remarks


def _span(path: Path, index: int, episode: Episode) -> _Span:
    picture = episode.video.index if episode.video else None
    with open_media(path) as container:
        tracks, _ = scan(container, timed_streams(container, picture))
        track = tracks[index]
        # Decoders return whole frames; the container says where the last one really ends. Containers
        # that count milliseconds do not say it finely enough to cut there.
        fine = track.time_base <= Fraction(1, 8000)
        return _Span(index, episode_zero(container, tracks), track.end if fine else None)


def _sound(container: Any, stream: Any) -> Iterator[Any]:
    """Yield decoded frames, and the packet's error in the place of one that cannot be decoded."""
    import av

    packets = packets_of(container, stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.error.FFmpegError, OSError) as error:
            yield error
            return
        try:
            yield from packet.decode()
        except av.error.FFmpegError as error:
            yield error


def _place(frames: Iterator[Any], span: _Span, sinks: tuple[_Clocked, ...]) -> tuple[Remark, ...]:
    """Hand frames to the sinks in runs of sound without gap, overlap or change of format."""
    form: tuple[Any, ...] | None = None
    clock = Fraction(0)
    damaged, heard = 0, 0
    for frame in frames:
        if isinstance(frame, Exception):
            damaged += 1
            continue
        at = clock if frame.pts is None else frame.pts * frame.time_base - span.zero
        now = (frame.sample_rate, frame.layout.name, frame.format.name)
        if form != now or abs(at - clock) > _TOLERANCE:
            if form is not None:
                log.debug("Sound resumes at %.3f s after %.3f s", at, clock)
            for sink in sinks:
                sink.feed(None)
                sink.begin(at)
            form, clock = now, at
        clock += Fraction(frame.samples, frame.sample_rate)
        heard += frame.samples
        # Positions are kept by `clock`; a stamp would make the resampler invent or drop samples.
        frame.pts = None
        for sink in sinks:
            sink.feed(frame)
    return _damage(damaged, heard)


def _damage(damaged: int, heard: int) -> tuple[Remark, ...]:
    found = []
    if damaged:
        text = f"{damaged} damaged sound packet(s) were replaced by silence."
        found.append(remark("sound-damaged", text))
    if not heard:
        text = "Nothing of the sound track can be decoded: the whole track is silence."
        found.append(remark("sound-unreadable", text))
    return tuple(found)
