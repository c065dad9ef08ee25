"""Turns of speakers: joined across pauses, and named by first speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.types import Diarization, Turn

PAUSE = 0.5
"""Seconds: pauses up to this long do not end a turn when the same speaker goes on."""


def single_speaker(spans: Sequence[tuple[float, float]]) -> Diarization:
    """Return all speech, (start, end) in seconds, as one speaker's."""
    turns = joined([Turn(start, end, "spk1") for start, end in spans])
    return Diarization(turns=tuple(turns), method="single", embeddings={})


def named_by_appearance(diarization: Diarization) -> Diarization:
    """Return the same turns in order, with speakers named `spk1`, `spk2`, … by first speech."""
    turns = sorted(diarization.turns, key=lambda turn: (turn.start, turn.end))
    vectors = diarization.embeddings
    names: dict[str, str] = {}
    for turn in turns:
        names.setdefault(turn.speaker, f"spk{len(names) + 1}")
    return Diarization(
        turns=tuple(replace(turn, speaker=names[turn.speaker]) for turn in turns),
        method=diarization.method,
        embeddings={new: vectors[old] for old, new in names.items() if old in vectors},
    )


def joined(turns: Sequence[Turn], gap: float = PAUSE) -> list[Turn]:
    """Join neighbouring turns of one speaker across pauses of at most `gap` seconds."""
    joined: list[Turn] = []
    for turn in sorted(turns, key=lambda turn: (turn.start, turn.end)):
        if joined and joined[-1].speaker == turn.speaker and turn.start - joined[-1].end <= gap:
            joined[-1] = replace(joined[-1], end=max(joined[-1].end, turn.end))
        else:
            joined.append(turn)
    return joined
