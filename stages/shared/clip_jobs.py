"""The transformer's work on clips, which `denoise` and `refine` share: what it reads, and doing it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Sink
from dubkit.episode.context import Context
from dubkit.errors import GeneratorError
from dubkit.types import Clip, remark
from stages.shared.artifacts import (
    NEGATIVE,
    chain_of,
    clips_by_id,
    digest_of,
    encoded_file,
    given_file,
    on_disk,
    text_file,
)
from stages.shared.dubbed_lines import is_driven
from stages.shared.generator import (
    clip_seed,
    failure,
    generator_devices,
    generator_dubs_picture,
    open_generator,
    own_seed,
    own_settings,
    recipe,
)

if TYPE_CHECKING:
    from dubkit.engines.justdubit.attempts import ClipAttempt
    from dubkit.engines.justdubit.opening import StageName
    from dubkit.engines.justdubit.steps import ClipJob

FIRST_SETTINGS = (
    "dub.seed",
    "dub.recipe",
    "dub.steps",
    "dub.guidance",
    "dub.lora_strength",
    "dub.reference_strength",
    "dub.float8",
)
"""What changes a clip of the first stage, and so that of the second."""

DISTILLED_STRENGTH = "dub.distilled_strength"
"""What else changes a clip of a stage that the distilled LoRA takes part in."""

DRIVE_SETTINGS = ("dub.drive", "dub.drive_reference")
"""What else changes a clip that is made for given speech."""


def ready_clips(context: Context) -> list[Clip]:
    """Return the clips whose prompt, picture and sound are encoded."""
    if not generator_dubs_picture(context):
        return []
    return [
        clip
        for clip in context.clips.clips
        if digest_of(context, "embed", clip.id, text_file(clip.id))
        and digest_of(context, "encode", clip.window, encoded_file(clip.window), shared=True)
        and (not is_driven(context, clip) or _given_digest(context, clip))
    ]


def _given_digest(context: Context, clip: Clip) -> str:
    return digest_of(context, "given", clip.id, given_file(clip.id))


def due_clips(context: Context, due: frozenset[str]) -> list[Clip]:
    """Return the planned clips that are due (an empty set: all); none while clips are not planned."""
    return [clip for clip in context.planned_clips if clip.id in due or not due]


def clip_settings(context: Context, clip: Clip, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the settings that change a clip: a clip with its own seed ignores `dub.seed`."""
    names = (*names, *own_settings(context, "transformer"))
    names = (*names, *DRIVE_SETTINGS) if is_driven(context, clip) else names
    return names if own_seed(context, clip) is None else tuple(n for n in names if n != "dub.seed")


def seed_edit(context: Context, clip: Clip) -> dict[str, int]:
    """Return a clip's own seed as an edit; empty when it has none."""
    own = own_seed(context, clip)
    return {} if own is None else {"seed": own}


def clip_inputs(context: Context, clip: Clip) -> dict[str, str]:
    """Return what a clip's generation reads, and that of every clip it takes latents over from."""
    inputs = _own_inputs(context, clip)
    for before in chain_of(clip, clips_by_id(context))[:-1]:
        read = _own_inputs(context, before) | seed_edit(context, before)
        inputs[f"follows/{before.id}"] = context.digest(read)
    return inputs


def _own_inputs(context: Context, clip: Clip) -> dict[str, str]:
    """Return what a clip's generation reads, without the clips that it follows."""
    window = clip.window
    inputs = {
        f"embed/{clip.id}": digest_of(context, "embed", clip.id, text_file(clip.id)),
        f"encode/{window}": digest_of(context, "encode", window, encoded_file(window), shared=True),
        "start": context.digest(clip.start_frame),
    }
    if is_driven(context, clip):
        inputs[f"given/{clip.id}"] = _given_digest(context, clip)
    if recipe(context).guidance != 1.0:
        inputs |= negative_input(context)
    return inputs


def negative_input(context: Context) -> dict[str, str]:
    """Return the encoded negative prompt as an input."""
    return {"embed/negative": digest_of(context, "embed", NEGATIVE, text_file(NEGATIVE))}


def clip_jobs(
    context: Context, due: Collection[str], folder: Path, place: Callable[[str], str]
) -> list[ClipJob]:
    """Return the work on some clips, in order of time.

    Results go into `folder`; those of earlier runs lie where `place` says.
    """
    from dubkit.engines.justdubit.steps import ClipFiles, ClipJob

    video, clips = context.picture, clips_by_id(context)
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
            on_disk(context, given_file(clip.id)) if is_driven(context, clip) else None,
        )
        jobs.append(ClipJob(clip, files, video.rate, clip_seed(context, clip), folder / clip.id))
    return jobs


def generate_clips(
    context: Context, stage: StageName, jobs: Sequence[ClipJob], place: Callable[[str], str], sink: Sink
) -> None:
    """Do the work, and keep every clip's latents as soon as they are there."""
    for job, attempt in _attempts(context, stage, jobs, sink):
        name = job.clip.id
        if attempt.error is not None:
            sink.fail(name, failure(name, attempt.error))
            continue
        with sink.write(place(name)) as temporary:
            shutil.copyfile(job.out, temporary)
        value = {"memory": attempt.note} if attempt.note else None
        said = f"{name} was made with less memory: {attempt.note}."
        remarks = [remark("memory-fall-back", said, name)] if attempt.note else []
        sink.done(name, files=[place(name)], value=value, remarks=remarks)


def _attempts(
    context: Context, stage: StageName, jobs: Sequence[ClipJob], sink: Sink
) -> Iterator[tuple[ClipJob, ClipAttempt]]:
    """Do the transformer's work of a stage on every clip.

    Raises GeneratorError when the files do not work.
    """
    from dubkit.engines.justdubit.attempts import StageWork, token_count
    from dubkit.engines.kept import KEPT

    generator = open_generator(context, "cpu")
    # A worker keeps the transformer open for clips that it does not know yet.
    clips = context.clips.clips if KEPT.on else [job.clip for job in jobs]
    work = StageWork(
        generator.parts.files, generator.options, stage, max(token_count(clip, stage) for clip in clips)
    )
    by_clip = {job.clip.id: job for job in jobs}
    device = generator_devices(context)[0]
    try:
        for attempt in work.over(device, jobs, lambda _, step, of: sink.advance(step / of)):
            yield by_clip[attempt.clip], attempt
    except ValueError as error:
        raise GeneratorError(str(error)) from error


def chains(context: Context, items: Sequence[Item]) -> list[list[Item]]:
    """Put items of clips that follow each other together: the later one needs the earlier one's latents."""
    clips, groups = clips_by_id(context), list[list[Item]]()
    for item in items:
        before = clips[item.id].follows
        group = next((group for group in groups if group[-1].id == before), None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    return groups
