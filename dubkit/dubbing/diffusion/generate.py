"""Both stages of a clip: start from conditions and noise, go down the noise levels, keep the targets.

One generator serves both stages, and draws picture before sound in each: that order is part of what a seed
means, so the first stage hands over the generator's state.
Letters: C latent channels, F latent frames, H and W latent rows and columns, T sound latents, M mel bins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from dubkit.dubbing.diffusion import conditioning
from dubkit.dubbing.diffusion.clip_latents import Carry, Contexts, EncodedClip, FirstStage, SecondStage, View
from dubkit.dubbing.diffusion.guidance import Guidance
from dubkit.dubbing.diffusion.recipes import Recipe
from dubkit.dubbing.diffusion.sampler import Denoise, States, sample
from dubkit.dubbing.diffusion.state import TokenState, clean_prediction, noised, start_state
from dubkit.ltx import latents, upsampler
from dubkit.ltx.block import Block, Cross, Skip
from dubkit.ltx.modulation import Levels
from dubkit.ltx.statistics import ChannelStatistics
from dubkit.ltx.transformer import AVTransformer, Generation, Rotations, Text, Tokens

OnStep = Callable[[int, int], None]
"""Called after each step with the steps done and all steps. What it raises ends the run."""

SOUND_GAP = 0.04
"""Seconds between a reference sound that lies before the target, and time 0: one latent."""


class LoadedTransformer(Protocol):
    """A transformer with its LoRAs, and its blocks where they are streamed."""

    @property
    def network(self) -> AVTransformer: ...

    @property
    def blocks(self) -> Iterable[Block] | None: ...


@dataclass(frozen=True, slots=True)
class ClipInputs:
    """What both stages make a clip of, besides its prompt."""

    recipe: Recipe
    encoded: EncodedClip
    rate: Fraction
    """Frames per second."""
    carry: Carry | None = None
    """What the clip takes over from the one before, at the stage's size."""


class DiffusionStart(NamedTuple):
    """A stage before its first step."""

    states: States
    cross: Cross | None
    """Who sees whom between the streams; None where all see all."""
    sigmas: Tensor
    grid: conditioning.Grid
    frozen_sound: bool = False
    """Whether the sound takes part without changing."""
    given: Tensor | None = None
    """Tokens (1, T, C) that stand for the sound's prediction in every step, so that it walks towards them."""


class Plan(NamedTuple):
    """How a stage is sampled."""

    generation: Generation
    guidance: float
    on_step: OnStep | None


def first_stage(
    loaded: LoadedTransformer,
    clip: ClipInputs,
    positive: Contexts,
    negative: Contexts | None,
    seed: int,
    *,
    on_step: OnStep | None = None,
) -> FirstStage:
    """Generate picture and sound at the first stage's size, or the picture for a given sound.

    Raises:
        ValueError: guidance without a negative prompt, or latents that do not fit each other.
    """
    recipe = clip.recipe
    if recipe.guidance != 1.0 and negative is None:
        raise ValueError(f"Guidance of {recipe.guidance} needs a negative prompt's contexts.")
    generator = torch.Generator(place_of(loaded.network)[0]).manual_seed(seed)
    start = start_first(loaded.network, clip, generator)
    plan = Plan(recipe.generation, recipe.guidance, on_step)
    states = walk(loaded, start, positive, negative, plan)
    video, audio = finished(states, start.grid, clip.encoded.channels)
    return FirstStage(video, audio, generator.get_state())


