"""How long a voice will take for a text, before it is spoken; and how much text fits into some seconds.

The voice's own network tells where it can be asked; else the pace that was measured of the engine; else the
syllables at the pace of people. What an episode teaches never changes what is answered.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal, Protocol

from dubkit.errors import DubkitError
from dubkit.types import Length
from dubkit.types.voices import Reference
from dubkit.voice.engine import (
    LengthSource,
    LengthTeller,
    MeasuredPace,
    Synthesiser,
    VoiceEngine,
    VoiceOpening,
)
from dubkit.voice.guard import open_engine, open_teller
from dubkit.voice.syllables import published_rate, syllables
from dubkit.voice.text.spoken import spoken_text
from dubkit.voice.trim import trimmed

log = logging.getLogger(__name__)

UNMEASURED = 0.35
"""Spread of what is only reckoned from syllables: short texts by a fifth, and voices differ in pace."""

MARK_SECONDS = 0.2
"""Seconds that a voice of which nothing is known waits at a mark inside a text."""

MARKS = frozenset(",.;:!?…—")

LETTERS_PER_SYLLABLE = 2.6
"""Characters of a written text, spaces among them, for each syllable: of a language without a measure."""


class Lengths(Protocol):
    """Tells how long texts take."""

    def ask(
        self,
        text: str,
        *,
        voice: str,
        language: str,
        speed: float = 1.0,
        seed: int | None = None,
        reference: Reference | None = None,
    ) -> Length:
        """Return how long a text takes at a speed, silence around it left out.

        `text` is as written: what is spoken for it is found here. One that holds no words takes 0 s. A
        `reference` is the voice where the engine clones one; only what speaks to tell can heed it.
        """


@dataclass(frozen=True, slots=True)
class Budget:
    """How much text fits into some seconds at the voice's own pace."""

    syllables: int
    characters: int


def open_lengths(engine: VoiceEngine, opening: VoiceOpening, *, speaking: bool = False) -> Lengths:
    """Return what tells the lengths of an engine's speech; its network is loaded with the first question.

    With `speaking`, a voice of which nothing is known speaks to tell, which costs as much as to speak.
    """
    return _EngineLengths(engine, opening, speaking)


def reckoned_lengths(engine: VoiceEngine) -> Lengths:
    """Return what reckons the lengths of an engine's speech from syllables; nothing is ever loaded for it."""
    return _EngineLengths(replace(engine, lengths=None), VoiceOpening(None), speaking=False)


def budget(seconds: float, engine: VoiceEngine, language: str, *, voice: str = "") -> Budget:
    """Return how many syllables and characters of a language an engine's voice says in some seconds.

    >>> from dubkit.voice.engine import ENGINES
    >>> budget(0.0, next(iter(ENGINES)), "ja")
    Budget(syllables=0, characters=0)
    """
    pace = pace_of(engine, language, voice)
    count = max(0.0, seconds - pace.per_text) * pace.syllables_per_second
    return Budget(int(count), int(count * pace.letters_per_syllable))


def pace_of(engine: VoiceEngine, language: str, voice: str = "") -> MeasuredPace:
    """Return the measured pace of an engine in a language, of the voice where it has its own.

    Without a measure, the pace of people.
    """
    people = MeasuredPace(1 / published_rate(language), MARK_SECONDS, 0.0, UNMEASURED, LETTERS_PER_SYLLABLE)
    return _measured(engine, language, voice) or people


def _measured(engine: VoiceEngine, language: str, voice: str) -> MeasuredPace | None:
    tag = language.replace("_", "-").lower()
    names = dict.fromkeys((tag, tag.partition("-")[0]))
    keys = (key for name in names for key in (f"{name}/{voice}", name))
    return next((engine.paces[key] for key in keys if key in engine.paces), None)


class _EngineLengths:
    """Lengths of one engine's speech; every answer is kept."""

    def __init__(self, engine: VoiceEngine, opening: VoiceOpening, speaking: bool) -> None:
        self._engine, self._opening, self._speaking = engine, opening, speaking
        self._teller: LengthTeller | None = None
        self._loaded = False
        self._turn = Lock()
        self._answers: dict[tuple[str, str, str, float, int | None, Reference | None], Length] = {}

    def ask(
        self,
        text: str,
        *,
        voice: str,
        language: str,
        speed: float = 1.0,
        seed: int | None = None,
        reference: Reference | None = None,
    ) -> Length:
        """Return how long a text takes; see Lengths."""
        question = (text, voice, language, speed, seed, reference)
        with self._turn:
            if question not in self._answers:
                self._answers[question] = self._answer(spoken_text(text, language), *question[1:])
            return self._answers[question]

    def _answer(
        self,
        said: str,
        voice: str,
        language: str,
        speed: float,
        seed: int | None,
        reference: Reference | None,
    ) -> Length:
        measured = _measured(self._engine, language, voice) is not None
        source: Literal["measured", "syllables"] = "measured" if measured else "syllables"
        if not said:
            return Length(0.0, 0.0, source)
        teller = self._open(measured)
        if isinstance(teller, SpokenLengths) and reference is not None:
            teller = teller.in_voice_of(reference)
        if teller is not None:
            try:
                seconds = teller.seconds(said, voice=voice, language=language, speed=speed, seed=seed)
                return Length(seconds, teller.spread, teller.source)
            except DubkitError:  # of this text or voice: speaking it says what is wrong, and fails alone
                log.debug("no length for %r in %s", said, voice, exc_info=True)
        pace = pace_of(self._engine, language, voice)
        marks = sum(character in MARKS for character in said.rstrip()[:-1])
        seconds = pace.per_text + syllables(said, language) * pace.per_syllable + marks * pace.per_mark
        return Length(max(seconds, pace.per_syllable) / speed, pace.spread, source)

    def _open(self, measured: bool) -> LengthTeller | None:
        """Return what tells the lengths, loaded once; None where they are reckoned."""
        if not self._loaded:
            self._teller, self._loaded = open_teller(self._engine, self._opening), True
        if self._teller is None and self._speaking and not measured:
            self._teller = SpokenLengths(open_engine(self._engine, self._opening))
        return self._teller


class SpokenLengths:
    """Tells how long a line is by speaking it: for quick voices, and those of which nothing is known."""

    spread = 0.0
    source: LengthSource = "spoken"

    def __init__(self, synthesiser: Synthesiser, **abilities: Any) -> None:
        self._synthesiser, self._abilities = synthesiser, abilities

    def in_voice_of(self, reference: Reference) -> SpokenLengths:
        """Return what tells the lengths in a cloned voice."""
        return SpokenLengths(self._synthesiser, reference=reference)

    def seconds(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None
    ) -> float:
        """Return how long `speak` takes. Raises VoiceError as it does."""
        sound = self._synthesiser.speak(
            text, voice=voice, language=language, speed=speed, seed=seed, **self._abilities
        )
        return len(trimmed(sound, self._synthesiser.rate)) / self._synthesiser.rate
