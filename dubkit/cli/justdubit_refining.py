"""Options of `dubkit justdubit` about the second stage and number types, and what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.generating import flag
from dubkit.cli.options import F

if TYPE_CHECKING:
    from dubkit.dubbing.diffusion.precision import Precision
    from dubkit.dubbing.diffusion.refining import RefineOverride, RefinePreset

OVERRIDES = ("refine_steps", "refine_guidance", "refine_crf", "refine_offset")


def refine_options(command: F) -> F:
    """Add the options, in the order of `--help`."""
    options = (
        flag("no_refine", is_flag=True, help="Leave the second stage out: the result is only enlarged."),
        flag("no_refine_noise", is_flag=True, help="Refine the enlarged clip without mixing noise into it."),
        flag("refine_steps", type=click.Choice(["2", "3"]), help="Steps of refining.  [the recipe's]"),
        flag(
            "refine_guidance",
            type=float,
            help="Guidance of refining, 1 to 100; 1 is none, more takes twice as long.  [1.0]",
        ),
        flag(
            "refine_crf",
            type=int,
            metavar="CRF",
            help="H.264 quality of the stills that refining sees, 0 to 51; 0 leaves them as they are.  [29]",
        ),
        flag(
            "refine_offset",
            type=float,
            metavar="SECONDS",
            help="How long after the sound the picture begins for refining.  [as the state says]",
        ),
        flag(
            "precision",
            multiple=True,
            metavar="PART=TYPE",
            help="Number type of a part. Parts: transformer, text_encoder, video, audio, vocoder, upsampler. "
            "Types: bfloat16, float32, for the transformer also float8. Repeatable.  "
            "[bfloat16 on CUDA, else float32]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def refine_preset(flags: dict[str, Any]) -> RefinePreset:
    """Return how the second stage is set up."""
    from dubkit.dubbing.diffusion.refining import RefinePreset

    return RefinePreset(False if flags["no_refine"] else None, False if flags["no_refine_noise"] else None)


def refine_override(flags: dict[str, Any]) -> RefineOverride:
    """Return how the clip is refined. Raises UsageError for values that are not possible."""
    from dubkit.dubbing.diffusion.refining import RefineOverride

    named = [name for name in OVERRIDES if flags[name] is not None]
    if named and flags["no_refine"]:
        raise click.UsageError(f"--no_refine leaves the second stage out, and --{named[0]} changes it.")
    steps = flags["refine_steps"]
    try:
        return RefineOverride(None if steps is None else int(steps), *(flags[name] for name in OVERRIDES[1:]))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def number_types(entries: tuple[str, ...]) -> Precision:
    """Read PART=TYPE of each part. Raises UsageError for one that there is not."""
    from dubkit.dubbing.diffusion.precision import Precision

    for entry in entries:
        if "=" not in entry:
            raise click.UsageError(f"--precision {entry}: write PART=TYPE, such as vocoder=float32.")
    try:
        return Precision.named(dict(entry.split("=", 1) for entry in entries))
    except ValueError as error:
        raise click.UsageError(f"--precision: {error}") from error
