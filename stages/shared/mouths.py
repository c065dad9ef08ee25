"""Whose mouth the picture shows when a line begins: there a start that is off is seen."""

from __future__ import annotations

from dubkit.dubbing.planning.routes import LEAST_MOUTH, LEAST_VISIBLE
from dubkit.episode.context import Context
from dubkit.types import Segment, SpeakingFace

OPENING = 0.5
"""Seconds from its start during which a line's speaker must be seen."""

LOOK = 0.1
"""Seconds between two looks for faces."""


def mouths_seen(context: Context) -> dict[str, bool | None]:
    """Return line -> whether its speaker's mouth is seen as it begins; None where nobody looked.

    Without a picture no mouth is seen.
    """
    if context.episode.video is None:
        return {segment.id: False for segment in context.segments}
    if context.faces.method == "none":
        return {segment.id: None for segment in context.segments}
    faces = {face.segment: face for face in context.faces.faces}
    return {segment.id: _seen(context, segment, faces.get(segment.id)) for segment in context.segments}


def _seen(context: Context, segment: Segment, face: SpeakingFace | None) -> bool | None:
    if face is None:
        return None  # the line is newer than the search
    if face.mouth < LEAST_MOUTH:
        return False
    video = context.picture
    if video.variable:  # the number of a frame says nothing of its moment
        return face.visible >= LEAST_VISIBLE
    length = min(OPENING, segment.end - segment.start)
    moments = (float(video.start + box.frame / video.rate) for box in face.boxes)
    shown = sum(moment < segment.start + length for moment in moments)
    return shown >= LEAST_VISIBLE * length / LOOK
