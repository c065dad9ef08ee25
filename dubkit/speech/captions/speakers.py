"""Who speaks what a file gives no name: by the turns that were heard, and by marks of the file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from dubkit.speech.captions.spoken import Spoken
from dubkit.speech.segments import speaker_of
from dubkit.types import Turn, Word


def speakers_of(spoken: Sequence[Spoken], turns: Sequence[Turn], *, single: bool = False) -> list[str]:
    """Return the speaker of each stretch.

    A name of the file stands. Where the file names none, the turn says who speaks, under the name that the
    file gives that speaker elsewhere. Where the file says that another speaker begins, inside one cue, it is
    another one than before: the nearest other one of the turns, or one more; `single` says that the user
    knows of one speaker only.
    """
    ordered = sorted(turns, key=lambda turn: turn.start)
    heard = [speaker_of(Word(part.start, part.end, part.text), ordered) for part in spoken]
    names = _names(spoken, heard)
    chosen: list[str] = []
    for at, part in enumerate(spoken):
        name = part.speaker or names.get(heard[at], heard[at])
        before = spoken[at - 1] if at else None
        beside = before is not None and before.place == part.place and before.end <= part.start + 1e-3
        if not part.speaker and part.turn and beside and name == chosen[-1] and not single:
            name = _another(name, part, ordered, names, chosen)
        chosen.append(name)
    return chosen


def _names(spoken: Sequence[Spoken], heard: Sequence[str]) -> Mapping[str, str]:
    """Return speaker of the turns -> name in the file, where each always goes with the other.

    The name stands on half of what the speaker says at least: a name that is written once may be that of
    somebody who is not seen.
    """
    by_turn: dict[str, set[str]] = defaultdict(set)
    by_name: dict[str, set[str]] = defaultdict(set)
    for part, speaker in zip(spoken, heard, strict=True):
        if part.speaker:
            by_turn[speaker].add(part.speaker)
            by_name[part.speaker].add(speaker)
    said = Counter(heard)
    labelled = Counter(speaker for part, speaker in zip(spoken, heard, strict=True) if part.speaker)
    return {
        speaker: name
        for speaker, names in by_turn.items()
        if len(names) == 1
        and len(by_name[name := next(iter(names))]) == 1
        and 2 * labelled[speaker] >= said[speaker]
    }


def _another(
    name: str, part: Spoken, turns: Sequence[Turn], names: Mapping[str, str], chosen: Sequence[str]
) -> str:
    others = [turn for turn in turns if names.get(turn.speaker, turn.speaker) != name]
    if others:
        nearest = min(others, key=lambda turn: max(turn.start - part.end, part.start - turn.end, 0.0))
        return names.get(nearest.speaker, nearest.speaker)
    second = next((other for other in reversed(chosen) if other != name), "")
    taken = {turn.speaker for turn in turns} | set(chosen)
    return second or next(f"spk{n}" for n in range(2, len(taken) + 3) if f"spk{n}" not in taken)
