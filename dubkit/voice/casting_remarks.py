"""What people should know of the voices that speakers got: shared ones, and ones that are unlike them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.types.remarks import Remark, remark
from dubkit.voice.casting import another_kind

if TYPE_CHECKING:
    from dubkit.voice.engine import Voice, VoiceList

UNLIKE = 0.75
"""Octaves between a person's pitch and that of a voice from which the voice is another kind of person's."""

CURE = "Choose voices in cast.toml or on the review page, or another engine with speak.provider."


@dataclass(frozen=True, slots=True)
class CastVoice:
    """A speaker, and the voice that speaks for them."""

    name: str
    pitch_hz: float
    """Median pitch of the person; 0 where it could not be measured."""
    voice: str
    by_hand: bool = False
    """Whether a person chose the voice."""


def casting_remarks(cast: Sequence[CastVoice], engine: str, listed: VoiceList | None) -> list[Remark]:
    """Return remarks on voices that several speakers share, that are unlike their speaker, or are a guess.

    `engine` is its name in sentences, `listed` its voices where it can list them. A person's own choice
    gets none.
    """
    voices = {voice.name: voice for voice in listed.voices} if listed else {}
    return [*_shared(cast, engine), *_unlike(cast, engine, voices), *_unmeasured(cast)]


def _shared(cast: Sequence[CastVoice], engine: str) -> list[Remark]:
    groups: dict[str, list[CastVoice]] = {}
    for speaker in cast:
        groups.setdefault(speaker.voice, []).append(speaker)
    return [
        remark(
            "voice-shared",
            f"{_listed([speaker.name for speaker in group])} have one voice, {voice or 'the plain one'}: "
            f"{engine} has no other for them. {CURE}",
        )
        for voice, group in groups.items()
        if len(group) > 1 and not all(speaker.by_hand for speaker in group)
    ]


def _unlike(cast: Sequence[CastVoice], engine: str, voices: dict[str, Voice]) -> list[Remark]:
    found = []
    for speaker in cast:
        voice = voices.get(speaker.voice)
        if voice is None or speaker.by_hand or not speaker.pitch_hz or not _differs(speaker.pitch_hz, voice):
            continue
        sounds = f"at {voice.pitch_hz:.0f} Hz" if voice.pitch_hz else f"of a {_person(voice)}"
        found.append(
            remark(
                "voice-unsure",
                f"{speaker.name} speaks at {speaker.pitch_hz:.0f} Hz and gets {voice.name}, a voice "
                f"{sounds}: {engine} has no nearer one left. {CURE}",
            )
        )
    return found


def _differs(pitch_hz: float, voice: Voice) -> bool:
    """Say whether a voice is another kind of person's, by its pitch or else by what it sounds like."""
    if voice.pitch_hz:
        return abs(math.log2(voice.pitch_hz / pitch_hz)) > UNLIKE
    return another_kind(pitch_hz, voice)


def _person(voice: Voice) -> str:
    return "woman" if voice.gender == "female" else "man"


def _unmeasured(cast: Sequence[CastVoice]) -> list[Remark]:
    names = [speaker.name for speaker in cast if not speaker.pitch_hz and not speaker.by_hand]
    if not names:
        return []
    sentence = (
        f"The pitch of {_listed(names)} could not be measured, so the voice was chosen without it. {CURE}"
    )
    return [remark("voice-unmeasured", sentence)]


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
