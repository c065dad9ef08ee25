"""The recording that a cloned voice is taken from, for each line."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from dubkit.episode.context import Context
from dubkit.episode.store import file_digest
from dubkit.types import Segment
from dubkit.types.voices import Reference
from stages.shared.cast_file import read_cast_file
from stages.shared.people.modes import clones_speaker, voice_of_series

CLONE = "clone:"
"""How takes name a cloned voice: `clone:spk1`."""


def reference_of(context: Context, segment: Segment) -> Reference | None:
    """Return the reference of a line's speaker; None where the voice is one of the engine's own."""
    if not clones_speaker(context, segment.speaker) or voice_by_hand(context, segment):
        return None
    own = context.references.of(segment.speaker)
    if own is None:
        return None
    nearest = context.references.nearest.get(segment.id)
    for piece in context.references.pieces_of(segment.speaker) if own.origin == "found" else ():
        if piece.number == nearest:
            return Reference(context.store.path(piece.file), piece.text, own.language)
    return Reference(context.store.path(own.file), own.text, own.language)


def reference_input(context: Context, segment: Segment) -> str:
    """Return the digest of a line's reference, as it enters keys; empty without one."""
    reference = reference_of(context, segment)
    if reference is None:
        return ""
    return context.digest([_digest(reference.file), reference.text, reference.language])


def cloned_voice(context: Context, segment: Segment, reference: Reference) -> str:
    """Return how the take of a line names its cloned voice: `clone:spk1`, with the piece of a line's own."""
    own = context.references.of(segment.speaker)
    if own is None or context.store.path(own.file) == reference.file:
        return f"{CLONE}{segment.speaker}"
    return f"{CLONE}{segment.speaker} ({reference.file.stem})"


def voice_by_hand(context: Context, segment: Segment) -> bool:
    """Say whether a person gave the line or its speaker a voice of the engine.

    A reference that somebody chose for the speaker counts more than a voice of the speaker, not of the line.
    """
    line, speaker = context.placed.lines.get(segment.id), context.speaker_edits.get(segment.speaker)
    if line is not None and line.voice:
        return True
    if speaker is not None and (speaker.reference or speaker.voice):
        return not speaker.reference
    if read_cast_file(context).get(segment.speaker, {}).get("voice"):
        return True
    return voice_of_series(context, segment.speaker)


def reference_waits(context: Context, speaker: str) -> bool:
    """Say whether the next run clones a speaker's voice from another recording, because a person chose it."""
    if not clones_speaker(context, speaker):
        return False
    edit = context.speaker_edits.get(speaker)
    own = next((one for one in context.references.speakers if one.speaker == speaker), None)
    return own is not None and own.chosen != ((edit.reference or "") if edit else "")


def _digest(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return ""
    return _digest_now(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(1000)
def _digest_now(path: Path, _size: int, _mtime_ns: int) -> str:
    return file_digest(path)
