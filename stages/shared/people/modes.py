"""Whose own voice speaks: as the run says, and otherwise where the series says so of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from stages.shared.people.memory import open_book, remembers

if TYPE_CHECKING:
    from dubkit.chain.stage import Setup


def clones(setup: Setup) -> bool:
    """Tell whether the voice of anybody may be cloned: of all, or of a person of the series."""
    if setup.settings.cast.cloning:
        return True
    if not isinstance(setup, Context) or not remembers(setup):
        return False
    people = open_book(setup).people().values()
    return any(person.mode is not None and person.mode.value == "clone" for person in people)


def clones_speaker(context: Context, speaker: str) -> bool:
    """Tell whether the voice of a speaker is to be cloned, where nobody gave them one of the engine."""
    person = context.people.get(speaker)
    mode = person.mode.value if person and person.mode else ""
    return mode == "clone" or (mode != "preset" and context.settings.cast.cloning)


def voice_of_series(context: Context, speaker: str) -> bool:
    """Tell whether a person gave a speaker a voice of an engine for the series, in this language."""
    person = context.people.get(speaker)
    if person is None or (person.mode and person.mode.value == "clone"):
        return False
    voices = person.voices.items()
    return any(said.by != "heard" for key, said in voices if key.startswith(f"{context.language}/"))
