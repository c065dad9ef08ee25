"""Whether people are recognised over recordings: python -m benchmarks.voice_memory FOLDER

For every clip below FOLDER with an `.rttm` beside it, and those in folders `a_talk` and `c_asr` without one,
which have one speaker: the first half of what each person says is what a series knows, the second half is a
speaker of the next episode. Then each clip against each other one, whose people are all strangers, and each
against all others at once, as in a long series. Clips of several people without `.rttm` are left out with
`--without NAME`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from benchmarks.diarization import _decoded, _weights
from benchmarks.similarity import SUFFIXES, alone
from dubkit.formats.reading import read_turns
from dubkit.series.people.matching import Heard, match_speakers
from dubkit.speech.embeddings import VoiceEncoder
from dubkit.speech.vad import speech_spans
from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

THRESHOLDS = (0.70, 0.75, 0.80, 0.85)
SINGLE = ("a_talk", "c_asr")
"""Folders whose clips have one speaker."""
LEAST = 2.0
"""Seconds that somebody must speak to be counted."""

Clip = Mapping[str, Sequence[Heard]]
"""Person -> how they sound in the first half, in the second half, in all of it."""


def spoken(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield every person of a clip with all that they say alone, as (N,) sound at 16 kHz."""
    import numpy as np

    audio = _decoded(path)
    turns = path.with_suffix(".rttm")
    if turns.is_file():
        read = read_turns(turns)
        people = {name: alone(read, name) for name in dict.fromkeys(turn.speaker for turn in read)}
    else:
        people = {"one": speech_spans(audio)}
    for name, spans in people.items():
        pieces = [audio[int(start * ASR_RATE) : int(end * ASR_RATE)] for start, end in sorted(spans)]
        yield name, np.concatenate([*pieces, np.zeros(0, np.float32)])


def heard_in(path: Path, encoder: VoiceEncoder) -> Clip:
    """Return how the people of a clip sound."""
    found = {}
    for name, sound in spoken(path):
        if len(sound) >= LEAST * ASR_RATE:
            half = len(sound) // 2
            parts = (sound[:half], sound[half:], sound)
            found[name] = [
                Heard(name, len(one) / ASR_RATE, 0.0, tuple(map(float, encoder.embed(one)))) for one in parts
            ]
    return found


def verdicts(clips: Mapping[str, Clip], threshold: float) -> dict[str, Counter[str]]:
    """Return what was made of people in their next episode, and of strangers."""
    counts: dict[str, Counter[str]] = {
        "same person": Counter(),
        "other clip": Counter(),
        "all others": Counter(),
    }
    for name, clip in clips.items():
        known = {person: [parts[0].embedding] for person, parts in clip.items()}
        for match in match_speakers(name, [parts[1] for parts in clip.values()], known, threshold, True):
            right = match.person == match.heard.speaker or match.verdict != "known"
            counts["same person"][match.verdict if right else "wrong"] += 1
        everybody = [parts[2] for parts in clip.values()]
        strangers = [
            {f"{other} {person}": [parts[2].embedding] for person, parts in clips[other].items()}
            for other in clips
            if other != name
        ]
        for gallery in strangers:
            matches = match_speakers(name, everybody, gallery, threshold, True)
            counts["other clip"].update(match.verdict for match in matches)
        joined = {person: vectors for gallery in strangers for person, vectors in gallery.items()}
        matches = match_speakers(name, everybody, joined, threshold, True)
        counts["all others"].update(match.verdict for match in matches)
    return counts


def main() -> None:
    """Print what is made of people at several thresholds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without", action="append", default=[], metavar="NAME")
    asked = parser.parse_args()
    encoder = VoiceEncoder(_weights())
    paths = [p for p in sorted(asked.folder.rglob("*")) if p.suffix in SUFFIXES]
    paths = [p for p in paths if p.with_suffix(".rttm").is_file() or p.parent.name in SINGLE]
    paths = [p for p in paths if p.name not in asked.without]
    clips = {path.name: heard_in(path, encoder) for path in paths}
    people = sum(len(clip) for clip in clips.values())
    table = Table("threshold", "against", "known", "asked", "new", "too brief", "wrong")
    for threshold in THRESHOLDS:
        for against, count in verdicts(clips, threshold).items():
            columns = [str(count[verdict]) for verdict in ("known", "doubtful", "new", "brief", "wrong")]
            table.add_row(f"{threshold:.2f}", against, *columns)
    console = Console(width=100)
    console.print(f"{people} people in {len(clips)} clips")
    console.print(table)


if __name__ == "__main__":
    main()
