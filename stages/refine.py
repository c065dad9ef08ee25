"""Refine every clip's picture at twice the size; the sound takes part and stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dubkit.context import Context
from dubkit.stage import Item, Sink, Stage
from dubkit.types import Clip
from stages.artifacts import by_id, chain_of, digest_of, first_file, on_disk, second_file
from stages.denoise import SETTINGS, chained, inputs_of, ready
from stages.generator import (
    CHECKPOINT,
    DISTILLED_LORA,
    DUBBING_LORA,
    UPSCALER,
    devices,
    failure,
    identities,
    open_generator,
    operations,
    over_clips,
    recipe,
)


def _first(context: Context, clip: Clip) -> str:
    return digest_of(context, "denoise", clip.id, first_file(clip.id))


def items(context: Context) -> Sequence[Item]:
    found = [clip for clip in ready(context) if _first(context, clip)]
    models = identities(context, CHECKPOINT, DUBBING_LORA, DISTILLED_LORA, UPSCALER) if found else {}
    clips = by_id(context) if found else {}
    return [
        Item(
            clip.id,
            inputs={
                **chained(context, clip),
                **{f"denoise/{c.id}": _first(context, c) for c in chain_of(clip, clips)},
            },
            models=models,
        )
        for clip in found
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines import justdubit

    due = {item.id for item in items}
    clips = [clip for clip in context.clips.clips if clip.id in due]
    video = context.episode.video
    assert video is not None, "clips have a picture"
    wanted = recipe(context)
    halves = {clip.id: on_disk(context, first_file(clip.id)) for clip in clips}
    with open_generator(context, devices(context)[0]).upscaling() as upscaling:
        enlarged = {name: justdubit.enlarge(upscaling, path) for name, path in halves.items()}

    def make(opened: Any, clip: Clip) -> None:
        made = justdubit.refine(
            opened,
            wanted,
            clip,
            inputs_of(context, clip, "refine"),
            (halves[clip.id], enlarged[clip.id]),
            video.rate,
            lambda step, of: sink.advance(step / of),
        )
        with sink.write(second_file(clip.id)) as temporary:
            justdubit.save(made.tensors(), temporary)

    for clip, note, error in over_clips(context, "second", clips, make, sink):
        if error is not None:
            sink.fail(clip.id, failure(clip.id, error))
        else:
            sink.done(clip.id, files=[second_file(clip.id)], value={"memory": note} if note else None)


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the TFLOP of some clips."""
    due = {item.id for item in items}
    return operations(context, [clip for clip in context.clips.clips if clip.id in due], "second")


STAGE = Stage(
    name="refine",
    version=1,
    scope="language",
    items=items,
    run=run,
    engine="justdubit",
    needs=("denoise",),
    work=work,
    settings=(*SETTINGS, "dub.distilled_strength"),
)
