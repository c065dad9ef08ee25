"""The people of a series over its episodes: enrol a speaker, hear a voice, and see where voices drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.errors import DubkitError, EditRefused, MediaError
from dubkit.review.opening import of_folder
from dubkit.series.people.acts import Hand, find_person
from dubkit.series.people.book import Draft, content_name
from dubkit.series.people.matching import new_id
from dubkit.series.people.person import Entry, Person, PersonChange, Said, Sighting, person_of
from dubkit.studio import Session
from dubkit.types import ASR_RATE
from stages.shared.cloning.found_pieces import open_encoder
from stages.shared.people.enrolling import sighting_of
from stages.shared.people.memory import recalled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.speech.embeddings import VoiceEncoder

DRIFTED = 0.8
"""Cosine of two dubbed voices of one person below which they count as two voices."""
ENOUGH = 20.0
"""Seconds of dubbed speech of which a voice is told."""
SAMPLE_TEXTS: Mapping[str, str] = {
    "de": "So klinge ich, wenn ich spreche.",
    "en": "This is how I sound when I speak.",
    "es": "Así sueno cuando hablo.",
    "fr": "Voilà comment je parle.",
    "it": "Ecco come parlo.",
    "ja": "私はこんな声で話します。",
    "pt": "É assim que eu falo.",
}
"""Base language -> a sentence to hear a voice with."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A person whose voice differs between two episodes in a language."""

    person: str
    called: str
    language: str
    before: str
    """Name of the earlier episode, by the order of their names."""
    after: str
    why: str
    """What differs, in words."""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What was compared, and what differs."""

    compared: int
    """Pairs of episodes of one person in one language."""
    drifts: tuple[Drift, ...]
    unheard: tuple[str, ...]
    """Episodes whose dubbed voices could not be heard, with why."""


def enrol_speaker(hand: Hand, context: Context, speaker: str, as_person: str = "") -> Entry | None:
    """Add a speaker of an episode to the series, as somebody new or as a person whom it knows."""
    match = recalled(context).of(speaker)
    if match is None:
        there = ", ".join(one.heard.speaker for one in recalled(context).matches) or "nobody"
        raise EditRefused(f"{context.store.root.name} has no speaker {speaker}; there are {there}.")

    def make(people: Mapping[str, Person], _history: Sequence[Entry]) -> Draft:
        owner = find_person(people, as_person).id if as_person else new_id(context.sha256, match.heard)
        before = person_of(people, context.sha256, speaker)
        sighting = sighting_of(context, match, before)
        changes = [PersonChange(owner, f"sightings/{sighting.key}", sighting)]
        if before is not None and before.id != owner:
            changes.insert(0, PersonChange(before.id, f"sightings/{sighting.key}", None))
        if owner not in people:
            changes.append(PersonChange(owner, "name", Said(match.called or speaker)))
        called = people[owner].called if owner in people else match.called or speaker
        return Draft("enrol", f"{speaker} of {context.store.root.name} is {called}", changes)

    paths = [context.store.path(name) for name in recalled(context).kept(speaker) if name]
    files = {content_name(path): path for path in paths if path.is_file()}
    return hand.book.change(hand.who, make, files)


def audition(session: Session, person: Person, language: str, text: str, target: Path) -> str:
    """Speak a sentence in the voice that a person has in a language; return the name of the voice.

    Raises DubkitError where the person has no voice there, or none of their episodes is there any more.
    """
    from dubkit.media.sound.audio import write_wav
    from stages.shared.people.memory import voice_name
    from stages.shared.voices import choose_voice, open_voice

    context = _some_episode(session, person).fresh(language)
    engine = choose_voice(context).engine
    said = person.voices.get(voice_name(context, engine.name))
    if said is None:
        have = ", ".join(f"{key}: {one.value}" for key, one in person.voices.items()) or "none"
        raise EditRefused(
            f"{person.called} has no voice of {engine.name} in {language}; voices are {have}.\n"
            f"Choose one with: dubkit characters set-voice {person.id} VOICE --to {language}"
        )
    words = text or SAMPLE_TEXTS.get(language.partition("-")[0].lower(), "")
    if not words:
        raise EditRefused(f"There is no sentence in {language} to hear a voice with; give one with --text.")
    voice = open_voice(context, engine)
    samples = voice.speak(words, voice=said.value, language=language, speed=1.0)
    write_wav(target, samples, voice.rate)
    return said.value


def _some_episode(session: Session, person: Person) -> Context:
    for sighting in person.sightings.values():
        try:
            return of_folder(session, Path(sighting.folder))
        except MediaError:
            continue
    raise EditRefused(f"No episode of {person.called} is where it was. Run one of them again.")


def drift_report(session: Session, people: Mapping[str, Person]) -> DriftReport:
    """Compare the voices of every person over their episodes: which was cast, and how the dub sounds."""
    compared, drifts, unheard = 0, list[Drift](), dict[str, None]()
    listener = _Listener(session)
    for person in people.values():
        for language in sorted(
            {key.partition("/")[0] for s in person.sightings.values() for key in s.voices}
        ):
            there = [s for s in person.sightings.values() if _voice(s, language)]
            for before, after in pairwise(sorted(there, key=lambda s: (s.episode, s.key))):
                compared += 1
                why = _why(listener, before, after, language, unheard)
                if why:
                    drifts.append(
                        Drift(person.id, person.called, language, before.episode, after.episode, why)
                    )
    return DriftReport(compared, tuple(drifts), tuple(unheard))


def _voice(sighting: Sighting, language: str) -> str:
    """Return the voices that a person has in an episode, as words; empty where none was cast."""
    voices = {
        key.partition("/")[2]: v for key, v in sighting.voices.items() if key.startswith(f"{language}/")
    }
    return " and ".join(f"{voice} of {engine}" for engine, voice in voices.items())


def _why(
    listener: _Listener, before: Sighting, after: Sighting, language: str, unheard: dict[str, None]
) -> str:
    first, second = _voice(before, language), _voice(after, language)
    if first != second:
        return f"cast with {first}, then with {second}"
    heard = []
    for sighting in (before, after):
        try:
            heard.append(listener.voice(sighting, language))
        except DubkitError as error:
            unheard[f"{sighting.episode}: {str(error).splitlines()[0]}"] = None
    if len(heard) < 2:
        return ""
    alike = float(heard[0] @ heard[1])
    return f"the dubbed voices are only {alike:.2f} alike" if alike < DRIFTED else ""


class _Listener:
    """Hears the dubbed voices of episodes; the encoder is loaded when it is first needed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._encoder: VoiceEncoder | None = None
        self._heard: dict[tuple[str, str], NDArray[np.float32]] = {}

    def voice(self, sighting: Sighting, language: str) -> NDArray[np.float32]:
        """Return how a person sounds in the dub of an episode, (256,) of unit length.

        Raises DubkitError where the episode is gone, or nothing of them was spoken.
        """
        key = (sighting.key, language)
        if key not in self._heard:
            context = of_folder(self.session, Path(sighting.folder)).fresh(language)
            if self._encoder is None:
                self._encoder = open_encoder(context)
            self._heard[key] = self._encoder.embed(_spoken(context, sighting.speaker))
        return self._heard[key]


def _spoken(context: Context, speaker: str) -> NDArray[np.float32]:
    """Return (N,) dubbed speech of a speaker at 16 kHz."""
    import numpy as np

    from dubkit.media.sound.audio import read_mono16

    pieces: list[NDArray[np.float32]] = []
    for segment in context.segments if context.store.has("transcript.json") else ():
        take = context.take_file(segment.id) if segment.speaker == speaker else None
        if take is not None and take.is_file() and sum(map(len, pieces)) < ENOUGH * ASR_RATE:
            pieces.append(read_mono16(take))
    if not pieces:
        raise EditRefused(f"nothing of {speaker} is spoken in {context.language}")
    return np.concatenate(pieces)
