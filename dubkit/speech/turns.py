"""Turns of speakers: joined across pauses, and named by first speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.types import Diarization, Turn
from dubkit.types.remarks import Remark, remark

PAUSE = 0.5
"""Seconds: pauses up to this long do not end a turn when the same speaker goes on."""

LITTLE_SPEECH = 2.0
"""Seconds of speech in all, below which a speaker may well be somebody else."""


MENDED = "If you know how many people speak, say so with --speakers N."


def doubted(why: str) -> Remark:
    """Return the remark that the number of speakers may be another one, with the option that sets it."""
    return remark("speakers-doubtful", f"{why}. {MENDED}")


def hardly_heard(turns: Sequence[Turn]) -> list[Remark]:
    """Return a remark on speakers who say very little; none where everybody is heard well."""
    seconds: dict[str, float] = {}
    for turn in turns:
        seconds[turn.speaker] = seconds.get(turn.speaker, 0.0) + turn.end - turn.start
    little = [speaker for speaker, length in seconds.items() if length < LITTLE_SPEECH]
    if len(seconds) < 2 or not little:
        return []
    speak = "speaks" if len(little) == 1 else "speak"
    why = (
        f"{len(seconds)} speakers were found, of whom {', '.join(little)} {speak} for less than "
        f"{LITTLE_SPEECH:g} seconds, too little to be sure of a voice"
    )
    return [remark("speakers-hardly-heard", f"{why}. {MENDED}")]


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
