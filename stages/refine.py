"""Refine every clip's picture at twice the size; the sound takes part and does not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT, DISTILLED_LORA, DUBBING_LORA, UPSCALER
from dubkit.engines.kept import opened
from dubkit.episode.context import Context
from dubkit.types import Clip
from stages.shared.artifacts import (
    chain_of,
    clips_by_id,
    clips_of_items,
    digest_of,
    first_file,
    on_disk,
    second_file,
)
from stages.shared.clip_jobs import (
    DISTILLED_STRENGTH,
    FIRST_SETTINGS,
    chains,
    clip_inputs,
    clip_jobs,
    clip_settings,
    due_clips,
    generate_clips,
    negative_input,
    ready_clips,
    seed_edit,
)
from stages.shared.generator import (
    generator_devices,
    generator_memory,
    generator_runs,
    identities,
    open_generator,
    operations,
    own_settings,
    recipe,
)
from stages.shared.takes import chosen_clip

if TYPE_CHECKING:
    from dubkit.engines.justdubit.steps import ClipJob

REFINING = (
    "refine",
    "refine_noise",
    "refine_steps",
    "refine_guidance",
    "refine_offset",
    "upsampler",
)
"""The generator's own settings that change this stage alone. `refine_crf` changes what it sees: `encode`."""


def _first(context: Context, clip: Clip) -> str:
    return digest_of(context, "denoise", clip.id, first_file(clip.id))


def items(context: Context) -> Sequence[Item]:
    clips = [clip for clip in ready_clips(context) if _first(context, clip)]
    models = identities(context, CHECKPOINT, DUBBING_LORA, DISTILLED_LORA, UPSCALER) if clips else {}
    every = clips_by_id(context) if clips else {}
    guided = bool(clips) and recipe(context).guides_second
    depends = (*STAGE.depends, *own_settings(context, *REFINING)) if clips else ()
    return [
        Item(
            clip.id,
            inputs={
                **clip_inputs(context, clip),
                **(negative_input(context) if guided else {}),
                **{f"denoise/{c.id}": _first(context, c) for c in chain_of(clip, every)},
            },
            edits=seed_edit(context, clip),
            models=models,
            settings=clip_settings(context, clip, depends),
            held=("start",) if chosen_clip(context, clip) else None,
        )
        for clip in clips
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines.justdubit.steps import enlarge

    with context.store.scratch() as folder:
        jobs = []
        generator = open_generator(context, generator_devices(context)[0])
        with opened(("upscaler", generator.parts.files), generator.upscaling) as upscaling:
            for job in clip_jobs(context, {item.id for item in items}, folder, second_file):
                first = on_disk(context, first_file(job.clip.id))
                enlarged = folder / f"{job.clip.id}.enlarged"
                enlarge(upscaling, first, enlarged)
                jobs.append(replace(job, halfway=(first, enlarged)))
        if recipe(context).refine:
            generate_clips(context, "second", jobs, second_file, sink)
        else:
            _keep_enlarged(jobs, sink)


def _keep_enlarged(jobs: Sequence[ClipJob], sink: Sink) -> None:
    """Keep every clip as the upscaler enlarged it."""
    from dubkit.engines.justdubit.steps import join_enlarged

    for job in jobs:
        assert job.halfway is not None
        with sink.attempt(job.clip.id):
            with sink.write(second_file(job.clip.id)) as temporary:
                join_enlarged(*job.halfway, temporary)
            sink.done(job.clip.id, files=[second_file(job.clip.id)])


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the TFLOP of some clips."""
    return operations(context, clips_of_items(context, items), "second")


def _needs(context: Context, due: frozenset[str], _share: float) -> Needs:
    return Needs(tflop=operations(context, due_clips(context, due), "second"))


STAGE = Stage(
    name="refine",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Refining clips",
    done="refined",
    unit="clip",
    belongs=generator_runs,
    card=True,
    apart=chains,
    memory=generator_memory,
    pace=0.004,
    weight=400.0,
    estimate=_needs,
    needs=("denoise",),
    work=work,
    depends=(*FIRST_SETTINGS, DISTILLED_STRENGTH),
)
