"""Takes that a person chose: used whatever they were made from, as long as they still fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dubkit.chain.stage import Item
from dubkit.episode.context import Context
from dubkit.episode.store import Record
from dubkit.types import Clip, is_clip
from stages.shared.engine import CLIP_STAGES

KEPT = "kept"
"""Input of a decoded clip: which frames of the episode it holds."""


@dataclass(frozen=True, slots=True)
class ChosenTake:
    """A chosen take, or why it cannot be used."""

    take: str
    problem: str = ""

    def item(self, name: str) -> Item:
        """Return the item that brings the take back."""
        return Item(name, edits={"take": self.take}, settings=(), take=self.take, problem=self.problem)


def kept_digest(context: Context, clip: Clip) -> str:
    """Return the digest of the frames of the episode that a clip holds."""
    return context.digest([clip.start_frame, clip.keep_start, clip.keep_end])


def chosen_speech(context: Context, line: str) -> ChosenTake | None:
    """Return the spoken take chosen for a line; None when no take is chosen."""
    for take, record in _takes(context, line):
        if record is None and not is_clip(take):
            return ChosenTake(take, _gone(line, take))
        if record is not None and record.parts.stage == "speak":
            return ChosenTake(take)
    return None


def chosen_clip(context: Context, clip: Clip) -> ChosenTake | None:
    """Return the generated take chosen for a clip by one of its lines; None when no take is chosen."""
    frames = kept_digest(context, clip)
    misfit: ChosenTake | None = None
    for line in clip.lines:
        for take, record in _takes(context, line):
            if record is None and is_clip(take):
                misfit = misfit or ChosenTake(take, _gone(line, take))
            elif record is not None and record.parts.stage in CLIP_STAGES:
                if record.parts.inputs.get(KEPT) == frames:
                    return ChosenTake(take)
                misfit = misfit or _other_frames(context, line, take)
    return misfit


def _other_frames(context: Context, line: str, take: str) -> ChosenTake | None:
    """A line in several clips has a take for each: only one that fits none of them is a problem."""
    record = context.store.take_record(take, context.language)
    clips = [clip for clip in context.clips.clips if line in clip.lines]
    if record and any(record.parts.inputs.get(KEPT) == kept_digest(context, clip) for clip in clips):
        return None
    return ChosenTake(
        take,
        f"{line} must keep take {take}, but its clip has other frames now.\n"
        f"Unlock the line or choose another take, or undo what moved its clip.",
    )


def _takes(context: Context, line: str) -> Iterator[tuple[str, Record | None]]:
    edit = context.placed.lines.get(line)
    if edit is None:
        return
    for take in edit.lock.takes if edit.lock else edit.takes or ():
        yield take, context.store.take_record(take, context.language)


def _gone(line: str, take: str) -> str:
    return (
        f"{line} must keep take {take}, which is missing or incomplete.\n"
        "Choose another take, or restore the file from a backup."
    )
