"""Comparisons of whole runs, from prompts and media to pictures and sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.parity_dub import (
    Finished,
    Models,
    add_noise,
    denoiser,
    finish,
    frame_rate,
    grid_of,
    read_clip,
    start,
)
from benchmarks.parity_network import stage_loras
from benchmarks.parity_report import BYTE, DEFAULT, EXACT, TABLE, Folder, Part, Tolerance
from benchmarks.parity_stages import STREAMS, WALK
from dubkit.dubbing import conditioning, pixels, schedules
from dubkit.dubbing.sampler import sample
from dubkit.dubbing.state import TokenState
from dubkit.ltx import latents
from dubkit.ltx.lora import LoRA
from dubkit.ltx.tiling import Tiling
from dubkit.ltx.video_vae import to_uint8

Call = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What distinguishes one published pipeline from another."""

    loras: tuple[Sequence[LoRA], Sequence[LoRA]]
    """Of the first and the second stage."""
    first: Tensor
    second: Tensor | None
    """Noise levels; a run may have one stage only."""
    dub: bool = False
    """Streams see each other's targets alone; sound is a reference, frozen in the second stage."""
    keyframes: bool = False
    """Images are appended at their frame instead of put into the latent frame of their number."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A stage as its loop starts."""

    noise: tuple[Tensor, Tensor]
    states: tuple[TokenState, TokenState]
    sigmas: Tensor


def dub_recipe(folder: Folder, call: Call) -> Recipe:
    strengths = call["justdubit_lora_strength"], call["distilled_lora_strength"]
    first, second = (stage_loras(folder, stage, *strengths) for stage in (1, 2))
    sigmas = schedules.ltx2_sigmas(call["num_inference_steps"])
    return Recipe((first, second), sigmas, torch.tensor(schedules.DUB_SECOND_STAGE), dub=True)


def stock_recipe(folder: Folder, name: str, call: Call) -> Recipe:
    """Return a stock pipeline's recipe.

    Raises:
        ValueError: a pipeline that is not known.
    """
    dubbing, distilled = (LoRA(folder.lora(distilled=kind)) for kind in (False, True))
    second = torch.tensor(schedules.SECOND_STAGE)
    if name == "distilled":
        return Recipe(((), ()), torch.tensor(schedules.DISTILLED), second)
    first = schedules.ltx2_sigmas(call["num_inference_steps"])
    if name == "ti2vid_one_stage":
        return Recipe(((), ()), first, None)
    if name == "ic_lora":
        return Recipe(((dubbing,), (dubbing, distilled)), first, second)
    if name in ("ti2vid_two_stages", "keyframe_interpolation"):
        return Recipe(((), (distilled,)), first, second, keyframes=name.startswith("keyframe"))
    raise ValueError(f"Unknown pipeline {name!r}.")


