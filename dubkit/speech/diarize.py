"""Who speaks when: windows of speech, voiced as embeddings, clustered, and voted back into turns.

Overlapping speech is given to one of its speakers: one embedding cannot say that two people talk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from dubkit.errors import SettingError
from dubkit.speech.clusters import centres, cluster
from dubkit.types import Diarization, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.speech.embeddings import VoiceEncoder

STEP = 0.01
"""Seconds per vote."""


@dataclass(frozen=True, slots=True)
class DiarizeSettings:
    """What is known about the speakers, and how turns are smoothed. Times are seconds."""

    speakers: int = 0
    """Number of speakers; 0 finds it."""
    max_speakers: int = 8
    window: float = 1.2
    hop: float = 0.2
    min_turn: float = 0.4
    """A shorter stretch inside flowing speech goes to its neighbour: it is noise of the vote."""
    join: float = 0.5
    """Pauses up to this long do not end a turn when the same speaker goes on."""

    def __post_init__(self) -> None:
        if self.speakers < 0:
            raise SettingError("speech.speakers", self.speakers, "must be 0 (find out) or more")
        if self.max_speakers < 1:
            raise SettingError("speech.max_speakers", self.max_speakers, "must be at least 1")
        if self.window <= 0 or self.hop <= 0:
            raise SettingError("speech.window", (self.window, self.hop), "window and hop must be positive")


def diarize(
    audio: NDArray[np.float32],
    spans: Sequence[tuple[float, float]],
    encoder: VoiceEncoder,
    settings: DiarizeSettings | None = None,
) -> Diarization:
    """Return the turns of each speaker inside `spans`, named `spk1`, `spk2`, … by first speech."""
    import numpy as np

    settings = settings or DiarizeSettings()
    method = "resemblyzer+spectral"
    if not spans:
        return Diarization(turns=(), method=method, embeddings={})
    times, vectors = encoder.embed_windows(audio, spans, settings.window, settings.hop)
    labels = cluster(times, vectors, settings.speakers, settings.max_speakers)
    runs = [run for span in spans for run in _vote(span, times, labels, settings.min_turn)]
    turns = [Turn(start, end, str(label)) for start, end, label in runs]
    middle = centres(vectors, labels)
    embeddings = {str(k): tuple(np.round(middle[k].astype(float), 6).tolist()) for k in range(len(middle))}
    return named_by_appearance(Diarization(tuple(_joined(turns, settings.join)), method, embeddings))


def single_speaker(spans: Sequence[tuple[float, float]]) -> Diarization:
    """Return all speech as one speaker, for machines without a voice model."""
    turns = _joined([Turn(start, end, "spk1") for start, end in spans], DiarizeSettings().join)
    return Diarization(turns=tuple(turns), method="single", embeddings={})


def named_by_appearance(diarization: Diarization) -> Diarization:
    """Return the same turns in order, with speakers named `spk1`, `spk2`, … by first speech."""
    turns = sorted(diarization.turns, key=lambda turn: (turn.start, turn.end))
    known = diarization.embeddings
    names: dict[str, str] = {}
    for turn in turns:
        names.setdefault(turn.speaker, f"spk{len(names) + 1}")
    return Diarization(
        turns=tuple(replace(turn, speaker=names[turn.speaker]) for turn in turns),
        method=diarization.method,
        embeddings={new: known[old] for old, new in names.items() if old in known},
    )


def _vote(
    span: tuple[float, float], times: NDArray[np.float64], labels: NDArray[np.int64], min_turn: float
) -> list[tuple[float, float, int]]:
    """Return (start, end, label) runs of one span; windows vote most for their own middle."""
    import numpy as np

    start, end = span
    touching = np.flatnonzero((times[:, 0] < end) & (times[:, 1] > start))
    ticks = start + STEP * (np.arange(max(1, round((end - start) / STEP))) + 0.5)
    middles = times[touching].mean(axis=1)
    halves = np.maximum((times[touching, 1] - times[touching, 0]) / 2, STEP)
    weight = np.maximum(0, 1 - np.abs(ticks[:, None] - middles[None]) / halves[None])
    votes = np.zeros((len(ticks), int(labels.max()) + 1))
    for column, window in enumerate(touching):
        votes[:, labels[window]] += weight[:, column]
    runs = [(label, len(list(group))) for label, group in groupby(np.argmax(votes, axis=1).tolist())]
    lengths = _without_flicker(runs, round(min_turn / STEP))
    edges = np.cumsum([0, *(length for _, length in lengths)]) * STEP + start
    edges[-1] = end
    return [
        (float(a), float(b), label) for (label, _), a, b in zip(lengths, edges[:-1], edges[1:], strict=True)
    ]


def _without_flicker(runs: list[tuple[int, int]], shortest: int) -> list[tuple[int, int]]:
    """Give runs shorter than `shortest` ticks to the longer neighbour, the shortest first."""
    runs = list(runs)
    while len(runs) > 1:
        index = min(range(len(runs)), key=lambda i: runs[i][1])
        if runs[index][1] >= shortest:
            break
        neighbours = [i for i in (index - 1, index + 1) if 0 <= i < len(runs)]
        winner = runs[max(neighbours, key=lambda i: runs[i][1])][0]
        runs[index] = (winner, runs[index][1])
        runs = [(label, sum(n for _, n in group)) for label, group in groupby(runs, key=lambda run: run[0])]
    return runs


def _joined(turns: Sequence[Turn], gap: float) -> list[Turn]:
    """Join neighbouring turns of one speaker across pauses of at most `gap` seconds."""
    joined: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (turn.start, turn.end)):
        if joined and joined[-1].speaker == turn.speaker and turn.start - joined[-1].end <= gap:
            joined[-1] = replace(joined[-1], end=max(joined[-1].end, turn.end))
        else:
            joined.append(turn)
    return joined
