"""Whether a speaker of an episode is somebody whom the series knows: by voice, and only where it is sure.

A cosine alone does not tell: two people in one room or on one telephone line are as alike as one person in
two rooms. So a match must also stand out, from everybody else whom the series knows and from how alike the
speakers of the episode, who are different people, sound to each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dubkit.series.people.person import Person

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MARGIN = 0.05
"""By how much a match must be above the next person, and above the other speakers of the episode."""
DOUBT = 0.05
"""Below the threshold by no more than this, a person is asked about."""
LEAST = 2.0
"""Seconds of speech below which a voice is not recognised, only asked about, and nobody is enrolled."""

Verdict = Literal["known", "doubtful", "new", "brief"]
"""`known`: a person of the series. `doubtful`: perhaps one, so people are asked. `new`: nobody whom the
series knows. `brief`: too little speech to tell."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A speaker of an episode as they sound there."""

    speaker: str
    seconds: float
    """How long they speak alone."""
    pitch_hz: float
    embedding: tuple[float, ...]
    """Unit length; all zeros for silence."""


@dataclass(frozen=True, slots=True)
class Match:
    """What the series makes of a speaker."""

    heard: Heard
    verdict: Verdict
    person: str
    """Id of the person they are; of a new one where they are not known; empty where nobody is enrolled."""
    called: str = ""
    """Name that they have as long as nobody gives another."""
    maybe: str = ""
    """Id of the nearest person, who they are or may be."""
    score: float = 0.0
    """Cosine to that person."""
    next_score: float = 0.0
    """Cosine to the nearest one beside: another person, or another speaker of the episode."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Artifact `people.json`: who the speakers of an episode are in its series."""

    encoder: str
    matches: tuple[Match, ...]
    files: Mapping[str, str]
    """Speaker -> WAV file below the episode folder with a piece of their speech."""
    faces: Mapping[str, str] = field(default_factory=dict)
    """Speaker -> picture below the episode folder of their face, where one was seen."""

    def kept(self, speaker: str) -> tuple[str, str]:
        """Return the piece of speech and the picture of a speaker; empty where there is none."""
        return self.files.get(speaker, ""), self.faces.get(speaker, "")

    def of(self, speaker: str) -> Match | None:
        """Return what was made of a speaker."""
        return next((match for match in self.matches if match.heard.speaker == speaker), None)


Gallery = Mapping[str, Sequence[tuple[float, ...]]]
"""Id -> the embeddings of a person, all of one encoder."""


def gallery_of(people: Mapping[str, Person], encoder: str) -> dict[str, list[tuple[float, ...]]]:
    """Return the embeddings of an encoder; people without one are left out."""
    found = {
        name: [s.embedding for s in person.sightings.values() if s.encoder == encoder and any(s.embedding)]
        for name, person in people.items()
    }
    return {name: vectors for name, vectors in found.items() if vectors}


def match_speakers(
    source: str,
    heard: Sequence[Heard],
    gallery: Gallery,
    threshold: float,
    enrol: bool,
    here: Collection[str] = (),
) -> list[Match]:
    """Return who the speakers of an episode are, in their order; the same for the same arguments.

    `enrol` gives those who are nobody, and those who are asked about, an id of their own. `here` are people
    whom only an earlier run of the same episode knows: nobody is asked about them.
    """
    import numpy as np

    names = list(gallery)
    voices = np.array([_unit(np.mean(gallery[name], axis=0)) for name in names])
    table = np.array([one.embedding for one in heard])
    scores = table @ voices.T if names and heard else np.zeros((len(heard), 0))
    among = table @ table.T if heard else np.zeros((0, 0))
    np.fill_diagonal(among, 0.0)
    found = []
    for row, one in enumerate(heard):
        order = np.argsort(-scores[row], kind="stable")
        best = float(scores[row][order[0]]) if len(order) else 0.0
        others = [float(scores[row][order[1]])] if len(order) > 1 else []
        beside = max([*others, *(float(value) for value in among[row])], default=0.0)
        rival = len(order) > 0 and float(scores[:, order[0]].max()) > best
        verdict = _verdict(one, best, beside, threshold, rival)
        if verdict == "doubtful" and names[order[0]] in here:
            verdict = "new"
        maybe = names[order[0]] if len(order) and verdict != "new" else ""
        own = new_id(source, one) if enrol and verdict != "brief" else ""
        person = maybe if verdict == "known" else own
        found.append(Match(one, verdict, person, "", maybe, round(best, 4), round(beside, 4)))
    return found


def new_id(source: str, heard: Heard) -> str:
    """Return the id of a person who is first heard as this speaker: the same whenever it is asked for."""
    said = f"{source}\n{heard.speaker}\n{heard.embedding}"
    return "p" + hashlib.sha256(said.encode()).hexdigest()[:6]


def _verdict(one: Heard, best: float, beside: float, threshold: float, rival: bool) -> Verdict:
    sure = best >= threshold and best - beside >= MARGIN and not rival
    if one.seconds < LEAST or not any(one.embedding):
        return "brief"
    if sure:
        return "known"
    return "doubtful" if best >= threshold - DOUBT else "new"


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))