@dataclass
class Run:
    """A call of a recipe; `stages` does the work, `done` is then what it ended with."""

    models: Models
    call: Call
    recipe: Recipe
    done: Finished | None = None

    def __post_init__(self) -> None:
        folder = self.models.folder.path
        clips = self.call.get("video_conditioning") or []
        self.stills = [
            (pixels.compressed(pixels.read_still(folder / path)), frame, strength)
            for path, frame, strength in self.call["images"]
        ]
        self.clip, self.strength = None, 0.0
        self.frames, self.sound = self.call["num_frames"], None
        if clips:
            frames, wave, rate = read_clip(folder / clips[0][0])
            self.strength = clips[0][1]
            if self.recipe.dub:
                self.frames = (len(frames) - 1) // latents.FRAMES_PER_LATENT * latents.FRAMES_PER_LATENT + 1
                self.sound = self.models.hear(wave, rate, self.frames, self.call["frame_rate"])
            self.clip = frames[: self.frames]

    @property
    def tiling(self) -> Tiling | None:
        return Tiling() if self.call.get("tiling_config") else None

    def stages(self) -> Iterator[tuple[Begin, Finished]]:
        """Yield what each stage begins and ends with."""
        models, prompts = self.models, self.models.folder.params["justdubit_call"]
        contexts = [models.text(prompts[name]) for name in ("prompt", "negative_prompt")]
        generator = torch.Generator().manual_seed(self.call["seed"])
        for second, sigmas in ((False, self.recipe.first), (True, self.recipe.second)):
            if sigmas is None:
                return
            states, grid = self._states(second)
            drawn = torch.Generator()
            drawn.set_state(generator.get_state())
            noise = tuple(torch.randn(s.latent.shape, generator=drawn, dtype=models.dtype) for s in states)
            states = add_noise(states, float(sigmas[0]) if second else 1.0, generator)
            cross = None
            if self.recipe.dub:
                cross = conditioning.cross_attention(states[0].mask, states[1].mask, models.dtype)
                states = (states[0], states[1].frozen()) if second else states
            model = models.transformer(self.recipe.loras[second])
            positive, negative = (model.text(*context) for context in contexts)
            scale = 1.0 if second else self.call.get("cfg_guidance_scale", 1.0)
            denoise = denoiser(model, cross, positive, None if scale == 1.0 else negative, scale)
            channels = models.checkpoint.config.audio_vae.latent_channels
            self.done = finish(sample(denoise, states, sigmas), grid, channels)
            yield Begin((noise[0], noise[1]), states, sigmas), self.done

    def _states(self, second: bool) -> tuple[tuple[TokenState, TokenState], conditioning.Grid]:
        models, fps, config = self.models, self.call["frame_rate"], self.models.checkpoint.config
        height, width = (self.call[side] * (2 if second else 1) for side in ("height", "width"))
        if second and self.done:
            video, audio = models.upsample(self.done.video), self.done.audio
        else:
            rows, columns = latents.latent_size(height, width)
            shape = 1, config.video_vae.latent_channels, latents.latent_frames(self.frames), rows, columns
            count = latents.audio_latents(self.frames, frame_rate(fps))
            bins = models.audio_encoder.bins
            video = torch.zeros(shape, dtype=models.dtype)
            audio = torch.zeros(1, config.audio_vae.latent_channels, count, bins, dtype=models.dtype)
            audio = audio if self.sound is None else torch.zeros_like(self.sound)
        item = conditioning.Keyframes if self.recipe.keyframes else conditioning.Replacement
        items: list[conditioning.PictureItem] = [
            item(models.encode(still[None], height, width), frame, strength)
            for still, frame, strength in self.stills
        ]
        if self.clip is not None and (self.recipe.dub or not second):
            reference = models.encode(self.clip, height, width, self.tiling)
            items.append(conditioning.Reference(reference, self.strength))
        heard = None
        if self.sound is not None and not second:
            heard = conditioning.SoundReference(self.sound, self.strength)
        grid = grid_of(video.shape, fps)
        return start(grid, video, audio, items, heard), grid

    def pictures(self) -> Tensor:
        """Return the finished run's frames (F, H, W, 3), uint8."""
        assert self.done is not None
        return to_uint8(self.models.decode(self.done.video, self.tiling))[0]

    def wave(self) -> Tensor:
        """Return the finished run's sound (2, N)."""
        assert self.done is not None
        return self.models.speak(self.done.audio)


def variants(folder: Folder) -> None:
    """The dubbing pipeline called in other ways."""
    part, models = folder.part("e2e_variants"), Models(folder)
    for name, variant in folder.params["variants"].items():
        call = variant["call"]
        _compare(part, f"{name}.", Run(models, call, dub_recipe(folder, call)))


def stock(folder: Folder) -> None:
    """The stock pipelines."""
    part, models = folder.part("stock_pipelines"), Models(folder)
    for name, pipeline in folder.params["stock"].items():
        call = pipeline["call"]
        _compare(part, f"{name}.", Run(models, call, stock_recipe(folder, name, call)))


