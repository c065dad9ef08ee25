"""Who gets which voice: all speakers of an episode are cast together, each near their own pitch.

A voice has a cost for a speaker: its distance in pitch, whether it is another kind of person's, how well it
is understood, and whether it is made for the language. The assignment of the least cost in all is taken
(Hungarian method), first for the main speakers, so that somebody who says one sentence moves nobody's voice.
Speakers share a voice only when there is no other left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dubkit.voice.engine import Voice, VoiceList

MAIN = 0.05
"""Share of all speech from which somebody is a main speaker."""

UNDERSTOOD = 2.0
"""Octaves of wrong pitch that one whole unit of word error weighs as much as."""

ANOTHER_KIND = 0.5
"""Octaves that a woman's voice for a man, or a man's for a woman, weighs as much as; a blend by its share."""

FOREIGN = 1.0
"""Octaves that a voice for no language in particular weighs as much as, beside one made for the language.

More than a voice of the language can be off that is a person of the same kind: only somebody of another kind,
or a person for whom no such voice is left, gets one with the accent of another language."""

HELD = 0.25
"""Octaves that a voice weighs as much as that somebody of the series has who is not in the episode."""

SHARED = 4.0
"""What it costs for each who has the voice already: more than any voice of one's own."""

ORDER = 0.001
"""What each place later in an engine's list costs: engines name the better ones first."""

APART = 2.0
"""Semitones below which two voices are much alike, unless there is nothing as good."""

APART_COST = 0.25
"""Octaves that a group of speakers may cost more in all so that two of them are better told apart."""

MALE_BELOW, FEMALE_ABOVE = 140.0, 190.0
"""Median pitch in Hz up to which nearly everybody is a man, and from which hardly anybody is."""

TYPICAL: Mapping[str, float] = {"male": 115.0, "female": 205.0}
"""Median pitch in Hz that a voice is taken to have of which only the kind is known."""

Ask = Callable[[float, Sequence[str]], str]
"""Pitch of a speaker and the voices that others have -> the engine's own choice."""


@dataclass(frozen=True, slots=True)
class Role:
    """A speaker who needs a voice."""

    id: str
    pitch_hz: float
    """Median pitch of the person; 0 where it could not be measured."""
    seconds: float
    """How long they speak."""
    voice: str = ""
    """The voice that a person chose for them; empty where nobody did."""
    held: frozenset[str] = frozenset()
    """Voices of people who are not in the episode: cast where others would be much worse."""


def cast_voices(roles: Sequence[Role], listed: VoiceList | None, language: str, ask: Ask) -> dict[str, str]:
    """Return the voice of every speaker, by id; the same ones for the same arguments.

    An engine that lists no voice with its pitch is asked for each speaker in turn; so it is for those who are
    more than the listed voices.
    """
    cast = {role.id: role.voice for role in roles if role.voice}
    waiting = [role for role in roles if not role.voice]
    voices = suitable(listed, language) if listed else []
    if any(voice.pitch_hz for voice in voices):
        for group in _by_weight(roles, waiting):
            taken = set(cast.values())
            free = [voice for voice in voices if voice.name not in taken]
            cast |= _in_order(group, _apart(group, free, voices, language), voices)
    for role in waiting:
        if role.id in cast:
            continue
        name = ask(role.pitch_hz, (*cast.values(), *sorted(role.held - set(cast.values()))))
        cast[role.id] = (
            _least_shared(role, voices, cast, language) if name in cast.values() and voices else name
        )
    return {role.id: cast[role.id] for role in roles}


def suitable(listed: VoiceList, language: str) -> list[Voice]:
    """Return the voices that can be cast in a language: those for it and those for no one in particular."""
    base = _base(language)
    return [
        voice
        for voice in listed.voices
        if not voice.languages or base in {_base(tag) for tag in voice.languages}
    ]


def cost(role: Role, voice: Voice, place: int, voices: Sequence[Voice], language: str) -> float:
    """Return how unlike a voice is to a speaker; `place` is where the engine lists it."""
    native = any(other.languages for other in voices)
    return (
        _distance(role.pitch_hz, voice)
        + ANOTHER_KIND * another_share(role.pitch_hz, voice)
        + (HELD if voice.name in role.held else 0.0)
        + (FOREIGN if native and not voice.languages else 0.0)
        + UNDERSTOOD * _word_error(voice, voices, _base(language))
        + ORDER * place
    )


def _word_error(voice: Voice, voices: Sequence[Voice], base: str) -> float:
    """Return how badly a voice is understood; of one that was not measured, as badly as the worst that was.

    A voice of the language is taken to be understood.
    """
    if base in voice.word_error or voice.languages:
        return voice.word_error.get(base, 0.0)
    return max((other.word_error.get(base, 0.0) for other in voices), default=0.0)


