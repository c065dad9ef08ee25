"""How loud the dub is, and where it is silent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dubkit.qc.check import Check, Fact
from dubkit.qc.evidence import EpisodeEvidence, LineEvidence
from dubkit.qc.numbers import signed
from dubkit.settings import Positive, option
from dubkit.types import EpisodeQc

_TRUE_PEAK_SPARE_DB = 0.1
"""What encoding the sound may add to a peak."""


@dataclass(frozen=True, slots=True)
class LoudnessLimits:
    """Loudness of the dub against the source."""

    max_line: Positive = option(
        6.0, "LU between a line and its source line above which it is flagged.", job=True
    )
    max_episode: Positive = option(
        1.0, "LU between the dialogue of dub and source above which the dub is flagged.", job=True
    )


@dataclass(frozen=True, slots=True)
class QuietLimit:
    """Loudness of the dub against what people listen at."""

    min_lufs: float = option(
        -36.0, "Loudness of the dialogue in LUFS below which the dub is flagged as too quiet.", job=True
    )


@dataclass(frozen=True, slots=True)
class PeakLimit:
    """Peaks of the dub."""

    max_true_peak_db: float = option(
        0.0, "True peak in dBTP above which the dub is flagged, unless the source is as hot.", job=True
    )


@dataclass(frozen=True, slots=True)
class DeadAirLimit:
    """Silence in the dub."""

    max_seconds: Positive = option(
        1.5, "Seconds of silence while the source speaks on, above which a line is flagged.", job=True
    )


def _line_differs(line: LineEvidence, limits: LoudnessLimits) -> bool:
    # Lines differ, the episode as a whole must not.
    return line.loudness_error is not None and abs(line.loudness_error) > limits.max_line


def _episode_differs(episode: EpisodeEvidence, limits: LoudnessLimits) -> bool:
    if episode.source_lufs is None or episode.dub_lufs is None:
        return False
    return abs(episode.dub_lufs - episode.source_lufs) > limits.max_episode


def _is_quiet(episode: EpisodeEvidence, limit: QuietLimit) -> bool:
    # -23 LUFS is what programmes are made for; this far below it, people hear little at their usual volume.
    return episode.dub_lufs is not None and episode.dub_lufs < limit.min_lufs


def _is_clipped(line: LineEvidence, _: PeakLimit) -> bool:
    from dubkit.qc.sound import is_clipped

    return is_clipped(line.speech)


def _peaks(episode: EpisodeEvidence, limit: PeakLimit) -> bool:
    # A source that is hotter than the limit itself is no reason to flag the dub.
    source = -math.inf if episode.source_peak_db is None else episode.source_peak_db
    allowed = max(limit.max_true_peak_db, source) + _TRUE_PEAK_SPARE_DB
    return episode.true_peak_db is not None and episode.true_peak_db > allowed


def _has_dead_air(line: LineEvidence, limit: DeadAirLimit) -> bool:
    from dubkit.qc.sound import longest_silence

    return line.sound is not None and longest_silence(line.sound, line.rate) > limit.max_seconds


def _loudness_sentence(measured: EpisodeQc) -> str:
    return f"Dialogue at {signed(measured.dub_lufs)} LUFS, source {signed(measured.source_lufs)}."


def _quiet_sentence(measured: EpisodeQc) -> str:
    return (
        f"Dialogue at {signed(measured.dub_lufs)} LUFS: people hear little of it at their usual volume. "
        f"The source's is at {signed(measured.source_lufs)}."
    )


def _loudness_facts(measured: EpisodeQc) -> tuple[Fact, ...]:
    note = f"LUFS; source {signed(measured.source_lufs)}"
    return (Fact("Dialogue loudness", signed(measured.dub_lufs), note),)


def _peak_sentence(measured: EpisodeQc) -> str:
    return f"True peak {signed(measured.true_peak_db)} dBTP."


def _peak_facts(measured: EpisodeQc) -> tuple[Fact, ...]:
    return (Fact("True peak", signed(measured.true_peak_db), "dBTP"),)


LOUDNESS = Check(
    "loudness",
    "Loudness",
    "The dub is louder or softer than the source.",
    line=_line_differs,
    episode=_episode_differs,
    settings=LoudnessLimits,
    mild=True,
    sentence=_loudness_sentence,
    facts=_loudness_facts,
)
QUIET = Check(
    "quiet",
    "Quiet",
    "The dub is far below the level that people listen at.",
    episode=_is_quiet,
    settings=QuietLimit,
    sentence=_quiet_sentence,
)
CLIPPED = Check(
    "clipped",
    "Clipped",
    "The sound reaches full scale.",
    line=_is_clipped,
    episode=_peaks,
    settings=PeakLimit,
    blocks=True,
    sentence=_peak_sentence,
    facts=_peak_facts,
)
DEAD_AIR = Check(
    "dead-air",
    "Dead air",
    "The dub is silent while the source speaks on.",
    line=_has_dead_air,
    needs=("sound",),
    settings=DeadAirLimit,
)
