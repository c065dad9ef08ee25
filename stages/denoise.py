"""Generate every clip at the first stage's size: the long, guided part of the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dubkit.context import Context
from dubkit.stage import Item, Sink, Stage
from dubkit.types import Clip
from stages.artifacts import (
    NEGATIVE,
    by_id,
    chain_of,
    digest_of,
    encoded_file,
    first_file,
    on_disk,
    second_file,
    text_file,
)
from stages.generator import (
    CHECKPOINT,
    DUBBING_LORA,
    failure,
    generates,
    identities,
    operations,
    over_clips,
    recipe,
)

if TYPE_CHECKING:
    from pathlib import Path

    from dubkit.engines.justdubit import Inputs

SETTINGS = (
    "dub.recipe",
    "dub.steps",
    "dub.guidance",
    "dub.lora_strength",
    "dub.reference_strength",
    "dub.float8",
)


def ready(context: Context) -> list[Clip]:
    """Return the clips whose prompt and sight have been read."""
    if not generates(context):
        return []
    return [
        clip
        for clip in context.clips.clips
        if digest_of(context, "embed", clip.id, text_file(clip.id))
        and digest_of(context, "encode", clip.window, encoded_file(clip.window), shared=True)
    ]


def reads(context: Context, clip: Clip) -> dict[str, str]:
    """Return what a clip's generation reads, without the clips that it follows."""
    found = {
        f"embed/{clip.id}": digest_of(context, "embed", clip.id, text_file(clip.id)),
        f"encode/{clip.window}": digest_of(
            context, "encode", clip.window, encoded_file(clip.window), shared=True
        ),
        "seed": context.digest([clip.seed, clip.start_frame]),
    }
    if recipe(context).negative_prompt:
        found["embed/negative"] = digest_of(context, "embed", NEGATIVE, text_file(NEGATIVE))
    return found


def chained(context: Context, clip: Clip) -> dict[str, str]:
    """Return what a clip's generation reads, and that of every clip it takes latents over from."""
    clips = by_id(context)
    found = reads(context, clip)
    for before in chain_of(clip, clips)[:-1]:
        found[f"follows/{before.id}"] = context.digest(reads(context, before))
    return found


def items(context: Context) -> Sequence[Item]:
    found = ready(context)
    models = identities(context, CHECKPOINT, DUBBING_LORA) if found else {}
    return [Item(clip.id, inputs=chained(context, clip), models=models) for clip in found]


def inputs_of(context: Context, clip: Clip, latents: str) -> Inputs:
    """Return the files that a clip's generation reads; `latents` is the stage that it follows."""
    from dubkit.engines.justdubit import Inputs

    previous: tuple[Clip, Path] | None = None
    if clip.follows:
        place = {"denoise": first_file}.get(latents, second_file)(clip.follows)
        previous = by_id(context)[clip.follows], on_disk(context, place)
    return Inputs(
        on_disk(context, text_file(clip.id)),
        on_disk(context, text_file(NEGATIVE)) if recipe(context).negative_prompt else None,
        on_disk(context, encoded_file(clip.window), shared=True),
        previous,
    )


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines import justdubit

    due = {item.id for item in items}
    video = context.episode.video
    assert video is not None, "clips have a picture"
    wanted = recipe(context)

    def make(opened: Any, clip: Clip) -> None:
        made = justdubit.denoise(
            opened,
            wanted,
            clip,
            inputs_of(context, clip, "denoise"),
            video.rate,
            lambda step, of: sink.advance(step / of),
        )
        with sink.write(first_file(clip.id)) as temporary:
            justdubit.save(made.tensors(), temporary)

    clips = [clip for clip in context.clips.clips if clip.id in due]
    for clip, notes, error in over_clips(context, "first", clips, make, sink):
        if error is not None:
            sink.fail(clip.id, failure(clip.id, error))
        else:
            sink.done(clip.id, files=[first_file(clip.id)], value={"memory": notes} if notes else None)


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the TFLOP of some clips."""
    due = {item.id for item in items}
    return operations(context, [clip for clip in context.clips.clips if clip.id in due], "first")


STAGE = Stage(
    name="denoise",
    version=1,
    scope="language",
    items=items,
    run=run,
    engine="justdubit",
    needs=("embed", "encode"),
    work=work,
    settings=SETTINGS,
)
