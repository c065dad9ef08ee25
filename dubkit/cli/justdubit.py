"""`dubkit justdubit`: one clip through the generator, with the flags of the original's command line."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.generating import (
    FILE,
    SEEDS,
    Steps,
    flag,
    generator_log,
    negative_prompt_of,
    pair_loras,
    read_rate,
    show_enhanced,
    stopped_plainly,
)
from dubkit.cli.justdubit_refining import (
    number_types,
    refine_options,
    refine_override,
    refine_preset,
)
from dubkit.cli.justdubit_states import STATE, check_state, continuation, save_state
from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT, RECIPES

if TYPE_CHECKING:
    from dubkit.dubbing.diffusion.recipes import Recipe
    from dubkit.models.store import ModelStore

PARTS = {
    "checkpoint_path": "checkpoint",
    "gemma_root": "text-encoder",
    "distilled_lora_path": "distilled-lora",
    "spatial_upsampler_path": "spatial-upscaler",
    "lora": "dubbing-lora",
}
"""File option -> role of the model that is used when it is left out."""


@click.command(name="justdubit")
@flag("checkpoint_path", type=FILE, help="LTX-2 checkpoint: ltx-2-19b-dev.safetensors.  [the fetched one]")
@flag("gemma_root", type=FILE, help="Folder of Gemma 3 12B, which reads the prompt.  [the fetched one]")
@flag("distilled_lora_path", type=FILE, help="Distilled LoRA of the second stage.  [the fetched one]")
@flag("distilled_lora_strength", type=float, default=1.0, show_default=True, help="Its strength.")
@flag("spatial_upsampler_path", type=FILE, help="Latent upsampler between the stages.  [the fetched one]")
@flag(
    "lora", type=FILE, multiple=True, help="JustDubit LoRA, then any others. Repeatable.  [the fetched one]"
)
@flag(
    "lora_strength",
    type=float,
    multiple=True,
    help="Strength of each --lora, in their order; 1.0 where none is left. Repeatable.",
)
@flag(
    "video_conditioning",
    type=(FILE, click.FloatRange(0, 1)),
    required=True,
    metavar="PATH STRENGTH",
    help="The clip to dub, with its sound, and how strongly it is kept (1.0).",
)
@flag(
    "audio",
    type=FILE,
    metavar="FILE",
    help="Speech that the lips follow, from the clip's first frame on, in place of a generated voice.",
)
@flag(
    "audio_recipe",
    type=click.Choice(["frozen", "following"]),
    help="How --audio drives the picture: clean in every step, or as noisy as the picture.  [frozen]",
)
@flag("no_audio_reference", is_flag=True, help="With --audio: do not let the source's voice be heard too.")
@flag("prompt", required=True, help='The young woman is speaking French, saying: "..."')
@flag(
    "negative_prompt",
    help=f"What to avoid.  [the setting dub.negative_prompt, else: {NEGATIVE_PROMPT}]",
)
@flag(
    "enhance",
    is_flag=True,
    help="Let Gemma write the prompt out first, with the clip's first frame before it; both are shown.",
)
@flag(
    "height",
    type=click.IntRange(min=1),
    help="Rows of the first stage, half of the result's.  [as the source]",
)
@flag("width", type=click.IntRange(min=1), help="Columns of the first stage.  [as the source]")
@flag("num_frames", type=click.IntRange(min=1), help="Accepted; the clip's own number of frames is used.")
@flag("frame_rate", metavar="RATE", help="Frames per second: 25, 23.976, 24000/1001.  [the source's]")
@flag("num_inference_steps", type=click.IntRange(min=1), help="Steps of the first stage.  [30]")
@flag("cfg_guidance_scale", type=float, help="Guidance against the negative prompt; 1 is none.  [3.0]")
@flag("seed", type=SEEDS, default=42, show_default=True, help="Seed of the noise.")
@flag("enable_fp8", is_flag=True, help="Round the transformer to float8: half the memory.")
@flag("output_path", type=FILE, required=True, help="The mp4 to write: H.264 and AAC.")
@flag(
    "recipe",
    type=click.Choice(list(RECIPES)),
    default="justdubit",
    show_default=True,
    help="distilled takes 8 steps without guidance, preview does so at half the size; dub-it needs the files "
    "of LTX-2.3, and takes final sizes.",
)
@flag(
    "device",
    type=click.Choice(["auto", "cuda", "mps", "cpu"]),
    default="auto",
    show_default=True,
    help="Where it runs.",
)
@refine_options
@flag(
    "continue_from",
    type=STATE,
    metavar="STATE",
    help="Continue a shot whose first part is dubbed, with the state that --save_state wrote.",
)
@flag(
    "save_state",
    type=STATE,
    metavar="STATE",
    help="Write the state that the next part of the shot starts with.",
)
@flag(
    "overlap",
    type=click.IntRange(min=1),
    metavar="FRAMES",
    default=17,
    show_default=True,
    help="Frames at the end of this clip that the next one repeats, 8k+1; with --save_state.",
)
@flag("quiet", is_flag=True, help="Show no progress.")
def command(**flags: Any) -> None:
    """Dub one clip: the same person with new speech and lips.

    It takes the options of the original JustDubit, spelled with _ or -. The result has twice the given height
    and width; length, frame rate and proportions are those of the source unless you give others. Model files
    that you do not name are those of `dubkit models`.

    A shot longer than about 20 s is dubbed in parts. Each clip starts --overlap frames before the end of the
    previous one and gets the state that was saved with it. Its result starts after the overlap, with the
    first frame that the previous result does not have, so the results in sequence have exactly the frames of
    the source. STATE is a file, whose large parts are in a folder beside it, or the address of a state on a
    service that machines share, http://HOST:8020/states/NAME (dubkit worker --states).

    Ctrl-C keeps nothing. Exit codes: 0 done, 1 error, 2 wrong usage, 130 stopped.
    """
    with stopped_plainly():
        _dub(flags)


def _dub(flags: dict[str, Any]) -> None:
    loras = pair_loras(flags["lora"], flags["lora_strength"])
    rate = read_rate(flags["frame_rate"])
    recipe = _given_recipe(RECIPES[flags["recipe"]], flags)
    override, precision = refine_override(flags), number_types(flags["precision"])
    from dubkit.dubbing.clip.media import probe_clip
    from dubkit.dubbing.clip.mp4 import encode_video
    from dubkit.dubbing.pipeline import JustDubitPipeline

    source = flags["video_conditioning"][0]
    _check_output(flags["output_path"], source)
    check_state(flags["save_state"], (flags["output_path"], source))
    episode = probe_clip(source)
    assert episode.video is not None
    if flags["save_state"]:
        _check_overlap(flags["overlap"], episode.video.frames)
    with generator_log(flags["quiet"]):
        named, distilled = _model_files(flags, recipe)
        pipeline = JustDubitPipeline(
            named["checkpoint_path"],
            named.get("distilled_lora_path"),
            flags["distilled_lora_strength"],
            named["spatial_upsampler_path"],
            named["gemma_root"],
            loras or [(named["lora"], 1.0)],
            device=None if flags["device"] == "auto" else flags["device"],
            fp8transformer=flags["enable_fp8"],
            refine=refine_preset(flags),
            precision=precision,
            distilled_weights=distilled,
        )
        pipeline.progress = None if flags["quiet"] else Steps()
        pipeline.tell = lambda remark: click.echo(remark.sentence, err=True)
        pipeline.enhancing = show_enhanced if flags["enhance"] else None
        video, audio = pipeline(
            flags["prompt"],
            negative_prompt_of(flags["negative_prompt"]),
            flags["seed"],
            height=flags["height"],
            width=flags["width"],
            frame_rate=rate,
            num_inference_steps=flags["num_inference_steps"],
            cfg_guidance_scale=flags["cfg_guidance_scale"],
            video_conditioning=[flags["video_conditioning"]],
            recipe=recipe,
            audio=flags["audio"],
            overlap=flags["overlap"],
            refine=override,
            **continuation(flags["continue_from"]),
        )
        fps, out = rate or episode.video.rate, flags["output_path"]
        frames = encode_video(video, fps, audio, video.sample_rate, out)
    if flags["num_frames"] not in (None, frames):
        click.echo(
            f"--num_frames {flags['num_frames']} is not used: the result has {frames} frames.", err=True
        )
    click.echo(f"{out}: {frames} frames at {fps} per second")
    if flags["save_state"]:
        save_state(flags["save_state"], video)
        click.echo(f"{flags['save_state']}: the next clip starts {flags['overlap']} frames before this end")


def _given_recipe(recipe: Recipe, flags: dict[str, Any]) -> Recipe:
    """Return the recipe with how a given sound takes part; its options need --audio."""
    for name in ("audio_recipe", "no_audio_reference"):
        if flags[name] and flags["audio"] is None:
            raise click.UsageError(f"--{name} says how --audio is used, and no --audio is given.")
    return recipe.with_(
        given=flags["audio_recipe"] or recipe.given, given_reference=not flags["no_audio_reference"]
    )


def _check_output(out: Path, source: Path) -> None:
    """Refuse an unusable --output_path before hours of work."""
    if out.is_dir():
        raise click.UsageError(f"--output_path {out} is a folder; name a file in it.")
    if out.exists() and source.exists() and out.samefile(source):
        raise click.UsageError(f"--output_path {out} is the clip itself; name another file.")


def _check_overlap(overlap: int, frames: int) -> None:
    """Refuse an overlap that the next clip could not start with, before hours of work."""
    from dubkit.ltx.latents import latent_frames

    try:
        latent_frames(overlap)
    except ValueError as error:
        raise click.UsageError(f"--overlap {overlap}: {error}") from error
    if overlap > frames:
        raise click.UsageError(f"--overlap {overlap}: the clip has {frames} frames.")


def _model_files(flags: dict[str, Any], recipe: Recipe) -> tuple[dict[str, Path], bool | None]:
    """Return the path of each model file: the given one, else that of the model store.

    The second value says whether the checkpoint is a distilled one; None where its name has to tell.
    """
    from dubkit.cli.options import load
    from dubkit.engines.justdubit.record import CHECKPOINT, DISTILLED_CHECKPOINT, DISTILLED_LORA, model_roles
    from dubkit.studio import open_models

    @cache
    def store() -> ModelStore:
        return open_models(load({}).settings)

    own = flags["checkpoint_path"]
    checkpoint = CHECKPOINT if own else model_roles(recipe.name, lambda role: store().find(role))[0]
    distilled = checkpoint == DISTILLED_CHECKPOINT or (own is not None and "distilled" in own.name)
    files = {}
    for name, role in PARTS.items():
        if flags[name]:
            files[name] = flags[name][0] if name == "lora" else flags[name]
        elif role != DISTILLED_LORA or (role in recipe.lora_roles and not distilled):
            files[name] = store().fetch(checkpoint if role == CHECKPOINT else role).path
    return files, True if checkpoint == DISTILLED_CHECKPOINT else None
