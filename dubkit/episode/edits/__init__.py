"""Hand edits: what people changed, which segments it belongs to, how it is applied, and its log."""

from dubkit.episode.edits.draft import Draft
from dubkit.episode.edits.forms import (
    FILE,
    Edits,
    LineEdit,
    Lock,
    SegmentEdit,
    SpeakerEdit,
    edit_fields,
    read_edits,
)
from dubkit.episode.edits.overlay import (
    LOCK_CONFLICT,
    edited_line,
    edited_segment,
    lock_conflict,
    speaker_edits,
)
from dubkit.episode.edits.places import (
    Anchor,
    Placed,
    impossible_times,
    note_anchors,
    place,
    read_anchors,
)

__all__ = [
    "FILE",
    "LOCK_CONFLICT",
    "Anchor",
    "Draft",
    "Edits",
    "LineEdit",
    "Lock",
    "Placed",
    "SegmentEdit",
    "SpeakerEdit",
    "edit_fields",
    "edited_line",
    "edited_segment",
    "impossible_times",
    "lock_conflict",
    "note_anchors",
    "place",
    "read_anchors",
    "read_edits",
    "speaker_edits",
]