def another_kind(pitch_hz: float, voice: Voice) -> bool:
    """Say whether a voice sounds like a woman's for a man, or like a man's for a woman."""
    if not pitch_hz:
        return False
    return (voice.gender == "female" and pitch_hz < MALE_BELOW) or (
        voice.gender == "male" and pitch_hz > FEMALE_ABOVE
    )


def another_share(pitch_hz: float, voice: Voice) -> float:
    """Return how much of a voice is another kind of person's, 0 to 1: of a blend, its share of such voices.

    A blend of a man's and a woman's voice sounds like either at the right pitch, and like neither for long.
    """
    if voice.male_share is None or not pitch_hz:
        return 1.0 if another_kind(pitch_hz, voice) else 0.0
    if pitch_hz < MALE_BELOW:
        return 1.0 - voice.male_share
    return voice.male_share if pitch_hz > FEMALE_ABOVE else 0.0


def sounds_at(voice: Voice) -> float:
    """Return the pitch of a voice in Hz, else that of its kind; 0 when nothing is known."""
    return voice.pitch_hz or TYPICAL.get(voice.gender, 0.0)


def _distance(pitch_hz: float, voice: Voice) -> float:
    """Return the octaves between them, and their square: two small misses are better than one large one."""
    if not pitch_hz or not sounds_at(voice):
        return 0.0
    octaves = abs(math.log2(sounds_at(voice) / pitch_hz))
    return octaves + octaves**2


def _base(language: str) -> str:
    return language.replace("_", "-").lower().partition("-")[0]


def _by_weight(roles: Sequence[Role], waiting: Sequence[Role]) -> list[list[Role]]:
    """Return the main speakers, then each of the others, the most heard first."""
    least = MAIN * sum(role.seconds for role in roles)
    minor = sorted((role for role in waiting if role.seconds < least), key=lambda role: -role.seconds)
    main = [role for role in waiting if role.seconds >= least]
    return [group for group in (main, *([role] for role in minor)) if group]


def _apart(
    roles: Sequence[Role], free: Sequence[Voice], voices: Sequence[Voice], language: str
) -> dict[str, Voice]:
    """Return the voices of the least cost in all whose pitches lie apart, as far as that costs little."""
    cast = _assigned(roles, free, voices, language)
    limit = _total(roles, cast, voices, language) + APART_COST
    while pair := _alike(cast):
        others = [[voice for voice in free if voice is not without] for without in pair]
        casts = [(_assigned(roles, other, voices, language), other) for other in others]
        whole = [(new, other) for new, other in casts if len(new) == len(cast)]
        if not whole:
            return cast
        new, other = min(whole, key=lambda one: _total(roles, one[0], voices, language))
        if _total(roles, new, voices, language) > limit:
            return cast
        cast, free = new, other
    return cast


def _alike(cast: Mapping[str, Voice]) -> tuple[Voice, Voice] | None:
    """Return the first two voices, from low to high, that lie less than APART from each other."""
    rising = sorted((v for v in cast.values() if v.pitch_hz), key=lambda voice: (voice.pitch_hz, voice.name))
    for low, high in pairwise(rising):
        if 12 * math.log2(high.pitch_hz / low.pitch_hz) < APART:
            return low, high
    return None


def _total(roles: Sequence[Role], cast: Mapping[str, Voice], voices: Sequence[Voice], language: str) -> float:
    """Return what a cast costs in all."""
    return sum(cost(role, cast[role.id], 0, voices, language) for role in roles if role.id in cast)


def _assigned(
    roles: Sequence[Role], free: Sequence[Voice], voices: Sequence[Voice], language: str
) -> dict[str, Voice]:
    """Return the voices of the least cost in all, one each; some speakers get none where voices are fewer."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    if not free:
        return {}
    table = np.array(
        [[cost(role, v, place, voices, language) for place, v in enumerate(free)] for role in roles]
    )
    rows, columns = linear_sum_assignment(table)
    return {roles[row].id: free[column] for row, column in zip(rows, columns, strict=True)}


def _in_order(roles: Sequence[Role], cast: Mapping[str, Voice], voices: Sequence[Voice]) -> dict[str, str]:
    """Return the voices so that a higher speaker never has a lower voice than a deeper one of the group."""
    known = [role for role in roles if role.id in cast and role.pitch_hz and sounds_at(cast[role.id])]
    names = [voice.name for voice in voices]
    rising = sorted((cast[role.id] for role in known), key=lambda v: (sounds_at(v), names.index(v.name)))
    ordered = sorted(known, key=lambda role: role.pitch_hz)
    return {role: voice.name for role, voice in cast.items()} | {
        role.id: voice.name for role, voice in zip(ordered, rising, strict=True)
    }


def _least_shared(role: Role, voices: Sequence[Voice], cast: Mapping[str, str], language: str) -> str:
    """Return the voice that costs least with all who have it already."""
    uses = list(cast.values())
    return min(
        enumerate(voices),
        key=lambda one: cost(role, one[1], one[0], voices, language) + SHARED * uses.count(one[1].name),
    )[1].name
