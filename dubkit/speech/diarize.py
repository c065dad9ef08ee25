"""Who speaks when: windows of speech, embedded, clustered, and voted back into turns.

Overlapping speech is given to one of its speakers: one embedding cannot say that two people talk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from dubkit.speech.clusters import centres, cluster, evidence
from dubkit.speech.settings import Diarize
from dubkit.speech.turns import joined, named_by_appearance
from dubkit.types import Diarization, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.speech.embeddings import VoiceEncoder

STEP = 0.01
"""Seconds per vote."""

WINDOW = 1.2
HOP = 0.2
"""Seconds of speech that make one embedding, and from the start of one window to that of the next."""

MIN_TURN = 0.4
"""Seconds: a shorter stretch inside flowing speech goes to its neighbour, as noise of the vote."""


def diarize(
    audio: NDArray[np.float32],
    spans: Sequence[tuple[float, float]],
    encoder: VoiceEncoder,
    settings: Diarize | None = None,
    doubt: Callable[[str], None] = lambda _: None,
) -> Diarization:
    """Return the turns of each speaker inside `spans`, named `spk1`, `spk2`, … by first speech.

    `doubt` is told why their number may be another one, where nobody set it.
    """
    import numpy as np

    settings = settings or Diarize()
    method = "resemblyzer+spectral"
    if not spans:
        return Diarization(turns=(), method=method, embeddings={})
    times, vectors = encoder.embed_windows(audio, spans, WINDOW, HOP)
    labels = cluster(times, vectors, settings.speakers, settings.max_speakers)
    if not settings.speakers and (why := evidence(times, vectors, labels).doubt):
        doubt(why)
    runs = [run for span in spans for run in _vote(span, times, labels, MIN_TURN)]
    turns = [Turn(start, end, str(label)) for start, end, label in runs]
    middle = centres(vectors, labels)
    embeddings = {str(k): tuple(np.round(middle[k].astype(float), 6).tolist()) for k in range(len(middle))}
    return named_by_appearance(Diarization(tuple(joined(turns)), method, embeddings))


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
