"""Where the generator's intermediate results lie, and how they enter keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dubkit.chain.stage import Item
from dubkit.episode.context import Context
from dubkit.types import Clip

NEGATIVE = "negative"
"""Item of the prompt that guidance leads away from."""


def text_file(item: str) -> str:
    return f"dub/embed/{item}.safetensors"


def encoded_file(window: str) -> str:
    """What the generator sees and hears of a window; shared by all languages."""
    return f"dub/encode/{window}.safetensors"


def first_file(clip: str) -> str:
    return f"dub/denoise/{clip}.safetensors"


def second_file(clip: str) -> str:
    return f"dub/refine/{clip}.safetensors"


def digest_of(context: Context, stage: str, item: str, relative: str, *, shared: bool = False) -> str:
    """Return the recorded SHA-256 of an intermediate result; empty while there is none."""
    return context.file_digest(stage, relative, item, "" if shared else context.language)


def chain_of(clip: Clip, clips: Mapping[str, Clip]) -> tuple[Clip, ...]:
    """Return the clips that a clip follows, the first one first, and the clip itself last."""
    found = [clip]
    while found[0].follows:
        found.insert(0, clips[found[0].follows])
    return tuple(found)


def chosen(context: Context, items: Sequence[Item]) -> list[Clip]:
    """Return the clips that some items of a stage stand for, by id or by window, in order of time."""
    due = {item.id for item in items}
    return [clip for clip in context.clips.clips if clip.id in due or clip.window in due]


def by_id(context: Context) -> dict[str, Clip]:
    return {clip.id: clip for clip in context.clips.clips}


def on_disk(context: Context, relative: str, *, shared: bool = False) -> Path:
    return context.store.path(relative, "" if shared else context.language)
