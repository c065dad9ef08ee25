"""The one sampler of all films: a stage begins with latents, conditions and noise, and goes down the levels.

Noise is drawn for the picture, then for the sound, in each stage, also for a sound that stays as it is: that
order is part of what a seed means.
Letters: B batch, C channels, F latent frames, H and W latent rows and columns, T tokens, M mel bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from dubkit.dubbing.diffusion import conditioning
from dubkit.dubbing.diffusion.clip_latents import Contexts
from dubkit.dubbing.diffusion.generate import (
    DiffusionStart,
    LoadedTransformer,
    OnStep,
    place_of,
    velocities,
)
from dubkit.dubbing.diffusion.guidance import Guidance
from dubkit.dubbing.diffusion.sampler import Denoise, States, sample
from dubkit.dubbing.diffusion.state import TokenState, clean_prediction, noised, start_state
from dubkit.generation.pipelines import FilmPipeline
from dubkit.ltx import latents
from dubkit.ltx.block import Skip
from dubkit.ltx.transformer import AVTransformer, Generation, Text

PERTURBED = {1: 29, 2: 28}
"""Block whose self-attention the original perturbs, of `BLOCKS`, by the version of the text path."""
BLOCKS = 48


@dataclass(frozen=True, slots=True)
class StageInputs:
    """What a stage begins with, at its own size and rate."""

    video: Tensor
    """(1, C, F, H, W): zeros, an upsampled result, or a clip."""
    audio: Tensor
    """(1, C, T, M): zeros, an earlier result, a clip's sound, or a given one."""
    sigmas: Tensor
    rate: Fraction
    items: tuple[conditioning.PictureItem, ...] = ()
    sound_before: Tensor | None = None
    """(1, C, n, M): the first sound latents, which stay."""
    picture_range: tuple[float, float] | None = None
    """Seconds outside of which the picture stays."""
    sound_range: tuple[float, float] | None = None
    frozen_sound: bool = False
    """Whether the sound takes part without changing."""
    noise: float = 1.0
    """Share of noise at the start."""


class StageWatch:
    """Is told what happens in a stage; does nothing with it."""

    def began(self, stage: int, start: DiffusionStart) -> None:
        """Take the start of a stage, noise included."""

    def predicted(self, stage: int, step: int, clean: Sequence[Tensor]) -> None:
        """Take the guided predictions of picture and sound in a step, from 0."""

    def stepped(self, stage: int, step: int, states: States) -> None:
        """Take the states after a step."""

    def ended(self, stage: int, video: Tensor, audio: Tensor) -> None:
        """Take the latents that a stage ends with."""

    def upsampled(self, video: Tensor) -> None:
        """Take the latents that the second stage begins with."""


def begin_stage(network: AVTransformer, inputs: StageInputs, generator: torch.Generator) -> DiffusionStart:
    """Return the states of a stage after noise.

    Raises:
        ValueError: conditions that do not fit the stage's size or length.
    """
    device, dtype = place_of(network)
    video, audio = inputs.video.to(device, dtype), inputs.audio.to(device, dtype)
    frames, rows, columns = video.shape[2:]
    grid = conditioning.Grid(frames, rows, columns, float(inputs.rate))
    positions = latents.video_positions(grid.frames, grid.height, grid.width, grid.fps)
    picture = start_state(latents.patchify_video(video), positions)
    picture = conditioning.condition_picture(_within(picture, inputs.picture_range), inputs.items, grid)
    sound = start_state(latents.patchify_audio(audio), latents.audio_positions(audio.shape[2]))
    sound = _continued(_within(sound, inputs.sound_range), inputs.sound_before)
    noisy = noised(picture, inputs.noise, generator), noised(sound, inputs.noise, generator)
    if inputs.frozen_sound:
        noisy = noisy[0], noisy[1].frozen()
    return DiffusionStart(noisy, None, inputs.sigmas, grid, inputs.frozen_sound)


def _within(state: TokenState, seconds: tuple[float, float] | None) -> TokenState:
    """Return a state that keeps every token which lies outside a range of seconds."""
    if seconds is None:
        return state
    begin, end = state.positions[:, 0, :, 0], state.positions[:, 0, :, 1]
    inside = (end > seconds[0]) & (begin < seconds[1])
    return replace(state, mask=inside.float().unsqueeze(-1).to(state.mask))


def _continued(state: TokenState, before: Tensor | None) -> TokenState:
    """Return a sound whose first latents (1, C, n, M) are given and stay."""
    if before is None:
        return state
    tokens = latents.patchify_audio(before).to(state.latent)
    count = tokens.shape[1]
    if count >= state.targets:
        raise ValueError(f"{count} sound latents are to be kept, and the film has {state.targets}.")
    latent, mask = state.latent.clone(), state.mask.clone()
    latent[:, :count], mask[:, :count] = tokens, 0.0
    return replace(state, latent=latent, clean=latent.clone(), mask=mask)


