"""`dubkit ltx`: a film from words, stills, clips and sounds, with LTX-2."""

from __future__ import annotations

from dataclasses import replace
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
from dubkit.generation.order import FRAMES, OVERLAP, RATE
from dubkit.generation.pipelines import PIPELINES

if TYPE_CHECKING:
    from dubkit.generation import Film, FilmFiles, FilmOrder, FilmPlan

WAYS = ["auto", *PIPELINES]


@click.command(name="ltx")
@flag("prompt", required=True, help="What the film shows and lets hear, in a paragraph.")
@flag("negative_prompt", help="What to avoid.  [the setting dub.negative_prompt, else the usual words]")
@flag("enhance", is_flag=True, help="Let Gemma write the prompt out first; both are shown.")
@flag(
    "pipeline",
    type=click.Choice(WAYS),
    default="auto",
    show_default=True,
    help="How it is made; auto chooses by what you give, and says why.",
)
@flag(
    "image",
    type=(FILE, click.IntRange(min=0), click.FloatRange(0, 1)),
    multiple=True,
    metavar="PATH FRAME STRENGTH",
    help="A still, the frame that shows it (0 is the first), and how strongly it is kept (1.0). Repeatable.",
)
@flag(
    "video_conditioning",
    type=(FILE, click.FloatRange(0, 1)),
    metavar="PATH STRENGTH",
    help="A reference clip that the IC-LoRA of --lora follows, and how strongly (1.0).",
)
@flag("extend", type=FILE, metavar="CLIP", help="Go on from a clip: the film is the clip and what follows.")
@flag(
    "retake",
    type=(FILE, click.FloatRange(min=0), click.FloatRange(min=0)),
    metavar="CLIP START END",
    help="Make these seconds of a clip again; the rest of it stays.",
)
@flag(
    "retake_only",
    type=click.Choice(["picture", "sound"]),
    help="With --retake: make only this again.  [both]",
)
@flag(
    "audio", type=FILE, metavar="FILE", help="The film's sound, which stays as it is; the picture follows it."
)
@flag(
    "audio_start",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Where in --audio the film begins.",
)
@flag(
    "height",
    type=click.IntRange(min=1),
    help="Rows of the film, a multiple of 64 (32 with one stage).  [like what you give, else 1024]",
)
@flag(
    "width",
    type=click.IntRange(min=1),
    help="Columns, a multiple of 64 (32 with one stage).  [like what you give, else 1536]",
)
@flag(
    "num_frames",
    type=click.IntRange(min=1),
    help=f"Frames, 8n+1; any number when it is made in several windows. With --extend, how many follow "
    f"the clip.  [as the reference or the sound, else {FRAMES}]",
)
@flag(
    "frame_rate",
    metavar="RATE",
    help=f"Frames per second: 24, 23.976, 24000/1001.  [the clip's, else {RATE}]",
)
@flag(
    "temporal_x2", is_flag=True, help="Double frames and rate with the temporal upsampler: 2n-1 frames for n."
)
@flag(
    "window",
    type=click.IntRange(min=1),
    metavar="FRAMES",
    help="Most frames made at once, 8n+1; longer films are chained.  [20 seconds]",
)
@flag(
    "overlap",
    type=click.IntRange(min=1),
    metavar="FRAMES",
    default=OVERLAP,
    show_default=True,
    help="Frames, 8n+1, that each window takes over from the one before.",
)
@flag("num_inference_steps", type=click.IntRange(min=1), help="Steps of the first stage.  [40, distilled 8]")
@flag("cfg_guidance_scale", type=float, help="Guidance against the negative prompt; 1 is none.  [3.0]")
@flag("seed", type=SEEDS, default=42, show_default=True, help="Seed of the noise.")
@flag("lora", type=FILE, multiple=True, help="A LoRA for both stages, such as an IC-LoRA. Repeatable.")
@flag(
    "lora_strength",
    type=float,
    multiple=True,
    help="Strength of each --lora, in their order; 1.0 where none is left. Repeatable.",
)
@flag("checkpoint_path", type=FILE, help="LTX-2 checkpoint, full or distilled.  [the fetched one]")
@flag("gemma_root", type=FILE, help="Folder of Gemma 3 12B, which reads the prompt.  [the fetched one]")
@flag("distilled_lora_path", type=FILE, help="Distilled LoRA of the second stage.  [the fetched one]")
@flag("distilled_lora_strength", type=float, default=1.0, show_default=True, help="Its strength.")
@flag("spatial_upsampler_path", type=FILE, help="Latent upsampler between the stages.  [the fetched one]")
@flag("temporal_upsampler_path", type=FILE, help="Doubles the frames, for --temporal_x2.  [the fetched one]")
@flag("enable_fp8", is_flag=True, help="Round the transformer to float8: half the memory.")
@flag(
    "device",
    type=click.Choice(["auto", "cuda", "mps", "cpu"]),
    default="auto",
    show_default=True,
    help="Where it runs.",
)
@flag("output_path", type=FILE, required=True, help="The mp4 to write: H.264 and AAC.")
@flag("quiet", is_flag=True, help="Show no progress.")
def command(**flags: Any) -> None:
    """Make a film from words, stills, clips and sounds.

    \b
    dubkit ltx --prompt "A harbour at dawn, gulls cry." --output_path harbour.mp4
    dubkit ltx --prompt "..." --image first.png 0 1.0 --image last.png 120 1.0 --output_path film.mp4
    dubkit ltx --prompt "..." --retake film.mp4 1.5 3.0 --output_path better.mp4

    Options are spelled with _ or -. Model files that you do not name are those of `dubkit models`.

    What you give decides how the film is made, unless you choose a --pipeline: a time range is retaken, a
    sound is followed, two or more stills at different frames are key frames, a reference clip is followed
    with its IC-LoRA, a film too long for one window is chained, and anything else has two stages.

    Ctrl-C keeps nothing. Exit codes: 0 done, 1 error, 2 wrong usage, 130 stopped.
    """
    with stopped_plainly():
        _make(flags)


