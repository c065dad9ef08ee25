"""Measure a finished dub line by line and as a whole, and flag what a person should look at.

Every function is pure: samples and texts in, numbers and flags out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from dubkit.qc.check import CHECKS, ask
from dubkit.qc.evidence import EpisodeEvidence, LineEvidence
from dubkit.qc.text import join_words
from dubkit.types import EpisodeQc, LineQc, Word

NEAR_SECONDS = 0.3
"""A word this far outside every line still belongs to the nearest one."""

_DEFAULTS: Mapping[str, object] = MappingProxyType({})


def align_heard(words: Sequence[Word], lines: Sequence[tuple[str, float, float]]) -> dict[str, str]:
    """Give each recognised word of the dub to the line it overlaps most, and join them per line.

    `lines` are `(id, start, end)` in seconds. A word beside all lines goes to the nearest one within
    0.3 s and is left out beyond that. Every line has an entry, `""` when nothing was heard in it.
    """
    import numpy as np

    heard: list[list[str]] = [[] for _ in lines]
    starts, ends = np.array([line[1] for line in lines]), np.array([line[2] for line in lines])
    for word in sorted(words, key=lambda word: word.start) if lines else ():
        # Negative by the distance where word and line do not meet.
        overlap = np.minimum(word.end, ends) - np.maximum(word.start, starts)
        nearest = int(overlap.argmax())
        if overlap[nearest] > -NEAR_SECONDS:
            heard[nearest].append(word.text)
    return {line[0]: join_words(texts) for line, texts in zip(lines, heard, strict=True)}


def line_qc(evidence: LineEvidence, tables: Mapping[str, object] = _DEFAULTS) -> LineQc:
    """Measure one line and flag it: the flags of earlier stages, then those of the checks.

    `tables` holds the own settings of checks by their names; a check without an entry has its defaults.
    """
    answers = ask(((check, check.line) for check in CHECKS), evidence, tables)
    error, loudness = evidence.word_error, evidence.loudness_error
    return LineQc(
        id=evidence.id,
        heard=evidence.heard or "",
        word_error=None if error is None else round(error, 4),
        start_error=round(evidence.start_error, 4),
        loudness_error=None if loudness is None else round(loudness, 2),
        flags=_joined(evidence.flags, answers.flags),
        measures=dict(answers.measures) or msgspec.UNSET,
    )


def _joined(*groups: Iterable[str]) -> tuple[str, ...]:
    """Return all flags, each once, in the order of their first occurrence."""
    return tuple(dict.fromkeys(flag for group in groups for flag in group))


def episode_qc(
    lines: Sequence[LineQc], evidence: EpisodeEvidence, tables: Mapping[str, object] = _DEFAULTS
) -> EpisodeQc:
    """Put lines and episode together and flag the episode."""
    answers = ask(((check, check.episode) for check in CHECKS), evidence, tables)
    error = evidence.word_error
    return EpisodeQc(
        lines=tuple(lines),
        word_error=None if error is None else round(error, 4),
        source_lufs=evidence.source_lufs,
        dub_lufs=evidence.dub_lufs,
        true_peak_db=evidence.true_peak_db,
        frames=evidence.frames,
        source_frames=evidence.source_frames,
        identical_packets=evidence.identical_packets,
        drift_ms=evidence.drift_ms,
        dubbed_frames=evidence.dubbed_frames,
        recoded_frames=evidence.recoded_frames,
        flags=answers.flags,
        measures=dict(answers.measures) or msgspec.UNSET,
        levels=evidence.levels or msgspec.UNSET,
    )