@dataclass(frozen=True, slots=True)
class Guides:
    """How a stage is guided: the pipeline's values for both streams, or nothing."""

    picture: Guidance
    sound: Guidance
    block: int

    @classmethod
    def of(cls, pipeline: FilmPipeline, network: AVTransformer, text_version: int) -> Guides:
        """Return what a pipeline says, for a network of this depth."""
        layers = network.config.layers
        block = pipeline.block
        if block is None:
            block = PERTURBED[text_version] * layers // BLOCKS
        if not 0 <= block < layers:
            raise ValueError(f"Block {block} is to be perturbed, and the network has {layers}.")
        return cls(Guidance(*pipeline.guidance), Guidance(*pipeline.sound_guidance), block)

    @classmethod
    def none(cls) -> Guides:
        return cls(Guidance(), Guidance(), 0)

    @property
    def both(self) -> tuple[Guidance, Guidance]:
        return self.picture, self.sound

    @property
    def negative(self) -> bool:
        """Whether a pass with the negative prompt is needed."""
        return any(guide.cfg != 1.0 for guide in self.both)

    def opposed(self, positive: Contexts, negative: Contexts) -> Contexts:
        """Return the contexts of the negative pass: a stream that is not guided keeps its own."""
        return Contexts(
            negative.video if self.picture.cfg != 1.0 else positive.video,
            negative.audio if self.sound.cfg != 1.0 else positive.audio,
        )

    def perturbed(self, *, values: bool) -> dict[int, Skip]:
        """Return what the perturbed pass leaves out; nothing where there is no such pass."""
        skip = Skip(self.picture.stg != 0.0, self.sound.stg != 0.0, values=values)
        return {self.block: skip} if skip.video_self or skip.audio_self else {}

    @property
    def separate(self) -> bool:
        """Whether a pass in which picture and sound do not see each other is needed."""
        return any(guide.modality != 1.0 for guide in self.both)


def run_stage(
    loaded: LoadedTransformer,
    start: DiffusionStart,
    texts: tuple[Contexts, Contexts | None],
    guides: Guides,
    generation: Generation,
    *,
    on_step: OnStep | None = None,
    watch: tuple[int, StageWatch] | None = None,
) -> States:
    """Return a stage's states after its last step.

    Raises:
        ValueError: guidance without a negative prompt.
    """
    denoise = _denoiser(loaded, start, texts, guides, generation)
    total, done = len(start.sigmas) - 1, 0

    def watched(states: States, sigma: float) -> Sequence[Tensor]:
        clean = denoise(states, sigma)
        if watch is not None:
            watch[1].predicted(watch[0], done, clean)
        return clean

    def stepped(step: int, states: States) -> None:
        nonlocal done
        done = step + 1
        if watch is not None:
            watch[1].stepped(watch[0], step, states)
        if on_step is not None:
            on_step(done, total)

    return sample(watched, start.states, start.sigmas, on_step=stepped)


def _denoiser(
    loaded: LoadedTransformer,
    start: DiffusionStart,
    texts: tuple[Contexts, Contexts | None],
    guides: Guides,
    generation: Generation,
) -> Denoise:
    """Return a predictor of clean latents: one pass with the prompt, and one for each kind of guidance."""
    network = loaded.network
    device, dtype = place_of(network)
    # Streamed blocks visit the device one by one; keeping every block's keys there would cost what it saves.
    kept = None if loaded.blocks is None else ()

    def text(contexts: Contexts) -> Text:
        return network.text(*(x.to(device, dtype) for x in contexts), blocks=kept)

    positive = text(texts[0])
    negative = None
    if guides.negative:
        if texts[1] is None:
            raise ValueError("Guidance needs a negative prompt's contexts.")
        negative = text(guides.opposed(texts[0], texts[1]))
    perturbed = guides.perturbed(values=generation != "A")
    across = {index: Skip(across=True) for index in range(network.config.layers)}
    rotations = network.rotations(*(state.positions for state in start.states))

    def denoise(states: States, sigma: float) -> list[Tensor]:
        def predict(text: Text, skip: dict[int, Skip] | None = None) -> list[Tensor]:
            now = start._replace(states=states)
            pair = velocities(loaded, now, text, rotations, sigma, generation, skip)
            return [clean_prediction(state, x, sigma) for state, x in zip(states, pair, strict=True)]

        clean = predict(positive)
        opposed = predict(negative) if negative is not None else (None, None)
        moved = predict(positive, perturbed) if perturbed else (None, None)
        apart = predict(positive, across) if guides.separate else (None, None)
        return [
            guide.combine(own, negative=n, perturbed=p, separate=s)
            for guide, own, n, p, s in zip(guides.both, clean, opposed, moved, apart, strict=True)
        ]

    return denoise