def _make(flags: dict[str, Any]) -> None:
    _check_usage(flags)
    loras, rate = pair_loras(flags["lora"], flags["lora_strength"]), read_rate(flags["frame_rate"])
    from dubkit.generation import FilmParts, LoRA, generate, plan_film, write_film

    order = _order(flags, negative_prompt_of(flags["negative_prompt"]))
    order = replace(order, rate=rate, loras=tuple(LoRA(*lora) for lora in loras))
    with generator_log(flags["quiet"]):
        parts = FilmParts(
            _files(flags),
            None if flags["device"] == "auto" else flags["device"],
            float8=flags["enable_fp8"],
            tell=lambda remark: click.echo(remark.sentence, err=True),
        )
        parts.enhancing = show_enhanced if flags["enhance"] else None
        plan = plan_film(order, parts)
        click.echo(_planned(plan), err=True)
        film = generate(plan, parts, progress=None if flags["quiet"] else Steps())
        write_film(film, flags["output_path"])
    click.echo(_made(film, flags["output_path"]))


def _check_usage(flags: dict[str, Any]) -> None:
    """Refuse options that exclude each other, and an unusable --output_path, before hours of work."""
    out = flags["output_path"]
    if flags["extend"] and flags["retake"]:
        raise click.UsageError("--extend goes on from a clip and --retake changes one; give one of them.")
    for name, need in (("retake_only", "retake"), ("audio_start", "audio")):
        if flags[name] and not flags[need]:
            raise click.UsageError(f"--{name} says something about --{need}, and no --{need} is given.")
    if out.is_dir():
        raise click.UsageError(f"--output_path {out} is a folder; name a file in it.")
    given = [flags["extend"], flags["audio"], *(image[0] for image in flags["image"])]
    given += [pair[0] for pair in (flags["retake"], flags["video_conditioning"]) if pair]
    if out.exists() and any(path.exists() and out.samefile(path) for path in given if path):
        raise click.UsageError(f"--output_path {out} is a file that the film is made of; name another one.")


def _order(flags: dict[str, Any], negative_prompt: str) -> FilmOrder:
    from dubkit.generation import FilmOrder, FilmStill, TimeRange

    reference, retake = flags["video_conditioning"], flags["retake"]
    part = None
    if retake:
        only = flags["retake_only"]
        part = TimeRange(retake[1], retake[2], picture=only != "sound", sound=only != "picture")
    return FilmOrder(
        prompt=flags["prompt"],
        negative_prompt=negative_prompt,
        seed=flags["seed"],
        height=flags["height"],
        width=flags["width"],
        frames=flags["num_frames"],
        stills=tuple(FilmStill(*image) for image in flags["image"]),
        reference=reference[0] if reference else None,
        reference_strength=reference[1] if reference else 1.0,
        source=retake[0] if retake else flags["extend"],
        retake=part,
        audio=flags["audio"],
        audio_start=flags["audio_start"],
        pipeline=flags["pipeline"],
        steps=flags["num_inference_steps"],
        guidance=flags["cfg_guidance_scale"],
        double_rate=flags["temporal_x2"],
        window=flags["window"],
        overlap=flags["overlap"],
    )


def _files(flags: dict[str, Any]) -> FilmFiles:
    """Return the model files: those given, else those of the model store."""
    from dubkit.cli.options import load
    from dubkit.generation import LoRA, film_files
    from dubkit.studio import open_models

    store = open_models(load({}).settings)
    files = film_files(
        store, flags["pipeline"], checkpoint=flags["checkpoint_path"], gemma=flags["gemma_root"]
    )
    path = flags["distilled_lora_path"] or (files.distilled_lora and files.distilled_lora.path)
    return replace(
        files,
        upsampler=flags["spatial_upsampler_path"] or files.upsampler,
        temporal=flags["temporal_upsampler_path"] or files.temporal,
        distilled_lora=LoRA(path, flags["distilled_lora_strength"]) if path else None,
    )


def _planned(plan: FilmPlan) -> str:
    """Say how a film is made, and why."""
    pieces = f", in {len(plan.windows)} windows" if len(plan.windows) > 1 else ""
    return f"Pipeline {plan.pipeline.name}{pieces}: {plan.why}"


def _made(film: Film, out: Path) -> str:
    seconds = film.sound.shape[1] / film.sample_rate
    size = f"{film.width}x{film.height}"
    told = f"{out}: {film.frames} frames of {size} at {film.rate} per second, {seconds:.2f} s of sound"
    if film.remade is None:
        return told
    first, after = film.remade
    return f"{told}; frames {first} to {after - 1} are new"
