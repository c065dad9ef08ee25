"""Files of the generator's intermediate results, and their digests for keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dubkit.chain.stage import Item
from dubkit.episode.context import Context
from dubkit.types import Clip

NEGATIVE = "negative"
"""Item of the prompt that guidance leads away from."""


def text_file(item: str) -> str:
    """Return the file of an encoded prompt: of a clip, or of the negative one."""
    return f"dub/embed/{item}.safetensors"


def encoded_file(window: str) -> str:
    """Return the file of the encoded picture and sound of a window; all languages share it."""
    return f"dub/encode/{window}.safetensors"


def given_file(clip: str) -> str:
    """Return the file of the encoded sound that a clip's picture follows."""
    return f"dub/given/{clip}.safetensors"


def given_wav(clip: str) -> str:
    """Return the file of the sound that a clip's picture follows."""
    return f"dub/given/{clip}.wav"


def first_file(clip: str) -> str:
    """Return the file of a clip's latents after the first stage."""
    return f"dub/denoise/{clip}.safetensors"


def second_file(clip: str) -> str:
    """Return the file of a clip's latents after the second stage."""
    return f"dub/refine/{clip}.safetensors"


def digest_of(context: Context, stage: str, item: str, relative: str, *, shared: bool = False) -> str:
    """Return the recorded SHA-256 of an intermediate result; empty while there is none."""
    return context.file_digest(stage, relative, item, "" if shared else context.language)


def chain_of(clip: Clip, clips: Mapping[str, Clip]) -> tuple[Clip, ...]:
    """Return the clips that a clip follows, the first one first, and the clip itself last."""
    chain = [clip]
    while chain[0].follows:
        chain.insert(0, clips[chain[0].follows])
    return tuple(chain)


def clips_of_items(context: Context, items: Sequence[Item]) -> list[Clip]:
    """Return the clips that some items of a stage stand for, by id or by window, in order of time."""
    due = {item.id for item in items}
    return [clip for clip in context.clips.clips if clip.id in due or clip.window in due]


def clips_by_id(context: Context) -> dict[str, Clip]:
    """Return the planned clips by id."""
    return {clip.id: clip for clip in context.clips.clips}


def on_disk(context: Context, relative: str, *, shared: bool = False) -> Path:
    """Return the path of an intermediate result."""
    return context.store.path(relative, "" if shared else context.language)
