"""How many speakers there are, and which window is whose.

Shapes: N windows; times (N, 2) seconds; embeddings (N, 256) of unit length; labels (N,).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHARPNESS = 16
"""Power on the similarity. Embeddings of different speakers still agree to 0.6; this tells them apart."""

MOST_WINDOWS = 2000
"""Spectral clustering grows with the cube; beyond this a thinned set is clustered, the rest assigned."""

SAME_VOICE = 0.92
"""Similarity of two clusters, freed of the scatter inside them, from which they are one voice.

Measured over 36 recordings: one speaker cut in two 0.91 to 0.98, two speakers 0.58 to 0.90.
"""

ONE_SPEAKER = 0.70
"""Mean similarity of windows from which nobody else speaks: one speaker 0.70 to 0.82, more to 0.69."""

CLOSEST_PAIR = 0.90
CLOSEST_OF_MANY = 0.80
CLOSEST_UNPROVEN = 0.76
"""Similarity that the centres of two clusters may reach: of two speakers, of three or more, and of
clusters too short for `SAME_VOICE` to be measured.

One voice cut in two gives 0.80 to 0.95, yet two women on one telephone line gave 0.87, so the limit
of a pair leans on the measures above. The tighter ones keep a laugh from becoming a third speaker.
"""


NEAR = 0.03
"""Distance from a limit within which the number of speakers might as well be another one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How sure the number of speakers is."""

    mean: float
    """Mean similarity of windows without shared sound; NaN where there are none."""
    closest: float
    """Similarity of the two speakers who are most alike; NaN for one speaker."""
    speakers: int

    @property
    def doubt(self) -> str:
        """Why another number of speakers is nearly as likely; empty where it is not."""
        if self.speakers == 1 and self.mean < ONE_SPEAKER + NEAR / 2:
            return "1 speaker was found, whose voice varies nearly as much as that of two"
        limit = CLOSEST_PAIR if self.speakers == 2 else CLOSEST_OF_MANY
        if self.speakers > 1 and self.closest > limit - NEAR:
            return f"{self.speakers} speakers were found, of whom two sound nearly like one"
        return ""


def evidence(
    times: NDArray[np.float64], embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> Evidence:
    """Return how sure the number of speakers in labelled windows is."""
    import numpy as np

    step = max(1, math.ceil(len(embeddings) / MOST_WINDOWS))
    times, some = times[::step], embeddings[::step]
    independent = _independent(times)
    mean = float((some @ some.T)[independent].mean()) if independent.any() else math.nan
    alike = centres(embeddings, labels)
    pairs = (alike @ alike.T)[np.triu_indices(len(alike), 1)]
    return Evidence(mean, float(pairs.max()) if len(pairs) else math.nan, len(alike))


def _independent(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which pairs of windows share no sound: those that do agree whoever speaks."""
    import numpy as np

    first, last = times[:, 0], times[:, 1]
    shared = np.minimum(last[:, None], last[None]) - np.maximum(first[:, None], first[None])
    return np.asarray(shared <= 0.05)


def cluster(
    times: NDArray[np.float64], embeddings: NDArray[np.float32], speakers: int, most: int
) -> NDArray[np.int64]:
    """Return a label per window, for `speakers` voices or, when that is 0, for up to `most`."""
    import numpy as np

    count = len(embeddings)
    if count <= 1 or speakers == 1:
        return np.zeros(count, dtype=np.int64)
    chosen = np.arange(count)
    if count > MOST_WINDOWS:
        chosen = np.linspace(0, count - 1, MOST_WINDOWS).astype(np.int64)
    some = embeddings[chosen]
    labels = (
        _spectral(some, min(speakers, count)) if speakers else _count_and_label(times[chosen], some, most)
    )
    if len(chosen) == count:
        return labels
    return np.asarray(np.argmax(embeddings @ centres(some, labels).T, axis=1), dtype=np.int64)


def centres(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the (K, 256) unit mean of each label's windows."""
    import numpy as np

    means = np.stack([embeddings[labels == k].mean(axis=0) for k in range(int(labels.max()) + 1)])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9))


def _count_and_label(
    times: NDArray[np.float64], embeddings: NDArray[np.float32], most: int
) -> NDArray[np.int64]:
    """Return labels for as many speakers as keep all pairs apart, adding one at a time."""
    import numpy as np

    best = np.zeros(len(embeddings), dtype=np.int64)
    similarity = embeddings @ embeddings.T
    independent = _independent(times)
    if len(embeddings) < 4 or not independent.any():
        return best
    if float(similarity[independent].mean()) >= ONE_SPEAKER:
        return best
    for count in range(2, min(most, len(embeddings) // 2) + 1):
        labels = _spectral(embeddings, count)
        if not _all_apart(similarity, independent, embeddings, labels):
            break
        best = labels
    return best


def _all_apart(
    similarity: NDArray[np.float32],
    independent: NDArray[np.bool_],
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> bool:
    """Whether every pair of clusters is two voices rather than one voice cut in two."""
    import numpy as np

    sizes = np.bincount(labels)
    if int(sizes.min()) < 2:
        return False
    middle = centres(embeddings, labels)
    closest = CLOSEST_PAIR if len(sizes) == 2 else CLOSEST_OF_MANY
    for one in range(len(sizes)):
        for other in range(one):
            alike = _true_similarity(similarity, independent, labels == one, labels == other)
            limit = CLOSEST_UNPROVEN if math.isnan(alike) else closest
            if alike >= SAME_VOICE or float(middle[one] @ middle[other]) >= limit:
                return False
    return True


def _true_similarity(
    similarity: NDArray[np.float32],
    independent: NDArray[np.bool_],
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
) -> float:
    """Return the similarity of two clusters freed of the scatter inside them, or NaN.

    The similarity between clusters divided by what independent windows of the same cluster reach.
    NaN when a cluster has no two windows without shared sound.
    """
    import numpy as np

    def mean(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
        pairs = np.outer(a, b) & independent
        return float(similarity[pairs].mean()) if pairs.any() else math.nan

    inside = mean(one, one) * mean(other, other)
    return mean(one, other) / math.sqrt(inside) if inside > 0 else math.nan


def _spectral(embeddings: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return labels 0 to count - 1 by spectral clustering, the same on every run."""
    import numpy as np
    from sklearn.cluster import SpectralClustering  # type: ignore[import-untyped]

    if count <= 1:
        return np.zeros(len(embeddings), dtype=np.int64)
    if count >= len(embeddings):
        return np.arange(len(embeddings), dtype=np.int64)
    cosine = (embeddings @ embeddings.T).astype(np.float64)
    affinity = np.clip((cosine + 1) / 2, 0, 1) ** SHARPNESS
    model = SpectralClustering(count, affinity="precomputed", random_state=0)
    clusters = np.unique(model.fit_predict(affinity), return_inverse=True)[1].astype(np.int64)
    return _settled(embeddings, clusters)


def _settled(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move each window to its nearest centre, unless a speaker would lose all windows."""
    import numpy as np

    for _ in range(3):
        nearest = np.asarray(np.argmax(embeddings @ centres(embeddings, labels).T, axis=1), dtype=np.int64)
        if len(np.unique(nearest)) < len(np.unique(labels)):
            break
        labels = nearest
    return labels
