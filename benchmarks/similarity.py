"""How like lines are to a reference of the same person, and of others: python -m benchmarks.similarity FOLDER

For every clip below FOLDER with an `.rttm` beside it, the longest turns of each speaker, up to 6 s, are the
reference. What else they say is cut into lines of 1, 2 and 4 s, without what anybody says over it, and
compared with the references of all speakers of all clips. Clips without `.rttm` in a folder `a_talk` have one
speaker.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.diarization import _decoded, _weights
from dubkit.formats.reading import read_turns
from dubkit.speech.embeddings import VoiceEncoder
from dubkit.speech.references.spoken import Span
from dubkit.speech.vad import speech_spans
from dubkit.types import ASR_RATE, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = {".wav", ".flac", ".mp4", ".mpg"}
REFERENCE = 6.0
LENGTHS = (1.0, 2.0, 4.0)
LIMITS = (0.55, 0.60, 0.65, 0.70, 0.75)


@dataclass(frozen=True, slots=True)
class Person:
    """A speaker of a clip: the vector of the reference, and those of lines by their length."""

    clip: str
    name: str
    reference: NDArray[np.float32]
    lines: dict[float, list[NDArray[np.float32]]]


def alone(turns: Sequence[Turn], speaker: str) -> list[Span]:
    """Return the spans in which a speaker speaks and nobody else does, the longest first."""
    spans = [(turn.start, turn.end) for turn in turns if turn.speaker == speaker]
    for other in turns:
        if other.speaker != speaker:
            spans = [piece for span in spans for piece in _without(span, other)]
    return sorted((span for span in spans if span[1] - span[0] >= min(LENGTHS)), key=lambda s: s[0] - s[1])


def _without(span: Span, turn: Turn) -> list[Span]:
    start, end = span
    return [(a, b) for a, b in ((start, min(end, turn.start)), (max(start, turn.end), end)) if b > a]


def people(clip: Path, encoder: VoiceEncoder) -> list[Person]:
    """Return the speakers of a clip of whom there is a reference and more."""
    audio = _decoded(clip)
    labels = clip.with_suffix(".rttm")
    if labels.is_file():
        turns = read_turns(labels)
    else:
        turns = tuple(Turn(start, end, "one") for start, end in speech_spans(audio))
    found = [_person(clip, speaker, audio, alone(turns, speaker), encoder) for speaker in _speakers(turns)]
    return [person for person in found if person is not None]


def _speakers(turns: Sequence[Turn]) -> list[str]:
    return list(dict.fromkeys(turn.speaker for turn in turns))


def _person(
    clip: Path, speaker: str, audio: NDArray[np.float32], spans: Sequence[Span], encoder: VoiceEncoder
) -> Person | None:
    import numpy as np

    taken: list[Span] = []
    rest: list[Span] = []
    for start, end in spans:
        left = REFERENCE - sum(b - a for a, b in taken)
        middle = min(end, start + left)
        if left >= min(LENGTHS):
            taken.append((start, middle))
            rest.append((middle, end))
        else:
            rest.append((start, end))
    if sum(b - a for a, b in taken) < 2.0:
        return None
    reference = encoder.embed(np.concatenate([_cut(audio, *span) for span in taken]))
    lines = {
        length: [
            encoder.embed(_cut(audio, start + n * length, start + (n + 1) * length))
            for start, end in rest
            for n in range(int((end - start) / length))
        ]
        for length in LENGTHS
    }
    return Person(clip.name, speaker, reference, lines)


def _cut(audio: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    return audio[int(start * ASR_RATE) : int(end * ASR_RATE)]


def compare(everybody: Sequence[Person], length: float) -> tuple[list[float], list[float]]:
    """Return how like lines of a length are to their own reference, and to those of all others."""
    same: list[float] = []
    other: list[float] = []
    for person in everybody:
        for line in person.lines[length]:
            for against in everybody:
                likeness = float(line @ against.reference)
                (same if against is person else other).append(likeness)
    return same, other


def main() -> None:
    import numpy as np

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    encoder = VoiceEncoder(_weights())
    clips = [p for p in sorted(folder.rglob("*")) if p.suffix in SUFFIXES]
    labelled = [p for p in clips if p.with_suffix(".rttm").is_file() or p.parent.name == "a_talk"]
    everybody = [person for clip in labelled for person in people(clip, encoder)]
    console = Console()
    console.print(f"{len(everybody)} people in {len({p.clip for p in everybody})} clips")
    table = Table("line", "pairs", "5 %", "median", "95 %", *(f"below {limit:.2f}" for limit in LIMITS))
    for length in LENGTHS:
        for kind, values in zip(("own", "other"), compare(everybody, length), strict=True):
            if not values:
                continue
            shares = [f"{np.mean(np.array(values) < limit):.0%}" for limit in LIMITS]
            low, middle, high = (f"{value:.2f}" for value in np.percentile(values, (5, 50, 95)))
            table.add_row(f"{length:g} s, {kind}", str(len(values)), low, middle, high, *shares)
    console.print(table)


if __name__ == "__main__":
    main()
