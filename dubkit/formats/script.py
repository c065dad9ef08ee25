"""The script of a dub: who says what when, in the original and in translation, with notes and recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ScriptKind = Literal["originalTranscript", "translatedTranscript", "preRecording", "asRecorded"]
"""What was spoken; a translation of it; what is to be recorded; what was recorded."""

OnScreen = Literal["", "ON", "OFF", "ON_OFF", "OFF_ON"]
"""Whether who speaks is seen: all the time, never, at the beginning or at the end only; empty: not said."""

Attributes = tuple[tuple[str, str], ...]
"""Attributes that dubkit has no use for, as `{namespace}name` and value, in order of name."""


EVENT = "event"
"""Fact of a line whose event is longer than itself: the event's times as they were written."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A character of the script, or a person who plays one."""

    id: str
    kind: str = "character"
    """`character`, `person`, or another kind of TTML."""
    names: tuple[tuple[str, str], ...] = ()
    """Kind of name (`alias` of a character, `full` of a person) and the name."""
    actors: tuple[str, ...] = ()
    """Ids of the persons who play it."""
    description: str = ""
    """How prompts describe the character: `The young woman`."""
    voice: str = ""
    """Voice of the voice engine that speaks it."""
    attributes: Attributes = ()

    @property
    def name(self) -> str:
        """What the script calls it; the id where it has no name."""
        first = self.names[0][1] if self.names else ""
        return next((name for kind, name in self.names if kind == "alias"), first) or self.id


@dataclass(frozen=True, slots=True)
class Note:
    """A note for people."""

    text: str
    kind: str = ""
    """`pronunciationNote`, `scene`, `plotSignificance`, or an own kind that begins with `x-`."""
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file of a text."""

    file: str
    """Path or address, as the script names it."""
    start: float
    """Seconds on the episode clock at which it begins to be heard."""
    end: float | None = None
    """Where it is cut off; None: at its own end."""
    media_type: str = "audio/wave"


@dataclass(frozen=True, slots=True)
class ScriptText:
    """What is said in an event, in one language."""

    language: str
    text: str
    """Line breaks as line feeds."""
    source_language: str = ""
    """Language that it was translated from; its own where it is an original; empty: not known."""
    start: float | None = None
    """Seconds on the episode clock where they are other than the event's; as `end`."""
    end: float | None = None
    speakers: tuple[str, ...] = ()
    """Ids of characters where they are named here and not in the event."""
    represents: str = ""
    """What it stands for where that is other than the event's."""
    recordings: tuple[Recording, ...] = ()
    markup: str = ""
    """The text as XML where it has parts of its own: times of words, styles, embedded sound."""
    attributes: Attributes = ()

    @property
    def is_original(self) -> bool:
        """Whether it is no translation."""
        return self.source_language in ("", "und", "zxx", self.language)


@dataclass(frozen=True, slots=True)
class ScriptEvent:
    """One line of the script."""

    id: str
    start: float
    """Seconds on the episode clock."""
    end: float | None
    """None: to the end of the programme."""
    speakers: tuple[str, ...] = ()
    """Ids of characters; several speak together."""
    on_screen: OnScreen = ""
    represents: str = "audio.dialogue"
    """What it stands for: dialogue, another sound, a text in the picture."""
    texts: tuple[ScriptText, ...] = ()
    notes: tuple[Note, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """What dubkit keeps of a line beside this: `route`, `flags`, `provider`, …, in order of name."""
    candidates: tuple[str, ...] = ()
    """Other translations."""
    attributes: Attributes = ()
    metadata: tuple[str, ...] = ()
    """XML of what other programs keep here."""
    animations: tuple[str, ...] = ()
    """XML of values that change with time, such as the level of the programme's sound."""

    @property
    def line_times(self) -> tuple[float, float | None]:
        """When the line itself begins and ends: an event is as long as its take, unless somebody moved it."""
        facts = dict(self.facts)
        if facts.get(EVENT) != f"{self.start} {self.end}":
            return self.start, self.end
        try:
            return float(facts["start"]), float(facts["end"])
        except (KeyError, ValueError):
            return self.start, self.end


@dataclass(frozen=True, slots=True)
class Script:
    """A whole script."""

    kind: ScriptKind
    language: str
    """Language of the texts that say no other."""
    source_language: str = ""
    represents: tuple[str, ...] = ("audio.dialogue",)
    """What it holds: each event is of one of these."""
    agents: tuple[Agent, ...] = ()
    events: tuple[ScriptEvent, ...] = ()
    """In the order of the file."""
    attributes: Attributes = ()
    body_attributes: Attributes = ()
    head: tuple[str, ...] = ()
    """XML of styles, regions and sounds in the head."""
    metadata: tuple[str, ...] = ()
    """XML of what else is known of the script as a whole."""
    body_parts: tuple[str, ...] = ()
    """XML of metadata and changing values of all events together."""

    def agent(self, name: str) -> Agent | None:
        """Return an agent by id."""
        return next((agent for agent in self.agents if agent.id == name), None)
