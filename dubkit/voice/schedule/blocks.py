"""Cut an episode into the blocks that are scheduled apart: what is said between two longer silences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dubkit.voice.schedule.asked import Limits, Utterance

SILENCE_MS = 1500
"""Silence of the source that parts two blocks."""

LOOSE_MS = 400
"""How far a start may be off where no mouth is seen."""

FAR_MS = 6000
"""Silence of the source that parts blocks however dense they are."""

BREATH_MS = 60
"""Least silence between two lines of a speaker, and between two blocks."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines in the order of their starts, and the time that is theirs."""

    lines: tuple[Utterance, ...]
    begin_ms: int
    end_ms: int

    @property
    def id(self) -> str:
        """Id of its first line."""
        return self.lines[0].id


def earliest_ms(line: Utterance, limits: Limits) -> int:
    """Return the earliest acceptable start of a line."""
    if line.fixed_start_ms is not None:
        return line.fixed_start_ms
    return max(0, line.start_ms - (limits.exact_ms if line.seen else LOOSE_MS))


def blocks(lines: Sequence[Utterance], limits: Limits) -> list[Block]:
    """Return the lines in blocks, which depend on the source's times, on fixed ones and on reckoned lengths.

    A block may use the silence after it up to the earliest start of the next one, a breath left out. One
    that is too dense by its reckoned lengths joins the block beyond the shorter silence beside it.
    """
    groups: list[list[Utterance]] = []
    last = 0
    for line in sorted(lines, key=lambda line: (line.first_ms, line.start_ms, line.id)):
        if not groups or line.first_ms - last >= SILENCE_MS:
            groups.append([])
        groups[-1].append(line)
        last = max(last, line.last_ms)
    found = _with_room(groups, limits)
    while (place := _joining(found)) is not None:
        groups[place : place + 2] = [[*groups[place], *groups[place + 1]]]
        found = _with_room(groups, limits)
    return found


def _with_room(groups: Sequence[Sequence[Utterance]], limits: Limits) -> list[Block]:
    begins = [0, *(min(earliest_ms(line, limits) for line in group) for group in groups[1:])]
    ends = [*(begin - BREATH_MS for begin in begins[1:]), limits.end_ms]
    if not groups:
        return []
    # A line may stand beyond the end of the episode: that is for the mix to say.
    return [Block(tuple(g), b, max(b + 1, e)) for g, b, e in zip(groups, begins, ends, strict=True)]


def _joining(found: Sequence[Block]) -> int | None:
    """Return the place of the first block that must join the one after it; None where none must.

    What is reckoned can be a fifth too short, so a block is too dense where it is at the voice's own pace.
    """
    silences = [
        after.lines[0].first_ms - max(line.last_ms for line in before.lines)
        for before, after in pairwise(found)
    ]
    for place, block in enumerate(found):
        need = sum((line.fixed_length_ms or line.reckoned_ms) + BREATH_MS for line in block.lines)
        if need <= block.end_ms - block.begin_ms + BREATH_MS:
            continue
        beside = [at for at in (place - 1, place) if 0 <= at < len(silences) and silences[at] < FAR_MS]
        if beside:
            return min(beside, key=lambda at: silences[at])
    return None


def same_speaker_pairs(lines: Sequence[Utterance]) -> list[tuple[int, int]]:
    """Return the places of lines that follow each other in the speech of one speaker."""
    places: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        places.setdefault(line.speaker, []).append(place)
    return [pair for own in places.values() for pair in pairwise(own)]


def turns(lines: Sequence[Utterance]) -> list[tuple[int, int, int]]:
    """Return the pairs of lines of different speakers that could run into each other.

    Each has their overlap in the source, in milliseconds.

    Of the lines after one, those up to the first that the source keeps apart from it: later ones start
    later still. A line inside another one keeps its place there, so the pair is left out.
    """
    found: list[tuple[int, int, int]] = []
    for place, line in enumerate(lines):
        for other in range(place + 1, len(lines)):
            if lines[other].speaker == line.speaker:
                break
            overlap = line.end_ms - lines[other].start_ms
            if overlap <= 0 or lines[other].end_ms > line.end_ms:
                found.append((place, other, max(0, overlap)))
            if overlap <= 0:
                break
    return found
