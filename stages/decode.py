"""Decode every clip's latents into frames and sound: the take that a person compares and chooses."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT
from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.types import Clip, DubbedClip
from stages.shared.artifacts import clips_of_items, digest_of, on_disk, second_file
from stages.shared.clip_files import kept_frames, lossless_bytes, write_clip
from stages.shared.generator import (
    clip_seed,
    failure,
    generator_devices,
    generator_dubs_picture,
    generator_runs,
    identities,
    megapixels,
    open_generator,
    recipe,
)
from stages.shared.takes import KEPT, chosen_clip, kept_digest


def _second(context: Context, clip: Clip) -> str:
    return digest_of(context, "refine", clip.id, second_file(clip.id))


def items(context: Context) -> Sequence[Item]:
    if not generator_dubs_picture(context):
        return []
    clips = context.clips.clips
    takes = {clip.id: take for clip in clips if (take := chosen_clip(context, clip))}
    refined = [clip for clip in clips if _second(context, clip) and clip.id not in takes]
    models = identities(context, CHECKPOINT) if refined else {}
    generated = [
        Item(
            clip.id,
            inputs={f"refine/{clip.id}": _second(context, clip), KEPT: kept_digest(context, clip)},
            models=models,
        )
        for clip in refined
    ]
    return [*generated, *(take.item(clip) for clip, take in takes.items())]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines.justdubit import ENGINE
    from dubkit.engines.justdubit.steps import decode

    due = {item.id for item in items}
    with open_generator(context, generator_devices(context)[0]).decoders() as decoders:
        for clip in context.clips.clips:
            if clip.id not in due:
                continue
            try:
                frames, sound, rate = decode(decoders, on_disk(context, second_file(clip.id)))
                with sink.take(clip.id) as take:
                    pictures = (piece.numpy() for piece in kept_frames(clip, frames))
                    count = write_clip(pictures, sound.numpy(), rate, take.folder)
                    take.value = DubbedClip(
                        clip.id,
                        ENGINE,
                        recipe(context).name,
                        clip_seed(context, clip),
                        count,
                        rate,
                        sound.shape[1],
                    )
            except (DubkitError, ValueError) as error:
                sink.fail(clip.id, failure(clip.id, error))


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the megapixels of some clips."""
    return megapixels(clips_of_items(context, items))


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    return Needs(disk=lossless_bytes(context))


STAGE = Stage(
    name="decode",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Decoding clips",
    done="decoded",
    unit="clip",
    belongs=generator_runs,
    card=True,
    pace=0.06,
    weight=120.0,
    estimate=_needs,
    work=work,
    needs=("refine",),
    takes=True,
)
