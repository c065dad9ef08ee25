"""Apply hand edits to what the stages made: segments, lines and speakers as people want them, and locks."""

from __future__ import annotations

from dataclasses import replace

from dubkit.episode.edits.forms import Edits, LineEdit, Lock, SegmentEdit, SpeakerEdit, edit_fields
from dubkit.types import Line, Segment


def speaker_edits(shared: Edits, language: Edits) -> dict[str, SpeakerEdit]:
    """Return the edits of every speaker: those of the language over those that all languages share."""
    none = SpeakerEdit()
    return {
        speaker: SpeakerEdit(
            **(
                edit_fields(shared.speakers.get(speaker, none))
                | edit_fields(language.speakers.get(speaker, none))
            )
        )
        for speaker in sorted(shared.speakers.keys() | language.speakers.keys())
    }


def edited_segment(segment: Segment, edit: SegmentEdit | None) -> Segment:
    """Return the segment as the person wants it; words are dropped when the text is no longer theirs."""
    changes = edit_fields(edit)
    if not changes:
        return segment
    if "text" in changes and changes["text"] != segment.text:
        changes["words"] = ()
    return replace(segment, **changes)


LOCK_CONFLICT = "lock-conflict"
"""Flag of a locked line whose source has changed."""


def edited_line(line: Line, edit: LineEdit | None, segment: Segment) -> Line:
    """Return the line as the person wants it; a text written by a person carries no warning flags."""
    if edit is None:
        return line
    if edit.lock is not None:
        return _locked_line(line, edit.lock, segment)
    changed = line
    if edit.text is not None:
        changed = replace(changed, text=edit.text, provider="edited", flags=())
    if edit.route is not None:
        changed = replace(changed, route=edit.route)
    return changed


def _locked_line(line: Line, lock: Lock, segment: Segment) -> Line:
    result = replace(line, route=lock.route)
    if lock.text != line.text:
        result = replace(result, text=lock.text, provider="locked", flags=())
    if lock_conflict(lock, segment):
        result = replace(result, flags=(*result.flags, LOCK_CONFLICT))
    return result


MOVED = 0.05
"""Seconds by which a locked line's source may move before it is a conflict."""


def lock_conflict(lock: Lock, segment: Segment) -> str:
    """Return how the source of a locked line has changed; empty when it has not."""
    changes = []
    if segment.text != lock.source:
        changes.append(f"the source said “{lock.source}” and now says “{segment.text}”")
    if segment.speaker != lock.speaker:
        changes.append(f"it was spoken by {lock.speaker} and is now by {segment.speaker}")
    if abs(segment.start - lock.start) > MOVED or abs(segment.end - lock.end) > MOVED:
        changes.append(
            f"it was at {lock.start:.2f} to {lock.end:.2f} s and is now at "
            f"{segment.start:.2f} to {segment.end:.2f} s"
        )
    return "; ".join(changes)
