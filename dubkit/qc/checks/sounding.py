"""Whether a take sounds right: whole, undistorted, lively, good, and in the speaker's own voice."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Finding
from dubkit.qc.evidence import LineEvidence
from dubkit.settings import Count, Positive, Share, option
from dubkit.types.models import InPackage, ModelFile, ModelSpec

QUALITY_ROLE = "quality"
DISTILLMOS = ModelSpec(
    role=QUALITY_ROLE,
    name="distillmos",
    licence="MIT",
    licence_url="https://github.com/microsoft/Distill-MOS/blob/main/LICENSE",
    about="Distill-MOS, judges how good speech sounds",
    does="quality of takes",
    without="With qc.quality.on, nothing judges how good takes sound.",
    default=True,
    optional=True,
    files=(
        ModelFile(
            "distill_mos_v7.pt",
            16_907_522,
            "b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40",
        ),
    ),
    main="distill_mos_v7.pt",
    required=("distill_mos_v7.pt",),
    # Without --no-deps it brings torchaudio, which pins another torch; only its weights are read.
    in_package=InPackage("--no-deps distillmos==0.9.1", "distillmos", "weights"),
    needs=("torch",),
    runtime_pip="torch==2.13.0",
)


@dataclass(frozen=True, slots=True)
class PauseLimit:
    """Silence inside a line."""

    on: bool = option(True, "Look for long silences inside a line.")
    most: Positive = option(0.9, "Seconds of silence inside a take above which a line is flagged.", job=True)


@dataclass(frozen=True, slots=True)
class DropOutLimit:
    """Sound that drops out."""

    on: bool = option(True, "Look for sound that drops out.")
    ms: Positive = option(15.0, "Milliseconds without any sound, cut off sharply, that are a drop-out.")


@dataclass(frozen=True, slots=True)
class DistortionLimit:
    """Cut tops."""

    on: bool = option(True, "Look for tops of the sound that are cut off.")
    tops: Count = option(8, "Tops at one level from which a line is flagged.")


@dataclass(frozen=True, slots=True)
class FlatLimit:
    """Melody of a line."""

    on: bool = option(True, "Compare the melody of a line with the source's.")
    least: Positive = option(3.0, "Semitones of melody below which a line is flagged.")
    source: Positive = option(4.0, "Semitones that the source's melody must have for a line to be flagged.")
    seconds: Positive = option(1.0, "Seconds that a take must have for its melody to be judged.")


@dataclass(frozen=True, slots=True)
class OwnVoiceLimit:
    """Voice of a line against the speaker's other lines."""

    on: bool = option(True, "Compare the voice of a line with the speaker's other lines.")
    least: Share = option(
        0.72, "Likeness to the speaker's other lines, 0 to 1, below which a line is flagged.", job=True
    )


@dataclass(frozen=True, slots=True)
class QualityLimit:
    """How good a line sounds."""

    on: bool = option(
        False, "Judge how good a take sounds with a network: it takes about half of a line's time each."
    )
    fall: Positive = option(
        0.8, "Points, of 1 to 5, below the source's own from which a line is flagged.", job=True
    )


def _pauses(line: LineEvidence, limit: PauseLimit) -> Finding:
    from dubkit.qc.sound import longest_pause

    longest = longest_pause(line.speech, line.rate)
    return Finding(longest > limit.most, round(longest, 2))


def _drops_out(line: LineEvidence, limit: DropOutLimit) -> Finding:
    from dubkit.qc.faults import drop_outs

    count = drop_outs(line.speech, line.rate, limit.ms / 1000)
    return Finding(count > 0, count or None)


def _is_distorted(line: LineEvidence, limit: DistortionLimit) -> Finding:
    from dubkit.qc.faults import cut_tops

    tops = cut_tops(line.speech, line.rate)
    return Finding(tops >= max(1, limit.tops), tops)


def _is_flat(line: LineEvidence, limit: FlatLimit) -> Finding:
    assert line.melody is not None, "the check is asked where it was measured"
    dub, source = line.melody.dub, line.melody.source
    long = len(line.speech) >= limit.seconds * line.rate
    flat = 0 < dub < limit.least and source >= limit.source and long
    return Finding(flat, round(dub, 1))


def _has_other_voice(line: LineEvidence, limit: OwnVoiceLimit) -> Finding:
    assert line.alike is not None, "the check is asked where it was measured"
    return Finding(line.alike < limit.least, round(line.alike, 3))


def _is_worse(line: LineEvidence, limit: QualityLimit) -> Finding:
    assert line.quality is not None, "the check is asked where it was measured"
    fall = line.quality.source - line.quality.dub
    return Finding(fall > limit.fall, round(line.quality.dub, 2))


PAUSE = Check(
    "pause",
    "Long pause",
    "The take is silent in the middle for long.",
    line=_pauses,
    settings=PauseLimit,
    unit="s",
    measures="Longest pause",
    mild=True,
    quiet=True,
)
DROP_OUT = Check(
    "drop-out",
    "Drops out",
    "The sound of the take is gone for a moment, as if it were cut out.",
    line=_drops_out,
    settings=DropOutLimit,
    measures="Drop-outs",
    quiet=True,
)
DISTORTED = Check(
    "distorted",
    "Distorted",
    "The tops of the sound are cut off, though it may be below full scale.",
    line=_is_distorted,
    settings=DistortionLimit,
    measures="Tops at one level",
    quiet=True,
)
FLAT = Check(
    "flat",
    "Flat",
    "The line is spoken on one note, where the source's is lively.",
    line=_is_flat,
    needs=("melody",),
    settings=FlatLimit,
    unit="semitones",
    measures="Melody",
    quiet=True,
)
VOICE_CHANGED = Check(
    "voice-changed",
    "Voice changed",
    "The line has another voice than the other lines of its speaker.",
    line=_has_other_voice,
    needs=("alike",),
    settings=OwnVoiceLimit,
    measures="Likeness to the speaker's other lines",
    quiet=True,
    score=float,
)
QUALITY = Check(
    "quality",
    "Sounds bad",
    "The take sounds much worse than the source.",
    line=_is_worse,
    needs=("quality",),
    models=(DISTILLMOS,),
    settings=QualityLimit,
    measures="Quality",
    quiet=True,
    score=lambda quality: (quality - 1) / 4,
)
