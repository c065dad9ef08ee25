"""An episode as a script: characters, lines in both languages, notes, and the takes that speak them."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.context import Context
from dubkit.episode.cue_sheet import speaker_names
from dubkit.episode.timeline import spoken_line, way
from dubkit.formats.dapt.names import id_of
from dubkit.formats.script import (
    EVENT,
    Agent,
    Note,
    OnScreen,
    Recording,
    Script,
    ScriptEvent,
    ScriptKind,
    ScriptText,
)
from dubkit.types import SAMPLE_RATE, Line, Segment, SpokenLine

SEEN = 0.9
"""Share of a line's frames that show a face from which on it counts as on screen."""


def script_of(context: Context, beside: Path | None = None) -> Script:
    """Return the script of an episode, in the language of the context; without one, the transcript.

    Recordings are named by their way from the folder `beside`, or from the episode's own.
    """
    source = context.source_language
    pairs: list[tuple[Segment, Line | None]] = (
        [*context.lines] if context.language else [(segment, None) for segment in context.segments]
    )
    events = tuple(_event(context, segment, line, beside) for segment, line in pairs)
    return Script(
        kind=_kind(context, events),
        language=context.language or source or "und",
        source_language=source,
        agents=_agents(context, [segment.speaker for segment, _ in pairs]),
        events=events,
    )


def _kind(context: Context, events: tuple[ScriptEvent, ...]) -> ScriptKind:
    if not context.language:
        return "originalTranscript"
    if any(text.recordings for event in events for text in event.texts):
        return "asRecorded"
    accepted = any(edit.accepted or edit.lock for edit in context.placed.lines.values())
    return "preRecording" if accepted or context.adapted_texts else "translatedTranscript"


def _agents(context: Context, speakers: list[str]) -> tuple[Agent, ...]:
    names = speaker_names(context)
    has_cast = context.language and context.store.has("cast.json", context.language)
    cast = {speaker.id: speaker for speaker in context.cast.speakers} if has_cast else {}
    agents = []
    for speaker in dict.fromkeys(filter(None, speakers)):
        known = cast.get(speaker)
        agents.append(
            Agent(
                id=_agent_id(speaker),
                names=(("alias", names.get(speaker, speaker)),),
                description=known.description if known else "",
                voice=known.voice if known else "",
            )
        )
    return tuple(agents)


def _agent_id(speaker: str) -> str:
    """Return the id of a character; lines have ids too, and no two may be one."""
    name = id_of(speaker)
    return f"character_{name}" if name.startswith("s") and name[1:].isdigit() else name


def _event(context: Context, segment: Segment, line: Line | None, beside: Path | None) -> ScriptEvent:
    language = segment.language or context.source_language or "und"
    texts = [ScriptText(language, segment.text, language)]
    start, end = round(segment.start, 6), round(segment.end, 6)
    facts: dict[str, str] = {}
    spoken = spoken_line(context, line.id) if line is not None else None
    if line is not None:
        recordings: tuple[Recording, ...] = ()
        if spoken is not None:
            begin = spoken.start_sample / SAMPLE_RATE
            # A player cuts a recording off where its event ends: the event is as long as both.
            start, end = min(start, round(begin, 6)), max(end, round(begin + spoken.samples / SAMPLE_RATE, 6))
            file = context.take_file(line.id)
            assert file is not None, "the line is spoken"
            recordings = (Recording(way(file, context, beside), round(begin, 6)),)
        texts.append(ScriptText(context.language, line.text, language, recordings=recordings))
        facts = _facts(context, segment, line, spoken)
        if (start, end) != (segment.start, segment.end):
            facts |= {"start": f"{segment.start}", "end": f"{segment.end}", EVENT: f"{start} {end}"}
    on_screen, visible = _on_screen(context, segment)
    return ScriptEvent(
        id=id_of(segment.id),
        start=start,
        end=end,
        speakers=(_agent_id(segment.speaker),) if segment.speaker else (),
        on_screen=on_screen,
        texts=tuple(texts),
        notes=_notes(context, segment.id),
        facts=tuple(sorted((facts | visible).items())),
        candidates=line.candidates if line is not None else (),
    )


def _facts(context: Context, segment: Segment, line: Line, spoken: SpokenLine | None) -> dict[str, str]:
    """Return what dubkit knows of a line that DAPT has no word for."""
    facts = {
        "route": context.routes.get(line.id, line.route),
        "provider": line.provider,
        "flags": " ".join(line.flags),
    }
    if context.language == (segment.language or context.source_language):
        facts["line"] = "same-language"
    if spoken is not None:
        facts |= {"engine": spoken.engine, "voice": spoken.voice}
        facts |= {"seed": f"{spoken.seed}"} if spoken.seed is not None else {}
    return {name: value for name, value in facts.items() if value}


def _on_screen(context: Context, segment: Segment) -> tuple[OnScreen, dict[str, str]]:
    """Return whether the speaker of a segment is seen, and how much where that is between the two."""
    if context.episode.video is None:
        return "OFF", {}
    if context.faces.method == "none":
        return "", {}
    visible = next((face.visible for face in context.faces.faces if face.segment == segment.id), 0.0)
    if 0.0 < visible < SEEN:
        return "", {"visible": f"{visible:.2f}"}
    return "ON" if visible else "OFF", {}


def _notes(context: Context, line: str) -> tuple[Note, ...]:
    edit = context.placed.lines.get(line) if context.language else None
    if edit is None:
        return ()
    kinds = (("x-delivery", edit.delivery), ("x-note", edit.note))
    return tuple(Note(" ".join(text.split()), kind) for kind, text in kinds if text)
