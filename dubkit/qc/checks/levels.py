"""Whether the delivered file has the loudness and the peaks that its delivery profile asks for."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Fact
from dubkit.qc.evidence import EpisodeEvidence
from dubkit.qc.numbers import DASH, signed
from dubkit.settings import Positive, option
from dubkit.types import EpisodeQc


@dataclass(frozen=True, slots=True)
class ProfileLimits:
    """The delivered file against its profile."""

    max_lu: Positive = option(
        0.3, "LU between the delivered file and its target above which it is flagged.", job=True
    )
    max_peak_db: Positive = option(
        0.05, "dB above the true peak of its profile from which the file is flagged.", job=True
    )


def _is_off(episode: EpisodeEvidence, limits: ProfileLimits) -> bool:
    levels = episode.levels
    if levels is None or levels.measured_lufs is None:
        return False  # silence has no loudness
    peak = levels.true_peak_db
    too_high = peak is not None and peak > levels.max_true_peak_db + limits.max_peak_db
    return too_high or abs(levels.measured_lufs - levels.target_lufs) > limits.max_lu


def _sentence(measured: EpisodeQc) -> str:
    levels = measured.levels
    if not levels:
        return "The file is outside its delivery profile."
    return (
        f"{levels.profile} asks for {signed(levels.target_lufs)} LUFS ({levels.gate}) and at most "
        f"{signed(levels.max_true_peak_db)} dBTP; the file has {signed(levels.measured_lufs)} LUFS and "
        f"{signed(levels.true_peak_db)} dBTP."
    )


def _facts(measured: EpisodeQc) -> tuple[Fact, ...]:
    levels = measured.levels
    if not levels:
        return ()
    target = f"LUFS; {levels.profile} asks for {signed(levels.target_lufs)}"
    spoken = levels.gate == "dialogue"
    most = f"dBTP; {levels.profile} allows {signed(levels.max_true_peak_db)}"
    return (
        Fact("Programme loudness", signed(levels.programme_lufs), "LUFS" if spoken else target, not spoken),
        Fact("Loudness of all speech", signed(levels.dialogue_lufs), target if spoken else "LUFS", spoken),
        Fact("Loudness range", _plain(levels.range_lu), "LU", judged=False),
        Fact("True peak for the profile", signed(levels.true_peak_db), most),
    )


def _plain(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}"


OFF_PROFILE = Check(
    "off-profile",
    "Off its profile",
    "Loudness or peaks of the file are not those of its delivery profile.",
    episode=_is_off,
    settings=ProfileLimits,
    sentence=_sentence,
    facts=_facts,
)
