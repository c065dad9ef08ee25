"""Generate every clip at the first stage's size: the long, guided part of the work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT, DUBBING_LORA
from dubkit.episode.context import Context
from dubkit.types import Clip
from stages.shared.artifacts import (
    NEGATIVE,
    by_id,
    chain_of,
    chosen,
    digest_of,
    encoded_file,
    first_file,
    on_disk,
    second_file,
    text_file,
)
from stages.shared.generator import (
    clip_seed,
    generates,
    generator_runs,
    identities,
    keep_clips,
    operations,
    own_seed,
    recipe,
)
from stages.shared.takes import chosen_clip

if TYPE_CHECKING:
    from dubkit.engines.justdubit.steps import ClipJob

SETTINGS = (
    "dub.seed",
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
        "start": context.digest(clip.start_frame),
    }
    if recipe(context).negative_prompt:
        found["embed/negative"] = digest_of(context, "embed", NEGATIVE, text_file(NEGATIVE))
    return found


def settings_for(context: Context, clip: Clip, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the settings that change a clip: one with a seed of its own does not hear of the common one."""
    return names if own_seed(context, clip) is None else tuple(n for n in names if n != "dub.seed")


def seed_edit(context: Context, clip: Clip) -> dict[str, int]:
    own = own_seed(context, clip)
    return {} if own is None else {"seed": own}


def chained(context: Context, clip: Clip) -> dict[str, str]:
    """Return what a clip's generation reads, and that of every clip it takes latents over from."""
    clips = by_id(context)
    found = reads(context, clip)
    for before in chain_of(clip, clips)[:-1]:
        found[f"follows/{before.id}"] = context.digest(reads(context, before) | seed_edit(context, before))
    return found


def items(context: Context) -> Sequence[Item]:
    found = ready(context)
    models = identities(context, CHECKPOINT, DUBBING_LORA) if found else {}
    return [
        Item(
            clip.id,
            inputs=chained(context, clip),
            edits=seed_edit(context, clip),
            models=models,
            settings=settings_for(context, clip, SETTINGS),
            held=("start",) if chosen_clip(context, clip) else None,
        )
        for clip in found
    ]


def jobs_for(context: Context, due: Collection[str], folder: Path, stage: str) -> list[ClipJob]:
    """Return the work on some clips, in order of time; results go into `folder`."""
    from dubkit.engines.justdubit.steps import ClipFiles, ClipJob

    video = context.picture
    clips, place = by_id(context), first_file if stage == "denoise" else second_file
    negative = on_disk(context, text_file(NEGATIVE)) if recipe(context).negative_prompt else None
    jobs = []
    for clip in context.clips.clips:
        if clip.id not in due:
            continue
        previous = None
        if clip.follows:
            # Clips made in this run are still in the scratch folder.
            before = folder / clip.follows if clip.follows in due else on_disk(context, place(clip.follows))
            previous = clips[clip.follows], before
        files = ClipFiles(
            on_disk(context, text_file(clip.id)),
            negative,
            on_disk(context, encoded_file(clip.window), shared=True),
            previous,
        )
        jobs.append(ClipJob(clip, files, video.rate, clip_seed(context, clip), folder / clip.id))
    return jobs


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    with context.store.scratch() as folder:
        jobs = jobs_for(context, {item.id for item in items}, folder, "denoise")
        keep_clips(context, "first", jobs, first_file, sink)


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the TFLOP of some clips."""
    return operations(context, chosen(context, items), "first")


def due_clips(context: Context, due: frozenset[str]) -> list[Clip]:
    """Return the planned clips that are due (an empty set: all); none while clips are not planned."""
    return [clip for clip in context.planned_clips if clip.id in due or not due]


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
    pace=0.004,
    weight=1200.0,
    estimate=_needs,
    needs=("embed", "encode"),
    work=work,
    depends=SETTINGS,
)
