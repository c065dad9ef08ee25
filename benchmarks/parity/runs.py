"""Comparisons of whole runs, from prompts and media to pictures and sound."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.parity.dub import Models, noise_of, read_clip, sample_count, used_frames
from benchmarks.parity.network import stage_loras
from benchmarks.parity.report import BYTE, DEFAULT, EXACT, TABLE, Folder, Part, Tolerance
from benchmarks.parity.stages import STREAMS, WALK
from dubkit.dubbing.clip import pixels
from dubkit.dubbing.clip.decode import decode_picture, decode_sound
from dubkit.dubbing.clip.encode import encode_clip, encode_prompt
from dubkit.dubbing.clip.media import ClipMedia, Still
from dubkit.dubbing.diffusion.clip_latents import Contexts, View
from dubkit.dubbing.diffusion.generate import (
    ClipInputs,
    first_stage,
    second_stage,
    start_first,
    start_second,
    upsample,
)
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT
from dubkit.dubbing.diffusion.sampler import States
from dubkit.ltx import mel
from dubkit.ltx.tiling import Tiling

Call = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Begin:
    """A stage as its loop starts."""

    noise: tuple[Tensor, ...]
    states: States
    sigmas: Tensor


@dataclass
class Run(ABC):
    """A call; `stages` does the work, `done` is then the video and audio latents it ended with."""

    models: Models
    call: Call
    done: tuple[Tensor, Tensor] | None = None

    @property
    def tiling(self) -> Tiling | None:
        return Tiling() if self.call.get("tiling_config") else None

    @property
    def rate(self) -> Fraction:
        """The call's rate as it stands there, which need not be the fraction that was meant."""
        return Fraction(self.call["frame_rate"])

    @abstractmethod
    def stages(self) -> Iterator[tuple[Begin, tuple[Tensor, Tensor]]]:
        """Yield what each stage begins and ends with."""

    def contexts(self) -> list[Contexts]:
        prompts = self.models.folder.params["justdubit_call"]
        return [encode_prompt(self.models.text, prompts[name]) for name in ("prompt", "negative_prompt")]

    def stills(self) -> tuple[Still, ...]:
        folder = self.models.folder.path
        return tuple(
            Still(pixels.read_still(folder / path), frame, strength)
            for path, frame, strength in self.call["images"]
        )

    def frames(self) -> Tensor:
        """Return the finished run's frames (F, H, W, 3), uint8."""
        assert self.done is not None
        return torch.cat(list(decode_picture(self.done[0], self.models.video_decoder, self.tiling)))

    def wave(self) -> Tensor:
        """Return the finished run's sound (2, N)."""
        assert self.done is not None
        return decode_sound(self.done[1], self.models.audio_decoder, self.models.vocoder)


class DubRun(Run):
    """A call of the dubbing pipeline, by the library's own stages."""

    def __init__(self, models: Models, call: Call) -> None:
        super().__init__(models, call)
        strengths = call["justdubit_lora_strength"], call["distilled_lora_strength"]
        self.loras = [stage_loras(models.folder, stage, *strengths) for stage in (1, 2)]
        clips = call["video_conditioning"]
        self.recipe = JUSTDUBIT.with_(
            steps=call["num_inference_steps"],
            guidance=call["cfg_guidance_scale"],
            reference_strength=clips[0][1] if clips else 1.0,
            rounded_positions=True,
        )
        media = ClipMedia(None, None, 1, self.rate, call["num_frames"], stills=self.stills())
        if clips:
            frames, wave, hertz = read_clip(models.folder.path / clips[0][0])
            used = used_frames(len(frames))
            wave = mel.fit(wave, sample_count(used, call["frame_rate"], hertz))
            media = ClipMedia(frames[:used], wave, hertz, self.rate, used, stills=self.stills())
        codecs = models.video_encoder, models.audio_encoder
        self.encoded = encode_clip(media, self.recipe, call["width"], call["height"], *codecs, self.tiling)

    @property
    def inputs(self) -> ClipInputs:
        """What both stages start from."""
        return ClipInputs(self.recipe, self.encoded, self.rate)

    def stages(self) -> Iterator[tuple[Begin, tuple[Tensor, Tensor]]]:
        clip, seed = self.inputs, self.call["seed"]
        positive, negative = self.contexts()
        opened = self.models.transformer(self.loras[0])
        generator = torch.Generator().manual_seed(seed)
        begin = start_first(opened.network, clip, generator.clone_state())
        first = first_stage(opened, clip, positive, negative, seed)
        self.done = first.video, first.audio
        yield Begin(noise_of(begin.states, generator), begin.states, begin.sigmas), self.done
        opened = self.models.transformer(self.loras[1])
        enlarged = upsample(first, self.models.upsampler, self.models.statistics)
        generator.set_state(first.generator)
        begin = start_second(opened.network, clip, first, enlarged, generator.clone_state())
        second = second_stage(opened, clip, positive, first, enlarged)
        self.done = second.video, second.audio
        yield Begin(noise_of(begin.states, generator), begin.states, begin.sigmas), self.done


def variants(folder: Folder) -> None:
    """The dubbing pipeline called in other ways."""
    part, models = folder.part("e2e_variants"), Models(folder)
    for name, variant in folder.params["variants"].items():
        call = variant["call"]
        _compare(part, f"{name}.", DubRun(models, call))


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
        for stream, latent in zip(STREAMS, end, strict=True):
            check(f"{stage}.final_{stream}_latent", partial(torch.clone, latent), WALK)
    check("noise_checksums", lambda: torch.stack(draws), TABLE)
    check("output_frame0", lambda: run.frames()[0], BYTE)
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
    run = DubRun(models, call)
    assert run.encoded.sound is not None
    assert run.encoded.first.reference is not None
    part.check("ref_audio_latent", run.encoded.sound, near("ref_audio_latent"))
    part.check("stage1.ref_video_latent", run.encoded.first.reference, near("stage1.ref_video_latent"))
    part.check("stage1.image_latent", run.encoded.first.stills[0], near("stage1.ref_video_latent"))
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
        for stream, tensor in zip(STREAMS, end, strict=True):
            name = f"{stage}.final_{stream}_latent"
            part.check(name, tensor, near(name))
    context = encode_prompt(models.text, call["prompt"]).video
    name = part.names("pos.video_context_first")[0]
    part.check(name, context[:, : part.shape(name)[1]], near(name))
    weights = models.transformer(run.loras[1]).network.state_dict()
    for name in part.names("stage2.", ".weight"):
        part.check(name, weights[name.removeprefix("stage2.")], EXACT)
    part.check("output_frame_last", run.frames()[-1], near("output_frame_last"))
    name = part.names("output_audio_first")[0]
    part.check(name, run.wave()[:, : part.shape(name)[1]], near("output_audio"))


def _start_exactly(part: Part, run: DubRun) -> None:
    """Compare the first stage's start once more, from the stored latents of its references."""
    image, clip, sound = map(
        part.input, ("stage1.image_latent", "stage1.ref_video_latent", "ref_audio_latent")
    )
    encoded = replace(run.encoded, first=View((image,), clip), sound=sound)
    generator = torch.Generator().manual_seed(run.call["seed"])
    network = run.models.transformer(()).network
    start = start_first(network, replace(run.inputs, encoded=encoded), generator)
    for stream, state in zip(STREAMS, start.states, strict=True):
        part.check(f"stage1.{stream}.start_latent", state.latent, EXACT)
