"""Encode every clip's prompt with the text encoder."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT, TEXT
from dubkit.episode.context import Context
from dubkit.errors import GeneratorError
from stages.shared.artifacts import NEGATIVE, text_file
from stages.shared.generator import (
    generator_devices,
    generator_dubs_picture,
    generator_runs,
    identities,
    open_generator,
    own_settings,
    own_table,
    recipe,
)
from stages.shared.takes import chosen_clip

if TYPE_CHECKING:
    from dubkit.engines.justdubit.opening import DeviceGenerator


def prompts_of_clips(context: Context) -> dict[str, str]:
    """Return item -> prompt: of every clip, and the negative one where the recipe has it."""
    if not generator_dubs_picture(context) or not context.clips.clips:
        return {}
    texts = {clip.id: clip.prompt for clip in context.clips.clips}
    if recipe(context).negative_prompt:
        from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT

        texts[NEGATIVE] = context.settings.dub.negative_prompt or NEGATIVE_PROMPT
    return texts


def items(context: Context) -> Sequence[Item]:
    models = identities(context, CHECKPOINT, TEXT)
    texts = prompts_of_clips(context)
    chosen = {clip.id for clip in context.clips.clips if chosen_clip(context, clip)} if texts else set()
    return [
        Item(
            name,
            inputs={"prompt": context.digest(prompt)},
            models=models,
            settings=own_settings(context, "text_encoder"),
            held=() if name in chosen else None,
        )
        for name, prompt in texts.items()
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines.justdubit.steps import embed

    texts = prompts_of_clips(context)
    devices = generator_devices(context)
    generator = open_generator(context, devices[0])
    workers = _workers(context, len(items), devices, generator)
    if len(workers) > 1:
        return _with_workers(context, items, workers, generator, sink)
    with generator.text_encoder() as encoder:
        for item in items:
            with sink.attempt(item.id):
                with sink.write(text_file(item.id)) as temporary:
                    embed(encoder, texts[item.id], temporary)
                sink.done(item.id, files=[text_file(item.id)])


def _workers(
    context: Context, prompts: int, devices: Sequence[str], generator: DeviceGenerator
) -> tuple[str, ...]:
    """Return a device for each process that reads prompts; one where this process does it by itself."""
    wanted = own_table(context).text_workers
    if wanted == 1 or multiprocessing.current_process().daemon:
        return ("",)  # a worker of an executor has no processes of its own
    from dubkit.engines.justdubit.text_workers import worker_devices
    from dubkit.memory import free_memory

    return worker_devices(wanted, prompts, devices, generator.parts.text_bytes, free_memory())


def _with_workers(
    context: Context,
    items: Sequence[Item],
    devices: tuple[str, ...],
    generator: DeviceGenerator,
    sink: Sink,
) -> None:
    """Encode the prompts in several processes."""
    import torch

    from dubkit.engines.justdubit.text_workers import TextWork, encode_with_workers

    texts = prompts_of_clips(context)
    sink.say(f"{len(devices)} processes read prompts; one reads the files for all.")
    with context.store.scratch() as folder:
        prompts = tuple(texts[item.id] for item in items)
        files, options = generator.parts.files, generator.options
        work = TextWork(files, options, devices, prompts, folder, torch.get_num_threads())
        for place, error in encode_with_workers(work):
            name = items[place].id
            if error:
                sink.fail(name, GeneratorError(error))
                continue
            with sink.write(text_file(name)) as temporary:
                shutil.copyfile(folder / str(place), temporary)
            sink.done(name, files=[text_file(name)])


STAGE = Stage(
    name="embed",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Reading prompts",
    done="prompts read",
    belongs=generator_runs,
    card=True,
    pace=1.0,
    weight=20.0,
    needs=("clips",),
    work=lambda _context, items: float(len(items)),
)
