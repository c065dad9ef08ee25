"""What the source holds: streams, length, shots."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from msgspec import UNSET, UnsetType


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The picture of the source. `width` and `height` are as stored, before `rotation` (degrees)."""

    index: int
    codec: str
    width: int
    height: int
    rate: Fraction
    """Nominal frames per second, exactly as the container states it."""
    frames: int
    """Actual number of frames, counted from the packets, not read from a header."""
    start: Fraction
    """Seconds from the episode's zero to the first frame."""
    end: Fraction
    """Seconds from the episode's zero to the end of the last frame."""
    variable: bool = False
    """True when frame durations differ by more than the rounding of the time base."""
    rotation: int = 0
    sample_aspect: Fraction = Fraction(1)
    pixel_format: str = "yuv420p"
    hidden: int | UnsetType = UNSET
    """Frames before the first one that are only there to be decoded: an edit list hides them."""
    mirrored: bool | UnsetType = UNSET
    """True when left and right change places before the picture is turned, as front cameras have it."""


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One sound track of the source. `number` counts sound tracks from 1, as `--audio-track` does."""

    index: int
    number: int
    codec: str
    rate: int
    channels: int
    layout: str
    language: str = "und"
    title: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """One subtitle track of the source."""

    index: int
    codec: str
    language: str = "und"
    title: str = ""
    text: bool = True
    """False for bitmap subtitles, which cannot be put into every container."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A probed source: what is in it, and which sound track is dubbed."""

    name: str
    sha256: str
    container: str
    duration: Fraction
    """Seconds from the first to the last moment of picture or dubbed sound."""
    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    subtitles: tuple[SubtitleStream, ...] = ()
    track: int = 0
    """`AudioStream.number` of the track that is dubbed; 0 when the source has no sound."""
    channels: int = 0
    """Channels of `audio.wav` (those of the dubbed track); 0 without sound."""
    samples: int = 0
    """Length of `audio.wav` in samples of the episode clock."""
    warnings: tuple[str, ...] = ()
    """What was odd about the source and how it was handled, one sentence each."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `start_frame` (first) to `end_frame` (one past the last) without a cut."""

    id: str
    start_frame: int
    end_frame: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Shots:
    """Artifact `shots.json`. Shots tile the picture without gap or overlap."""

    shots: tuple[Shot, ...]
