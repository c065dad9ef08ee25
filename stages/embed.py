"""Encode every clip's prompt with the text encoder."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT, TEXT
from dubkit.episode.context import Context
from stages.shared.artifacts import NEGATIVE, text_file
from stages.shared.generator import (
    generator_devices,
    generator_dubs_picture,
    generator_runs,
    identities,
    open_generator,
    own_settings,
    recipe,
)
from stages.shared.takes import chosen_clip


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
    generator = open_generator(context, generator_devices(context)[0])
    with generator.text_encoder() as encoder:
        for item in items:
            with sink.attempt(item.id):
                with sink.write(text_file(item.id)) as temporary:
                    embed(encoder, texts[item.id], temporary)
                sink.done(item.id, files=[text_file(item.id)])


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
