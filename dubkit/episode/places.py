"""Items as people name them: the third line, not `s0003`."""

from __future__ import annotations

from dubkit.episode.context import Context


def item_names(context: Context) -> dict[str, str]:
    """Return item -> its name for people: `s0003` -> `line 3`, `c0001` -> `clip 1`.

    Lines count from 1 in order of time, as in a review. Nothing is named before there is a transcript.
    """
    if not context.store.has("transcript.json"):
        return {"episode": ""}
    names = {segment.id: f"line {number}" for number, segment in enumerate(context.segments, 1)}
    clips = context.planned_clips if context.language else ()
    return {clip.id: f"clip {number}" for number, clip in enumerate(clips, 1)} | names | {"episode": ""}
