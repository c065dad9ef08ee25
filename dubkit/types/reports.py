"""Measures of the mix and of the finished dub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType

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
class MixReport:
    """Artifact `mix/mix.json`: what the mix did. Outside `spans` its samples are the source's."""

    spans: tuple[DubbedSpan, ...]
    source_lufs: float
    dub_lufs: float
    true_peak_db: float
    duck_db: float
    limited: bool
    samples: int
    channels: int


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
