"""Measures of the mix and of the finished dub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from dubkit.types.nonverbal import KeptSound

Measures = Mapping[str, float | str] | UnsetType
"""What checks measured besides the numbers that every dub has, by the names of the checks; not written where
there are none."""


@dataclass(frozen=True, slots=True)
class DubbedSpan:
    """Samples of the mix that may differ from the source, and the loudness there."""

    id: str
    start_sample: int
    end_sample: int
    gain_db: float
    """Gain on the speech of this line."""


@dataclass(frozen=True, slots=True)
class LineRoom:
    """Where a dubbed voice was put; empty where the source does not say it clearly."""

    id: str
    levels_db: tuple[float, ...] = ()
    """Level of the voice in each channel of the source."""
    delays_ms: tuple[float, ...] = ()
    reverberation_s: tuple[float, ...] = ()
    """Reverberation time (60 dB) below 1 kHz, from there to 3 kHz, and above."""
    direct_db: float = 0.0
    """Direct against reverberant sound, where there is a reverberation time."""


@dataclass(frozen=True, slots=True)
class LevelReport:
    """How a mix was brought to its delivery level: one gain on all of it, and a limiter."""

    profile: str
    """Name of the profile; `lufs-target` for a level of the user's own."""
    target_lufs: float
    max_true_peak_db: float
    gate: str
    """What is measured: `programme`, or `dialogue`, the spoken lines alone."""
    gain_db: float
    limited_db: float
    """The most that the limiter took away anywhere."""


@dataclass(frozen=True, slots=True)
class MixReport:
    """Artifact `mix/mix.json`: what the mix did. Outside `spans` its samples are the source's.

    With `levels`, all of them have its gain beside that; the other loudnesses are those before it.
    """

    spans: tuple[DubbedSpan, ...]
    source_lufs: float
    dub_lufs: float
    true_peak_db: float
    duck_db: float
    limited: bool
    samples: int
    channels: int
    levels: LevelReport | UnsetType = UNSET
    """Not written for a dub that is as loud as its source."""
    rooms: tuple[LineRoom, ...] | UnsetType = UNSET
    """Not written where no voice was to be put into a room."""
    nonverbal: tuple[KeptSound, ...] | UnsetType = UNSET
    """Laughs, sighs and breaths under the lines; not written where they are not to be kept."""


@dataclass(frozen=True, slots=True)
class LineQc:
    """Measures of one finished line."""

    id: str
    heard: str
    """What the recogniser heard in the dub."""
    word_error: float | None
    """Word error of `heard` against the line; None when it was not measured."""
    start_error: float
    """Seconds from the line's start to the first sound of the speech."""
    loudness_error: float | None
    """LU between the dubbed and the source dialogue of the line."""
    flags: tuple[str, ...] = ()
    measures: Measures = UNSET


@dataclass(frozen=True, slots=True)
class HeardBy:
    """What heard the dub for its round trip, where it is another reading than the one that transcribed."""

    name: str
    """Model and decoding: `whisper-base, beam 1`."""
    lacks: str = ""
    """What would hear better, with its cure; empty where nothing is missing."""


@dataclass(frozen=True, slots=True)
class DeliveredLevels:
    """Loudness and peaks of the delivered file against its profile; None for silence."""

    profile: str
    target_lufs: float
    max_true_peak_db: float
    gate: str
    """What the target is for: `programme`, or `dialogue`, the spoken lines alone."""
    programme_lufs: float | None
    dialogue_lufs: float | None
    range_lu: float | None
    """Loudness range (EBU Tech 3342)."""
    true_peak_db: float | None

    @property
    def measured_lufs(self) -> float | None:
        """The loudness that the target is for."""
        spoken = self.gate == "dialogue" and self.dialogue_lufs is not None
        return self.dialogue_lufs if spoken else self.programme_lufs


@dataclass(frozen=True, slots=True)
class EpisodeQc:
    """Artifact `qc.json`: measures of the finished dub, read back from the delivered file."""

    lines: tuple[LineQc, ...]
    word_error: float | None
    source_lufs: float | None
    dub_lufs: float | None
    true_peak_db: float | None
    frames: int
    source_frames: int
    identical_packets: int
    """Video packets of the dub with the same bytes as the source's."""
    drift_ms: float
    """Largest distance between a source and a dub frame time, in milliseconds."""
    flags: tuple[str, ...] = ()
    dubbed_frames: int = 0
    """Frames that were generated, and those beside them that were encoded again."""
    recoded_frames: int = 0
    measures: Measures = UNSET
    listener: HeardBy | UnsetType = UNSET
    """Not written where the recogniser that transcribed heard the dub, or nothing did."""
    levels: DeliveredLevels | UnsetType = UNSET
    """Not written for a dub that is as loud as its source."""