def second_stage(
    loaded: LoadedTransformer,
    clip: ClipInputs,
    positive: Contexts,
    first: FirstStage,
    upsampled: Tensor,
    *,
    negative: Contexts | None = None,
    on_step: OnStep | None = None,
) -> SecondStage:
    """Refine the picture at twice the size; the sound takes part and stays as it is.

    Raises:
        ValueError: the first stage was drawn on another kind of device, latents do not fit, or guidance
            without a negative prompt.
    """
    guidance = clip.recipe.second_guidance
    if guidance != 1.0 and negative is None:
        raise ValueError(f"Guidance of {guidance} in the second stage needs a negative prompt's contexts.")
    generator = torch.Generator(place_of(loaded.network)[0])
    try:
        generator.set_state(first.generator.cpu())
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            "The first stage's random numbers come from another kind of device. Run it again on this one."
        ) from error
    start = start_second(loaded.network, clip, first, upsampled, generator)
    states = walk(loaded, start, positive, negative, Plan(clip.recipe.generation, guidance, on_step))
    video, _ = finished(states, start.grid, clip.encoded.channels)
    return SecondStage(video, first.audio)


def upsample(first: FirstStage, model: upsampler.LatentUpsampler, statistics: ChannelStatistics) -> Tensor:
    """Return the first stage's picture (1, C, F, 2H, 2W), where the second stage begins."""
    weight = next(model.parameters())
    return upsampler.upsample(first.video.to(weight), model, statistics).cpu().contiguous()


# --- how a stage begins -----------------------------------------------------------------------


def start_first(network: AVTransformer, clip: ClipInputs, generator: torch.Generator) -> DiffusionStart:
    """Return the first stage's states after noise: zeros or a given sound, conditions replaced and appended.

    Noise is drawn for a frozen sound too, though none of it stays: a seed then means the same picture noise.
    """
    device, dtype = place_of(network)
    recipe, encoded, carry = clip.recipe, clip.encoded, clip.carry
    rows, columns = latents.latent_size(encoded.height, encoded.width)
    frames, channels = latents.latent_frames(encoded.frames), network.config.video.in_channels
    grid = conditioning.Grid(frames, rows, columns, float(clip.rate))
    video = torch.zeros(1, channels, frames, rows, columns, device=device, dtype=dtype)
    picture = _picture(clip, video, encoded.first, grid, 0.0 if carry is None else carry.picture_offset)
    given = None if encoded.given is None else latents.patchify_audio(encoded.given.to(device, dtype))
    sound = _first_sound(clip, given, device, dtype)
    if given is None and carry is not None and carry.audio is not None:
        sound = _taken_over(sound, carry.audio, carry)
    if encoded.sound is not None:
        sound = _with_reference(recipe, sound, encoded.sound)
    states = _noisy((picture, sound), 1.0, generator)
    # Who sees whom is decided while the sound still counts as generated.
    start = DiffusionStart(states, _cross(recipe, states, dtype), recipe.first_sigmas(), grid)
    if given is None:
        return start
    if recipe.given == "following":
        return start._replace(given=given)
    return start._replace(states=(states[0], states[1].frozen()), frozen_sound=True)


def _first_sound(
    clip: ClipInputs, given: Tensor | None, device: torch.device, dtype: torch.dtype
) -> TokenState:
    """Return the first stage's sound before noise: zeros, or the given tokens (1, T, C)."""
    encoded, recipe = clip.encoded, clip.recipe
    if given is not None and recipe.given == "frozen":
        return start_state(given, latents.audio_positions(given.shape[1]))
    lead = clip.carry.picture_offset if clip.carry is not None else 0.0
    count = latents.audio_latents(encoded.frames, clip.rate)
    count += math.ceil(lead * latents.AUDIO_LATENTS_PER_SECOND)
    if given is not None:
        count = given.shape[1]
    elif encoded.sound is not None and recipe.sound == "in step":
        count = encoded.sound.shape[2]  # The encoder's length is the target's, usually one more.
    audio = torch.zeros(1, encoded.channels, count, encoded.bins, device=device, dtype=dtype)
    return start_state(latents.patchify_audio(audio), latents.audio_positions(count))


