"""The embedded generator in a run: its recipe, seeds, files and devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Setup
from dubkit.dubbing.loras import ExtraLoRA, lora_identities, read_loras
from dubkit.engines.justdubit.record import (
    CHECKPOINT,
    DISTILLED_CHECKPOINT,
    DISTILLED_LORA,
    DUBBING_LORA,
    ENGINE,
    TEXT,
    UPSCALER,
    model_roles,
)
from dubkit.engines.justdubit.settings import PARTS, TABLE, JustDubit
from dubkit.episode.context import Context
from dubkit.errors import DubkitError, GeneratorError, SettingError
from dubkit.types import Clip, Fit
from stages.shared.dubbed_lines import is_driven
from stages.shared.engine import choose_engine
from stages.shared.host import part_settings

if TYPE_CHECKING:
    from dubkit.dubbing.diffusion.recipes import Recipe
    from dubkit.engines.justdubit.opening import DeviceGenerator, StageName
    from dubkit.ltx.lora import LoRA


def generator_runs(setup: Setup) -> bool:
    """Tell whether the embedded generator makes the takes, so that its stages take part."""
    return choose_engine(setup).engine is ENGINE


def generator_dubs_picture(context: Context) -> bool:
    """Tell whether the embedded generator makes clips in this run: it is chosen, and there is a picture."""
    return generator_runs(context) and context.episode.video is not None


def recipe(context: Context) -> Recipe:
    """Return the recipe with the values of the settings. Raises SettingError for values it cannot have."""
    from dubkit.dubbing.diffusion.recipes import RECIPES

    settings = context.settings.dub
    # 0 leaves the recipe's own value.
    values = {"steps": settings.steps, "guidance": settings.guidance}
    changes = {name: value for name, value in values.items() if value != 0}
    try:
        changed = RECIPES[settings.recipe].with_(**changes)
    except ValueError as error:
        raise SettingError("dub", changes, "does not fit: " + str(error).rstrip(".")) from error
    changed = changed.with_(
        reference_strength=settings.reference_strength,
        given=settings.drive,
        given_reference=settings.drive_reference,
    )
    return refined(changed, own_table(context))


def own_table(context: Context) -> JustDubit:
    """Return the generator's own settings."""
    return context.settings.table(TABLE, JustDubit)


def refined(recipe: Recipe, own: JustDubit) -> Recipe:
    """Return the recipe with what the generator's own settings change about refining."""
    from dubkit.dubbing.diffusion.refining import RefineOverride, RefinePreset

    override = RefineOverride(
        None if own.refine_steps == "auto" else int(own.refine_steps),
        None if own.refine_guidance == 1.0 else own.refine_guidance,
        None if own.refine_crf < 0 else own.refine_crf,
        own.refine_offset or None,
    )
    return override.applied(RefinePreset(own.refine, own.refine_noise).applied(recipe))


def own_settings(context: Context, *names: str) -> tuple[str, ...]:
    """Return those of some of the generator's own settings that are no defaults, as they enter keys."""
    changed = part_settings(context, JustDubit, TABLE)
    return tuple(name for name in changed if name.rpartition(".")[2] in names)


def own_seed(context: Context, clip: Clip) -> int | None:
    """Return the seed of a clip's own, which a new take sets; the first of its lines that has one decides.

    A line whose lips follow its speech has a seed for each of the two.
    """
    edits = [edit for line in clip.lines if (edit := context.placed.lines.get(line)) is not None]
    seeds = [edit.picture_seed if is_driven(context, clip) else edit.seed for edit in edits]
    return next((seed for seed in seeds if seed is not None), None)


def clip_seed(context: Context, clip: Clip) -> int:
    """Return the seed that a clip is generated with."""
    own = own_seed(context, clip)
    return context.settings.dub.seed if own is None else own


def identities(context: Context, *roles: str) -> dict[str, str]:
    """Return the models of some roles as they enter keys; further LoRAs go with the dubbing LoRA."""
    taken = _roles(context) if roles else ()
    models = {
        role: context.model(taken[0] if role == CHECKPOINT else role)
        for role in roles
        if role == CHECKPOINT or role in taken
    }
    named = {role: model.identity if model else "none" for role, model in models.items()}
    return named | (lora_identities(extra_loras(context)) if DUBBING_LORA in roles else {})


def _roles(context: Context) -> tuple[str, ...]:
    """Return the roles of the models that the recipe takes, the checkpoint's first."""
    return model_roles(context.settings.dub.recipe, context.models.find)


def extra_loras(context: Context) -> tuple[ExtraLoRA, ...]:
    """Return the LoRAs that the settings add to the dubbing LoRA. Raises SettingError."""
    return read_loras(context.settings.dub.loras, "dub.loras")


