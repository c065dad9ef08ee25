"""Voices as settings name them, `alloy=female onyx=male`, and who gets which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dubkit.errors import SettingError
from dubkit.voice.engine import Voice

GENDERS: dict[str, Literal["female", "male", ""]] = {"female": "female", "male": "male", "": ""}

BETWEEN_HZ = 165.0
"""Median pitch below which a speaker gets a man's voice while there is one."""


def check_voices(text: str, setting: str) -> None:
    """Raise SettingError for voices that are not written as `name` or `name=female`."""
    for word in text.split():
        name, _, gender = word.partition("=")
        if not name or gender not in GENDERS or (gender == "" and "=" in word):
            raise SettingError(
                setting, text, f"{word!r} is no voice; write names, or name=female and name=male"
            )


def named_voices(text: str) -> tuple[Voice, ...]:
    """Return the voices that a setting names."""
    parts = [word.partition("=") for word in text.split()]
    return tuple(Voice(name, gender=GENDERS[gender]) for name, _, gender in parts)


def nearest(voices: Sequence[Voice], pitch_hz: float, taken: Sequence[str]) -> str:
    """Return the voice of a speaker: the least taken, of the person's kind, the first of these.

    `pitch_hz` is 0 where the speaker's pitch is not known. `voices` holds one at least.
    """
    kind = ("male" if pitch_hz < BETWEEN_HZ else "female") if pitch_hz else ""

    def unlike(voice: Voice) -> int:
        return 0 if not kind or voice.gender == kind else 1 if not voice.gender else 2

    return min(voices, key=lambda voice: (list(taken).count(voice.name), unlike(voice))).name
