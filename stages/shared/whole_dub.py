"""What the checks of a whole dub are given, read back from the finished file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, Line, LineQc, Segment, sample_at
from dubkit.types.reports import DeliveredLevels
from stages.shared.dubbed_lines import dubbed_lines, lines_without_speech
from stages.shared.finished_dub import dub_name, picture_report
from stages.shared.levels import spoken_spans

if TYPE_CHECKING:
    from dubkit.qc.evidence import EpisodeEvidence


def mixed_lines(context: Context) -> list[tuple[Segment, Line]]:
    """Return the lines that are in the mix."""
    mixed = {span.id for span in context.mix_report.spans}
    return [(segment, line) for segment, line in dubbed_lines(context) if line.id in mixed]


def episode_evidence(context: Context, lines: Sequence[LineQc], sound: Path) -> EpisodeEvidence:
    """Collect what the checks of the whole episode measure; `sound` is the dub's as a 48 kHz WAV."""
    from dubkit.media.delivery.stitch import verify_delivery
    from dubkit.media.sound.loudness import dialogue_loudness, true_peak_of_file
    from dubkit.qc.evidence import EpisodeEvidence

    picture = picture_report(context)
    texts = {line.id: line.text for _, line in mixed_lines(context)}
    dub = context.store.path(dub_name(context), context.language)
    changed = [(a, b) for a, b, origin in picture.spans if origin != "source"] if picture else []
    delivered = verify_delivery(context.source, dub, context.episode, changed)
    return EpisodeEvidence(
        texts=tuple((texts[line.id], line.heard) for line in lines if line.word_error is not None),
        language=context.language,
        source_lufs=_rounded(
            as_delivered(context, dialogue_loudness(context.audio, _source_spans(context), context.layout))
        ),
        dub_lufs=_rounded(dialogue_loudness(sound, _dub_spans(context), context.layout)),
        true_peak_db=_rounded(true_peak_of_file(sound)),
        source_peak_db=_rounded(true_peak_of_file(context.audio)),
        frames=delivered.frames,
        source_frames=delivered.source_frames,
        identical_packets=delivered.identical_packets,
        drift_ms=round(delivered.drift_ms, 3),
        dubbed_frames=picture.dubbed if picture else 0,
        recoded_frames=picture.recoded if picture else 0,
        changed_outside=delivered.changed_outside,
        sound=sound,
        source=context.audio,
        settings=context.settings.qc,
        levels=_levels(context, sound),
        lines=len(_to_speak(context)),
        spoken=tuple(_places(context)),
        untouched=tuple(_untouched(context)),
        gain_db=context.mix_report.levels.gain_db if context.mix_report.levels else 0.0,
    )


def _to_speak(context: Context) -> list[str]:
    """Return the lines that have something to say and did not fail, of which a remark is made already."""
    found = []
    for _, line in dubbed_lines(context):
        record = context.record("speak", line.id)
        if record is not None and not record.error and context.spoken_line(line.id).samples:
            found.append(line.id)
    return found


def _places(context: Context) -> Iterator[tuple[str, float, float]]:
    for segment, line in mixed_lines(context):
        yield line.id, segment.start, context.spoken_line(line.id).start_sample / SAMPLE_RATE


def _untouched(context: Context) -> Iterator[tuple[int, int]]:
    """Yield the spans of samples that the mix left as they are."""
    end = 0
    for span in sorted(context.mix_report.spans, key=lambda span: span.start_sample):
        if span.start_sample > end:
            yield end, span.start_sample
        end = max(end, span.end_sample)
    if end < context.mix_report.samples:
        yield end, context.mix_report.samples


def as_delivered(context: Context, lufs: float | None) -> float | None:
    """Return the loudness of something of the source as it stands in the dub, which may have another gain."""
    levels = context.mix_report.levels
    return lufs if lufs is None or not levels else lufs + levels.gain_db


def _levels(context: Context, sound: Path) -> DeliveredLevels | None:
    """Measure the delivered sound as its profile asks; None without a profile."""
    from dubkit.media.sound import loudness

    wanted = context.mix_report.levels
    if not wanted:
        return None
    file, layout = sound, context.layout
    return DeliveredLevels(
        profile=wanted.profile,
        target_lufs=wanted.target_lufs,
        max_true_peak_db=wanted.max_true_peak_db,
        gate=wanted.gate,
        programme_lufs=_rounded(loudness.programme_loudness(file, layout)),
        dialogue_lufs=_rounded(loudness.dialogue_loudness(file, spoken_spans(context), layout)),
        range_lu=_rounded(loudness.loudness_range(file, layout)),
        true_peak_db=_rounded(loudness.true_peak_of_file(file)),
    )


def _source_spans(context: Context) -> list[tuple[int, int]]:
    """Return the source lines in which somebody speaks."""
    silent = lines_without_speech(context)
    return [(sample_at(s.start), sample_at(s.end)) for s, _ in mixed_lines(context) if s.id not in silent]


def _dub_spans(context: Context) -> list[tuple[int, int]]:
    takes = [context.spoken_line(line.id) for _, line in mixed_lines(context)]
    return [(take.start_sample, take.start_sample + take.samples) for take in takes]


def _rounded(level: float | None) -> float | None:
    return None if level is None or not math.isfinite(level) else round(level, 2)
