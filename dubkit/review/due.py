"""Lines whose take is not up to date: the next run would change what is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.chain.plan import find_todo
from dubkit.episode.context import Context
from dubkit.episode.edits import SpeakerEdit, edit_fields
from dubkit.errors import TranslationError
from dubkit.review.takes import GENERATING, clips_of
from dubkit.studio import chain
from stages.shared.cloning.references import reference_waits
from stages.shared.translators import fallback_models, translator_choice


def find_due(context: Context, lines: Sequence[str]) -> dict[str, str]:
    """Return which of some lines have no up-to-date take, and why."""
    clips = {line: clips_of(context, line) for line in lines}
    due = _translations(context, lines) | _voices(context, lines, frozenset(n for n in lines if clips[n]))
    named = {*lines, *(clip for own_clips in clips.values() for clip in own_clips)}
    making = (*GENERATING, "speak") if any(clips.values()) else ("speak",)
    for stage in chain().taking_part(context):
        if stage.name not in making:
            continue
        items = [item for item in stage.items(context) if item.id in named]
        for todo in find_todo(stage, context, items, False):
            due.setdefault(todo.item.id, todo.reason)
    for line, own_clips in clips.items():
        why = next((due[clip] for clip in own_clips if clip in due), "") or _other_words(context, line)
        if why:
            due.setdefault(line, why)
    return due


def _translations(context: Context, lines: Sequence[str]) -> dict[str, str]:
    stage = chain().find("translate", "lock")
    # A translation does not change a text that a person wrote.
    written = {line for line, edit in context.placed.lines.items() if edit.text is not None}
    translated = context.store.records("translate", context.language)
    open_lines = set(lines) & translated.keys() - written
    try:
        items = [item for item in stage.items(context) if item.id in open_lines]
        # What another translator of the chain made is up to date for a person who takes it as it is.
        made_by = fallback_models(context, translator_choice(context)) if items else None
    except TranslationError:
        return {}  # no translator here can do them again
    if made_by is not None and context.user_file("translate") is None:
        items = [replace(item, models=made) if (made := made_by(item.id)) else item for item in items]
    return {todo.item.id: todo.reason for todo in find_todo(stage, context, items, False)}


def _voices(context: Context, lines: Sequence[str], generated: frozenset[str]) -> dict[str, str]:
    """Return the lines whose speaker gets another voice or, where generated, another description."""
    if not context.store.has("cast.json", context.language):
        return {}
    cast = {speaker.id: speaker for speaker in context.cast.speakers}
    due: dict[str, str] = {}
    for segment, line in context.lines:
        if line.id not in lines:
            continue
        speaker = cast.get(segment.speaker)
        if speaker is None:
            due[line.id] = f"{segment.speaker} has no voice yet"
            continue
        edits = edit_fields(context.speaker_edits.get(segment.speaker, SpeakerEdit()))
        if reference_waits(context, segment.speaker):
            due[line.id] = f"the voice of {segment.speaker} will be cloned from another recording"
        for name in ("name", "description", "voice") if line.id in generated else ("voice",):
            if edits.get(name, now := getattr(speaker, name)) != now:
                due[line.id] = f"the {name} of {segment.speaker} will be “{edits[name]}”"
    return due


def _other_words(context: Context, name: str) -> str:
    """Return how the take of a generated line differs from its text; the next run writes a new prompt."""
    record = context.record("speak", name)
    value = record.value if record is not None and isinstance(record.value, dict) else {}
    said = str(value.get("text", ""))
    text = next((line.text for _, line in context.lines if line.id == name), "")
    return f"it says “{said}”" if said and said != text else ""