def start_second(
    network: AVTransformer, clip: ClipInputs, first: FirstStage, upsampled: Tensor, generator: torch.Generator
) -> DiffusionStart:
    """Return the second stage's states after noise, the sound held at the first stage's."""
    device, dtype = place_of(network)
    recipe = clip.recipe
    video, audio = (x.to(device, dtype) for x in (upsampled, first.audio))
    frames, rows, columns = video.shape[2:]
    grid = conditioning.Grid(frames, rows, columns, float(clip.rate))
    offset = recipe.second_offset
    if offset is None:
        offset = 0.0 if clip.carry is None else clip.carry.picture_offset
    picture = _picture(clip, video, clip.encoded.second, grid, offset)
    sound = start_state(latents.patchify_audio(audio), latents.audio_positions(audio.shape[2]))
    if recipe.sound == "before":
        sound = _with_reference(recipe, sound, first.audio)
    sigmas = recipe.second_sigmas()
    states = _noisy((picture, sound), float(sigmas[0]) if recipe.second_noise else 0.0, generator)
    # Who sees whom is decided while the sound still counts as generated.
    cross = _cross(recipe, states, dtype)
    return DiffusionStart((states[0], states[1].frozen()), cross, sigmas, grid, frozen_sound=True)


def _picture(
    clip: ClipInputs, video: Tensor, view: View, grid: conditioning.Grid, offset: float
) -> TokenState:
    """Return the picture's state before noise, its positions `offset` seconds after the sound's."""
    recipe, carry = clip.recipe, clip.carry
    items: list[conditioning.PictureItem] = [
        conditioning.Replacement(latent, frame, strength * recipe.still_strength)
        for latent, (frame, strength) in zip(view.stills, clip.encoded.places, strict=True)
    ]
    if carry is not None and carry.video is not None:
        items.append(conditioning.Replacement(carry.video, carry.first_latent, carry.strength))
    if view.reference is not None:
        items.append(
            conditioning.Reference(view.reference, recipe.reference_strength, recipe.reference_scale)
        )
    positions = latents.video_positions(grid.frames, grid.height, grid.width, grid.fps)
    state = start_state(latents.patchify_video(video), positions)
    state = conditioning.condition_picture(state, items, grid)
    if offset:
        late = torch.tensor([offset, 0.0, 0.0]).view(1, 3, 1, 1)
        state = replace(state, positions=state.positions + late.to(state.positions))
    return state.with_rounded_positions() if recipe.rounded_positions else state


def _with_reference(recipe: Recipe, state: TokenState, latent: Tensor) -> TokenState:
    positions = None
    if recipe.sound == "before":
        positions = latents.audio_positions(latent.shape[2])
        positions = positions - positions.max() - SOUND_GAP
    return conditioning.SoundReference(latent, recipe.reference_strength, positions).apply(state)


def _taken_over(state: TokenState, audio: Tensor, carry: Carry) -> TokenState:
    """Replace sound tokens by those of the clip before, as a `Replacement` does for the picture."""
    tokens = latents.patchify_audio(audio).to(state.latent)
    if tokens.shape[::2] != state.latent.shape[::2]:
        raise ValueError(
            f"Sound latents {tuple(audio.shape)} to take over do not fit tokens of {state.latent.shape[2]}."
        )
    begin, end = carry.first_sound, carry.first_sound + tokens.shape[1]
    if end > state.targets:
        raise ValueError(f"Sound latents {begin} to {end - 1} are not all within the clip's {state.targets}.")
    latent, mask = state.latent.clone(), state.mask.clone()
    latent[:, begin:end] = tokens
    mask[:, begin:end] = 1.0 - carry.sound_strength
    return replace(state, latent=latent, clean=latent, mask=mask)


def _noisy(states: States, scale: float, generator: torch.Generator) -> States:
    return tuple(noised(state, scale, generator) for state in states)


def _cross(recipe: Recipe, states: States, dtype: torch.dtype) -> Cross | None:
    if not recipe.targets_only:
        return None
    return conditioning.cross_attention(states[0].mask, states[1].mask, dtype)


