"""Generate every clip at the first stage's size: the long, guided part of the work."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT, DISTILLED_LORA, DUBBING_LORA
from dubkit.episode.context import Context
from stages.shared.artifacts import clips_of_items, first_file
from stages.shared.clip_jobs import (
    DISTILLED_STRENGTH,
    FIRST_SETTINGS,
    chains,
    clip_inputs,
    clip_jobs,
    clip_settings,
    due_clips,
    generate_clips,
    ready_clips,
    seed_edit,
)
from stages.shared.generator import generator_memory, generator_runs, identities, operations, recipe
from stages.shared.takes import chosen_clip


def items(context: Context) -> Sequence[Item]:
    clips = ready_clips(context)
    distilled = bool(clips) and DISTILLED_LORA in dict(recipe(context).first_loras)
    roles = (CHECKPOINT, DUBBING_LORA, *((DISTILLED_LORA,) if distilled else ()))
    models = identities(context, *roles) if clips else {}
    # Where the recipe uses the distilled LoRA in this stage, the LoRA and its strength change the clip.
    depends = (*FIRST_SETTINGS, *((DISTILLED_STRENGTH,) if distilled else ()))
    return [
        Item(
            clip.id,
            inputs=clip_inputs(context, clip),
            edits=seed_edit(context, clip),
            models=models,
            settings=clip_settings(context, clip, depends),
            held=("start",) if chosen_clip(context, clip) else None,
        )
        for clip in clips
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    with context.store.scratch() as folder:
        jobs = clip_jobs(context, {item.id for item in items}, folder, first_file)
        generate_clips(context, "first", jobs, first_file, sink)


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the TFLOP of some clips."""
    return operations(context, clips_of_items(context, items), "first")


def _needs(context: Context, due: frozenset[str], _share: float) -> Needs:
    clips = due_clips(context, due)
    frames = sum(clip.frames for clip in clips)
    return Needs(clips=len(clips), frames=frames, tflop=operations(context, clips, "first"))


STAGE = Stage(
    name="denoise",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Generating clips",
    done="generated",
    unit="clip",
    belongs=generator_runs,
    card=True,
    apart=chains,
    memory=generator_memory,
    pace=0.004,
    weight=1200.0,
    estimate=_needs,
    needs=("embed", "encode", "given"),
    work=work,
    depends=FIRST_SETTINGS,
)
