"""Whether the delivered picture is the source's, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.qc.check import Check, Fact
from dubkit.qc.evidence import EpisodeEvidence
from dubkit.qc.numbers import signed
from dubkit.settings import Positive, option
from dubkit.types import EpisodeQc


@dataclass(frozen=True, slots=True)
class DriftLimit:
    """Drift of the picture."""

    max_ms: Positive = option(
        1.0,
        "Milliseconds between a picture of the dub and its source, above which the dub is flagged.",
        job=True,
    )


def _has_other_count(episode: EpisodeEvidence, _: None) -> bool:
    return episode.frames != episode.source_frames


def _is_changed(episode: EpisodeEvidence, _: None) -> bool:
    accounted = episode.identical_packets + episode.dubbed_frames + episode.recoded_frames
    return episode.changed_outside > 0 or accounted < min(episode.frames, episode.source_frames)


def _drifts(episode: EpisodeEvidence, limit: DriftLimit) -> bool:
    return episode.drift_ms > limit.max_ms


def _frames_sentence(measured: EpisodeQc) -> str:
    return f"{measured.frames} frames; the source has {measured.source_frames}."


def _frames_facts(measured: EpisodeQc) -> tuple[Fact, ...]:
    if not measured.source_frames:
        return ()
    count = "" if measured.frames == measured.source_frames else f"; the dub has {measured.frames:,}"
    facts = [
        Fact("Pictures unchanged", f"{measured.identical_packets:,}", f"of {measured.source_frames:,}{count}")
    ]
    if measured.dubbed_frames:
        note = f"{measured.recoded_frames:,} beside them encoded again"
        facts.append(Fact("Pictures generated", f"{measured.dubbed_frames:,}", note, judged=False))
    return tuple(facts)


def _changed_sentence(measured: EpisodeQc) -> str:
    return f"{measured.identical_packets} of {measured.source_frames} pictures are unchanged."


def _drift_sentence(measured: EpisodeQc) -> str:
    return f"{measured.drift_ms} ms drift."


def _drift_facts(measured: EpisodeQc) -> tuple[Fact, ...]:
    if not measured.source_frames:
        return ()
    return (Fact("Drift", f"{signed(measured.drift_ms)} ms", "picture against source"),)


FRAMES = Check(
    "frames",
    "Frame count",
    "The dub has another number of frames than the source.",
    episode=_has_other_count,
    blocks=True,
    sentence=_frames_sentence,
    facts=_frames_facts,
)
PICTURE_CHANGED = Check(
    "picture-changed",
    "Picture changed",
    "Some pictures are not the source's bytes.",
    episode=_is_changed,
    sentence=_changed_sentence,
)
DRIFT = Check(
    "drift",
    "Drift",
    "Pictures are not where they were in the source.",
    episode=_drifts,
    settings=DriftLimit,
    blocks=True,
    sentence=_drift_sentence,
    facts=_drift_facts,
)