def open_generator(context: Context, device: str) -> DeviceGenerator:
    """Return the generator on a device; nothing is loaded yet."""
    from dubkit.dubbing.diffusion.parts import Files
    from dubkit.dubbing.diffusion.precision import Precision
    from dubkit.engines.justdubit.opening import DeviceGenerator, Options
    from dubkit.ltx.lora import LoRA

    settings, distilled = context.settings.dub, DISTILLED_CHECKPOINT in _roles(context)
    files = Files(
        _path(context, CHECKPOINT),
        _path(context, UPSCALER),
        _path(context, TEXT),
        (LoRA(_path(context, DUBBING_LORA), settings.lora_strength), *_extra(context)),
        None if distilled else LoRA(_path(context, DISTILLED_LORA), settings.distilled_strength),
        distilled or None,
    )
    own = own_table(context)
    precision = Precision(**{part: getattr(own, part) for part in PARTS})
    options = Options(recipe(context), settings.float8, settings.memory, precision)
    return DeviceGenerator(files, options, device)


def _extra(context: Context) -> Iterator[LoRA]:
    from dubkit.ltx.lora import LoRA

    return (LoRA(lora.path, lora.strength) for lora in extra_loras(context))


def _path(context: Context, role: str) -> Path:
    model = context.models.fetch(_roles(context)[0] if role == CHECKPOINT else role)
    return context.model_folder(model) if role == TEXT else context.model_path(model)


def generator_devices(context: Context) -> Sequence[str]:
    """Return the devices that generate."""
    from dubkit.engines.devices import generating_devices

    return generating_devices(context.settings.device, context.settings.dub.devices)


def one_by_one(_context: Context, items: Sequence[Item]) -> list[list[Item]]:
    """Put every item into a group of its own."""
    return [[item] for item in items]


def generator_memory(context: Context) -> int:
    """Return the bytes that a process which generates clips takes of the machine's memory."""
    return _size(context, CHECKPOINT) + _size(context, UPSCALER)


def codec_memory(context: Context) -> int:
    """Return the bytes that a process which encodes or decodes takes: codecs and frames."""
    return _size(context, CHECKPOINT) // 4 + (512 << 20)


def _size(context: Context, role: str) -> int:
    return _path(context, role).stat().st_size


def card_limit(context: Context, fit: Fit) -> int | None:
    """Return the longest clip in frames that the smallest card that generates is estimated to hold.

    None where no card generates. Raises GeneratorError for a card that holds none at this size.
    """
    from dubkit.dubbing.planning.sizes import max_frames_for

    cards = [device for device in generator_devices(context) if device.startswith("cuda")]
    if not cards:
        return None
    import torch

    sizes = {card: torch.cuda.get_device_properties(card).total_memory for card in cards}
    smallest = min(cards, key=lambda card: sizes[card])
    frames = max_frames_for(sizes[smallest], fit.width, fit.height)
    if not frames:
        size = f"{sizes[smallest] / 1e9:.0f} GB"
        raise GeneratorError(
            f"{smallest} has {size}, too little for clips of {fit.width}x{fit.height}.\n"
            "Set dub.size to a smaller size, or leave this card out of dub.devices."
        )
    return frames


def failure(clip: str, error: Exception) -> DubkitError:
    """Return the error that is recorded for a clip that could not be made."""
    if isinstance(error, DubkitError):
        return error
    return GeneratorError(f"Clip {clip}: {error}")


def operations(context: Context, clips: Sequence[Clip], stage: StageName) -> float:
    """Return the TFLOP of the transformer's work on some clips, by the closed form of a forward pass."""
    if not clips:
        return 0.0
    from dubkit.dubbing.diffusion.cost import clip_flops
    from dubkit.ltx.config import read_transformer
    from dubkit.ltx.metadata import parse_metadata
    from dubkit.models.weights.header import read_header

    path = _path(context, CHECKPOINT)
    config = read_transformer(parse_metadata(read_header(path).metadata, str(path)))
    chosen = recipe(context)
    video = context.picture
    steps, guidance = (
        (chosen.steps, chosen.guidance) if stage == "first" else (chosen.second_steps, chosen.second_guidance)
    )
    passes = steps * (2 if guidance != 1.0 else 1)
    return sum(passes * clip_flops(config, clip, video.rate, stage) for clip in clips) / 1e12


def megapixels(clips: Iterable[Clip]) -> float:
    """Return the pixels of some clips at the first stage's size, in millions."""
    return sum(clip.frames * clip.fit.width * clip.fit.height for clip in clips) / 1e6
