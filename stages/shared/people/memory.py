"""Who the speakers of an episode are in its series, and what the series knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.errors import SettingError
from dubkit.series.people.book import PeopleBook
from dubkit.series.people.matching import Recalled
from dubkit.series.people.person import Person, Said

if TYPE_CHECKING:
    from dubkit.chain.stage import Setup

ARTIFACT = "people.json"


def remembers(setup: Setup) -> bool:
    """Tell whether the people of a series are remembered: where there is one, unless it is switched off.

    Raises SettingError where they are to be, and the episode belongs to no series.
    """
    mode = setup.settings.cast.memory
    if not isinstance(setup, Context) or mode == "off":
        return False
    if setup.series is None and mode == "on":
        raise SettingError(
            "cast.memory",
            "on",
            "the episode belongs to no series, so there is no place to remember people; write a series.toml "
            "beside the episodes with: dubkit series init FOLDER, or name one with --series",
        )
    return setup.series is not None


def open_book(context: Context) -> PeopleBook:
    """Return the people of an episode's series."""
    assert context.series is not None, "an episode that remembers people belongs to a series"
    return PeopleBook(context.series.data)


def recalled(context: Context) -> Recalled:
    """Return what was made of the speakers; nothing where nobody looked."""
    if not context.store.has(ARTIFACT):
        return Recalled("", (), {})
    return context.store.read(ARTIFACT, Recalled)


def voice_name(context: Context, engine: str) -> str:
    """Return under which name a person's voice of a language and engine is kept."""
    return f"{context.language}/{engine}"


def own(context: Context, said: Said | None) -> bool:
    """Tell whether the series has a value from this very episode."""
    return said is not None and said.source == context.sha256


def foreign(context: Context, said: Said | None) -> str:
    """Return a value that the series has from elsewhere: another episode, or a person who told it."""
    return said.value if said is not None and not own(context, said) else ""


def kept(context: Context, said: Said | None) -> str:
    """Return a value that counts where the episode says nothing.

    What this episode found counts again, so that a voice stays when memory grows; what a person edited here
    and took back does not.
    """
    return "" if said is None or (own(context, said) and said.by == "edited") else said.value


def series_inputs(context: Context, people: Mapping[str, Person], engine: str) -> dict[str, str]:
    """Return what the series tells an episode of its speakers, as it enters the key of the cast.

    What the series has from the episode itself is left out, so that learning it is no reason to run again.
    """
    found = {}
    for speaker, person in people.items():
        fields = {"name": person.name, "description": person.description, "age": person.age}
        voice = person.voices.get(voice_name(context, engine)) if engine else None
        for name, said in {**fields, "voice": voice}.items():
            if value := foreign(context, said):
                found[f"series: {name} of {speaker}"] = value
    return found
