"""What both ways to splice share: the job, pictures for every frame of a span, reading and writing."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import DiskFull, MediaError
from dubkit.media.files.container import packets_of
from dubkit.media.splice.plan import Survey
from dubkit.types import VideoStream

if TYPE_CHECKING:
    import av

_MATROSKA_CLOCK = Fraction(1, 1000)

Make = Callable[[int, "av.VideoFrame"], "av.VideoFrame"]


@dataclass(frozen=True, slots=True)
class SpliceJob:
    """One picture to splice, surveyed."""

    source: Path
    video: VideoStream
    replaced: Sequence[tuple[int, int]]
    make: Make
    destination: Path
    found: Survey

    @property
    def shift(self) -> int:
        """Ticks that the new file is later than the source: none, but for times before zero.

        A transport stream whose clock runs over begins before zero, where an mp4 shows nothing.
        """
        return max(0, -self.found.stamps[0])


@dataclass(slots=True)
class Filler:
    """Gives every frame of a range exactly one picture, in order, whatever the decoder leaves out."""

    job: SpliceJob
    first: int
    last: int
    following: int = field(init=False)
    missing: int = 0
    _previous: Any = None

    def __post_init__(self) -> None:
        self.following = self.first

    def take(self, number: int, frame: Any) -> Iterator[tuple[int, Any]]:
        """Yield (frame number, picture) up to `number`, whose decoded picture is `frame`."""
        if self._previous is None:
            self._previous = frame
        yield from self._stand_in(number)
        self._previous = frame
        if self.following == number < self.last:
            yield number, self._picture(number, frame)
            self.following += 1

    def rest(self) -> Iterator[tuple[int, Any]]:
        """Yield what the source left out at the end; raises `MediaError` when it yielded nothing."""
        if self._previous is None and self.following < self.last:
            problem = f"frames {self.first} to {self.last} of its picture cannot be decoded"
            raise MediaError(self.job.source, problem, "Fetch the file again, or leave these lines undubbed.")
        yield from self._stand_in(self.last)

    def _stand_in(self, end: int) -> Iterator[tuple[int, Any]]:
        while self.following < min(end, self.last):
            self.missing += 1
            yield self.following, self._picture(self.following, self._previous)
            self.following += 1

    def _picture(self, number: int, frame: Any) -> Any:
        if not any(first <= number < last for first, last in self.job.replaced):
            return frame
        picture = self.job.make(number, frame)
        form, expected = _form(picture), _form(frame)
        if form != expected:
            raise ValueError(f"the picture made for frame {number} is {form}, but {expected} is needed")
        return picture


def _form(frame: Any) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name


def packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets of the picture, to the end or to where reading breaks off."""
    import av

    try:
        yield from (packet for packet in packets_of(container, stream) if packet.size)
    except (av.error.FFmpegError, OSError):
        return


@contextmanager
def writing(job: SpliceJob) -> Iterator[Any]:
    """Open the new file with the source's clock; nothing stays behind when it fails."""
    import av

    ticks = job.found.time_base.denominator
    if job.found.matroska and job.found.time_base == _MATROSKA_CLOCK:
        # Only Matroska keeps what a Matroska source says about its colours beside the stream.
        kind, options = "matroska", {}
    else:
        kind = "mp4"
        options = {"video_track_timescale": str(ticks), "movie_timescale": str(ticks), "use_editlist": "1"}
        # Dolby Vision, 360 degrees and two eyes are written only where this is allowed.
        options |= {"strict": "unofficial"}
    # The times are the source's: what lies before zero is not shifted.
    options |= {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
    try:
        with av.open(str(job.destination), "w", format=kind, container_options=options) as out:
            yield out
    except BaseException as error:
        job.destination.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DiskFull(job.destination) from error
        raise