def _compare(part: Part, prefix: str, run: Run) -> None:
    """Compare a whole run with whatever the reference holds of it."""

    def check(name: str, result: Callable[[], Tensor], tolerance: Tolerance) -> None:
        if prefix + name in part:
            part.check(prefix + name, result(), tolerance)

    draws: list[Tensor] = []
    for index, (begin, end) in enumerate(run.stages()):
        stage = f"stage{index + 1}"
        # What a second stage starts from is the end of a first one.
        close = WALK if index else DEFAULT
        check(f"{stage}.sigmas", partial(torch.clone, begin.sigmas), TABLE)
        for stream, state, noise in zip(STREAMS, begin.states, begin.noise, strict=True):
            check(f"noise{len(draws)}", partial(torch.clone, noise), EXACT)
            draws.append(noise.double().sum())
            check(f"{stage}.{stream}.start_latent", partial(torch.clone, state.latent), close)
            check(f"{stage}.{stream}.denoise_mask", partial(torch.clone, state.mask), EXACT)
            check(f"{stage}.{stream}.positions", partial(torch.clone, state.positions), TABLE)
        check(f"{stage}.final_video_latent", partial(torch.clone, end.video), WALK)
        check(f"{stage}.final_audio_latent", partial(torch.clone, end.audio), WALK)
    check("noise_checksums", lambda: torch.stack(draws), TABLE)
    check("output_frame0", lambda: run.pictures()[0], BYTE)
    for name in part.names(f"{prefix}output_audio_first"):
        count = part.shape(name)[1]
        part.check(name, run.wave()[:, :count], WALK)


def bfloat16(folder: Folder) -> None:
    """The main call in bfloat16: noise, masks and positions exactly, the rest as far as rounding lets it."""
    part, call = folder.part("e2e_bf16"), folder.params["justdubit_call"]
    distances = folder.params["bf16_relative_distance_to_float32"]

    def near(name: str) -> Tolerance:
        bound = 2 * distances.get(name, max(distances.values()))
        reason = "bfloat16: twice the distance between the reference's own bfloat16 and float32 runs"
        return Tolerance(bound, "distance", reason)

    models = Models(folder, torch.bfloat16)
    run = Run(models, call, dub_recipe(folder, call))
    assert run.sound is not None
    assert run.clip is not None
    part.check("ref_audio_latent", run.sound, near("ref_audio_latent"))
    size = call["height"], call["width"]
    clip = models.encode(run.clip, *size, run.tiling)
    part.check("stage1.ref_video_latent", clip, near("stage1.ref_video_latent"))
    still = models.encode(run.stills[0][0][None], *size)
    part.check("stage1.image_latent", still, near("stage1.ref_video_latent"))
    for index, (begin, end) in enumerate(run.stages()):
        stage = f"stage{index + 1}"
        for stream, state, noise in zip(STREAMS, begin.states, begin.noise, strict=True):
            part.check(f"{stage}.noise_{stream}", noise, EXACT)
            part.check(f"{stage}.{stream}.positions", state.positions, EXACT)
            part.check(f"{stage}.{stream}.denoise_mask", state.mask, EXACT)
            name = f"{stage}.{stream}.start_latent"
            part.check(name, state.latent, near(name))
        if not index:
            _start_exactly(part, run)
        for stream, tensor in (("video", end.video), ("audio", end.audio)):
            name = f"{stage}.final_{stream}_latent"
            part.check(name, tensor, near(name))
    context = models.text(call["prompt"])[0]
    name = part.names("pos.video_context_first")[0]
    part.check(name, context[:, : part.shape(name)[1]], near(name))
    weights = models.transformer(run.recipe.loras[1]).state_dict()
    for name in part.names("stage2.", ".weight"):
        part.check(name, weights[name.removeprefix("stage2.")], EXACT)
    part.check("output_frame_last", run.pictures()[-1], near("output_frame_last"))
    name = part.names("output_audio_first")[0]
    part.check(name, run.wave()[:, : part.shape(name)[1]], near("output_audio"))


def _start_exactly(part: Part, run: Run) -> None:
    """Compare the first stage's start once more, from the stored latents of its references."""
    image, clip, sound = map(
        part.input, ("stage1.image_latent", "stage1.ref_video_latent", "ref_audio_latent")
    )
    items: list[conditioning.PictureItem] = [
        conditioning.Replacement(image, *run.call["images"][0][1:]),
        conditioning.Reference(clip, run.strength),
    ]
    heard = conditioning.SoundReference(sound, run.strength)
    grid = grid_of(clip.shape, run.call["frame_rate"])
    states = start(grid, torch.zeros_like(clip), torch.zeros_like(sound), items, heard)
    states = add_noise(states, 1.0, torch.Generator().manual_seed(run.call["seed"]))
    for stream, state in zip(STREAMS, states, strict=True):
        part.check(f"stage1.{stream}.start_latent", state.latent, EXACT)
