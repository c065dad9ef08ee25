"""Decode every clip's latents into frames and sound: the take that a person compares and chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT
from dubkit.engines.kept import opened
from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.types import Clip, DubbedClip
from stages.shared.artifacts import clips_of_items, digest_of, given_wav, on_disk, second_file
from stages.shared.clip_files import kept_frames, lossless_bytes, write_clip
from stages.shared.dubbed_lines import is_driven
from stages.shared.generator import (
    clip_seed,
    codec_memory,
    failure,
    generator_devices,
    generator_dubs_picture,
    generator_runs,
    identities,
    megapixels,
    one_by_one,
    open_generator,
    own_settings,
    recipe,
)
from stages.shared.takes import KEPT, chosen_clip, kept_digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


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
            inputs=_inputs(context, clip),
            models=models,
            settings=own_settings(
                context, "video", *(() if is_driven(context, clip) else ("audio", "vocoder"))
            ),
        )
        for clip in refined
    ]
    return [*generated, *(take.item(clip) for clip, take in takes.items())]


def _inputs(context: Context, clip: Clip) -> dict[str, str]:
    inputs = {f"refine/{clip.id}": _second(context, clip), KEPT: kept_digest(context, clip)}
    if is_driven(context, clip):
        inputs[f"given/{clip.id}"] = digest_of(context, "given", clip.id, given_wav(clip.id))
    return inputs


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines.justdubit.steps import decode, decode_frames

    due = {item.id for item in items}
    clips = [clip for clip in context.clips.clips if clip.id in due]
    driven = [clip for clip in clips if is_driven(context, clip)]
    generator = open_generator(context, generator_devices(context)[0])
    if len(driven) < len(clips):
        with opened(("decoders", generator.parts.files), generator.decoders) as decoders:
            for clip in clips:
                if clip not in driven:
                    with _attempt(clip, sink):
                        made = decode(decoders, on_disk(context, second_file(clip.id)))
                        _keep(context, clip, made[0], made[1].numpy(), made[2], sink)
    if driven:
        with opened(("picture decoder", generator.parts.files), generator.video_decoder) as decoder:
            for clip in driven:
                with _attempt(clip, sink):
                    frames = decode_frames(decoder, on_disk(context, second_file(clip.id)))
                    _keep(context, clip, frames, *_given(context, clip), sink)


@contextmanager
def _attempt(clip: Clip, sink: Sink) -> Iterator[None]:
    try:
        yield
    except (DubkitError, ValueError) as error:
        sink.fail(clip.id, failure(clip.id, error))


def _given(context: Context, clip: Clip) -> tuple[NDArray[np.float32], int]:
    """Return the sound (C, N) that a clip was made for, and its rate in Hz: it needs no decoder."""
    import soundfile as sf  # type: ignore[import-untyped]

    samples, rate = sf.read(on_disk(context, given_wav(clip.id)), dtype="float32", always_2d=True)
    return samples.T, rate


def _keep(
    context: Context, clip: Clip, frames: Iterator[Tensor], sound: NDArray[np.float32], rate: int, sink: Sink
) -> None:
    """Keep a clip's frames and sound (C, N) as a take."""
    from dubkit.engines.justdubit import ENGINE

    with sink.take(clip.id) as take:
        pictures = (piece.numpy() for piece in kept_frames(clip, frames))
        count = write_clip(pictures, sound, rate, take.folder)
        name, seed = recipe(context).name, clip_seed(context, clip)
        take.value = DubbedClip(clip.id, ENGINE, name, seed, count, rate, sound.shape[1])


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
    apart=one_by_one,
    memory=codec_memory,
    pace=0.06,
    weight=120.0,
    estimate=_needs,
    work=work,
    needs=("refine",),
    takes=True,
)