# --- how it is sampled ------------------------------------------------------------------------


def walk(
    loaded: LoadedTransformer,
    start: DiffusionStart,
    positive: Contexts,
    negative: Contexts | None,
    plan: Plan,
) -> States:
    """Return a stage's states after its last step."""
    device, dtype = place_of(loaded.network)
    # Streamed blocks visit the device one by one; keeping every block's keys there would cost what it saves.
    kept = None if loaded.blocks is None else ()

    def text(contexts: Contexts) -> Text:
        return loaded.network.text(*(x.to(device, dtype) for x in contexts), blocks=kept)

    texts = [text(positive)]
    if plan.guidance != 1.0 and negative is not None:
        texts.append(text(negative))
    denoise = denoiser(loaded, start, texts, plan)
    total = len(start.sigmas) - 1

    def stepped(step: int, _states: States) -> None:
        if plan.on_step is not None:
            plan.on_step(step + 1, total)

    return sample(denoise, start.states, start.sigmas, on_step=stepped)


def denoiser(loaded: LoadedTransformer, start: DiffusionStart, texts: Sequence[Text], plan: Plan) -> Denoise:
    """Return a predictor of clean latents, guided away from the second text where there is one."""
    guide = Guidance(cfg=plan.guidance if len(texts) > 1 else 1.0)
    video, audio = start.states
    rotations = loaded.network.rotations(video.positions, audio.positions)

    def predict(states: States, sigma: float, text: Text) -> list[Tensor]:
        pair = velocities(loaded, start._replace(states=states), text, rotations, sigma, plan.generation)
        return [clean_prediction(state, x, sigma) for state, x in zip(states, pair, strict=True)]

    def denoise(states: States, sigma: float) -> list[Tensor]:
        clean = predict(states, sigma, texts[0])
        if len(texts) > 1:
            other = predict(states, sigma, texts[1])
            clean = [guide.combine(c, negative=n) for c, n in zip(clean, other, strict=True)]
        return clean if start.given is None else [clean[0], _led(clean[1], start.given)]

    return denoise


def _led(prediction: Tensor, given: Tensor) -> Tensor:
    """Return a prediction (1, T, C) of the sound with the given tokens as its targets."""
    return torch.cat([given, prediction[:, given.shape[1] :]], dim=1)


def velocities(
    loaded: LoadedTransformer,
    start: DiffusionStart,
    text: Text,
    rotations: Rotations,
    sigma: float,
    generation: Generation,
    skip: dict[int, Skip] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return both streams' velocities (1, T, C) in one pass of the network, at the start's states.

    `skip` says what single blocks leave out, for the perturbed passes of guidance.

    Networks of generation B modulate their attention to a frozen sound by the run's level, those of C by 0;
    A asks each token's own level alone.
    """
    video, audio = start.states
    heard_at = 0.0 if start.frozen_sound and generation != "B" else sigma
    pair: tuple[Tensor, Tensor] = loaded.network(
        Tokens(video.latent, Levels.of(video.levels(sigma)), sigma),
        Tokens(audio.latent, Levels.of(audio.levels(sigma)), heard_at),
        text,
        rotations,
        cross=start.cross,
        generation=generation,
        skip=skip,
        blocks=loaded.blocks,
    )
    return pair


def finished(states: States, grid: conditioning.Grid, channels: int) -> tuple[Tensor, Tensor]:
    """Drop appended tokens; return latents (1, C, F, H, W) and (1, C, T, M) on the CPU."""
    video, audio = (state.target().cpu() for state in states)
    return (
        latents.unpatchify_video(video, grid.frames, grid.height, grid.width).contiguous(),
        latents.unpatchify_audio(audio, channels).contiguous(),
    )


def place_of(network: AVTransformer) -> tuple[torch.device, torch.dtype]:
    """Device and dtype of the network's tokens; its blocks may lie elsewhere."""
    weight = network.patchify_proj.weight
    return weight.device, weight.dtype
