"""Comparisons of whole films: the stock pipelines, films for a given sound, and parts made again.

Every run is an order to the product's own API, which reports its latents on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import soundfile as sf  # type: ignore[import-untyped]
import torch
from torch import Tensor

from benchmarks.parity.dub import read_clip
from benchmarks.parity.report import BYTE, DEFAULT, EXACT, TABLE, Folder, Part, Tolerance
from benchmarks.parity.stages import STREAMS, WALK
from dubkit.dubbing.clip.decode import decode_picture
from dubkit.dubbing.clip.encode import encode_given
from dubkit.dubbing.clip.media import ClipMedia, GivenWave
from dubkit.dubbing.diffusion.clip_latents import Contexts
from dubkit.dubbing.diffusion.generate import DiffusionStart
from dubkit.dubbing.diffusion.sampler import States
from dubkit.generation import (
    Film,
    FilmFiles,
    FilmOrder,
    FilmParts,
    FilmPipeline,
    FilmStill,
    LoRA,
    StreamGuidance,
    TimeRange,
    generate,
)
from dubkit.generation import pipelines as ways
from dubkit.generation.sampling import StageWatch
from dubkit.ltx import latents
from dubkit.ltx.memory import MemoryPlan

Call = Mapping[str, Any]

STOCK: Mapping[str, FilmPipeline] = {
    "ti2vid_two_stages": ways.TWO_STAGES,
    "ti2vid_one_stage": ways.ONE_STAGE,
    "keyframe_interpolation": ways.KEYFRAMES,
    "ic_lora": ways.IC_LORA,
    "distilled": ways.DISTILLED_FILM,
}
"""The product's pipeline for each of the original's."""


class FolderParts(FilmParts):
    """The folder's model files; contexts are the folder's own where runs of the original were handed them."""

    def __init__(self, folder: Folder, *, distilled: bool = False, stored_texts: bool = False) -> None:
        files = FilmFiles(
            folder.checkpoint(),
            folder.gemma(),
            folder.upsampler(),
            LoRA(folder.lora(distilled=True)),
            distilled=distilled,
        )
        super().__init__(files, "cpu", tiling=None)
        self.folder, self.stored_texts = folder, stored_texts

    def embed(self, prompts: Sequence[str], plan: MemoryPlan, still: Tensor | None = None) -> list[Contexts]:
        if not self.stored_texts:
            return super().embed(prompts, plan, still)
        text = self.folder.part("e2e_text")
        return [
            Contexts(text.input(f"{name}.video_context"), text.input(f"{name}.audio_context"))
            for name in ("pos", "neg")[: len(prompts)]
        ]


class Comparison(StageWatch):
    """Compares what a run reports with whatever the reference holds of it."""

    def __init__(self, part: Part, run: str, seed: int) -> None:
        self.part, self.run = part, run
        self.generator = torch.Generator().manual_seed(seed)
        self.draws: list[Tensor] = []
        self.done: tuple[Tensor, Tensor] | None = None

    def check(self, name: str, result: Tensor, tolerance: Tolerance = DEFAULT) -> None:
        """Compare a result, where the reference has it."""
        name = f"{self.run}.{name}"
        if name in self.part:
            self.part.check(name, result.clone(), tolerance)

    def began(self, stage: int, start: DiffusionStart) -> None:
        # What a second stage starts from is the end of a first one.
        close = DEFAULT if stage == 1 else WALK
        self.check(f"stage{stage}.sigmas", start.sigmas, TABLE)
        self.check(f"stage{stage}.audio.frozen", torch.tensor(int(start.frozen_sound)), EXACT)
        for stream, state in zip(STREAMS, start.states, strict=True):
            noise = torch.randn(state.latent.shape, generator=self.generator)
            self.check(f"noise{len(self.draws)}", noise, EXACT)
            self.draws.append(noise.double().sum())
            prefix = f"stage{stage}.{stream}"
            self.check(f"{prefix}.start_latent", state.latent, close)
            self.check(f"{prefix}.clean_latent", state.clean, close)
            self.check(f"{prefix}.denoise_mask", state.mask, EXACT)
            self.check(f"{prefix}.positions", state.positions, TABLE)
        if stage == 1:
            grid, (video, audio) = start.grid, (state.clean[:, : state.targets] for state in start.states)
            shape = grid.frames, grid.height, grid.width
            self.check("source.video_latent", latents.unpatchify_video(video, *shape))
            name = f"{self.run}.source.audio_latent"
            if name in self.part:
                channels = self.part.shape(name)[1]
                self.check("source.audio_latent", latents.unpatchify_audio(audio, channels))

    def predicted(self, stage: int, step: int, clean: Sequence[Tensor]) -> None:
        for stream, prediction in zip(STREAMS, clean, strict=True):
            self.check(f"stage{stage}.step{step + 1}.denoised_{stream}", prediction, WALK)

    def stepped(self, stage: int, step: int, states: States) -> None:
        for stream, state in zip(STREAMS, states, strict=True):
            self.check(f"stage{stage}.{stream}.after_step{step + 1}", state.latent, WALK)

    def upsampled(self, video: Tensor) -> None:
        self.check("upsampled_latent", video, WALK)

    def ended(self, stage: int, video: Tensor, audio: Tensor) -> None:
        self.done = video, audio
        tokens = latents.patchify_video(video), latents.patchify_audio(audio)
        for stream, latent, ended in zip(STREAMS, self.done, tokens, strict=True):
            self.check(f"stage{stage}.final_{stream}_latent", latent, WALK)
            self.check(f"stage{stage}.final_{stream}_tokens", ended, WALK)

    def finish(self, film: Film, parts: FilmParts) -> None:
        """Compare what the film shows and lets hear."""
        self.check("noise_checksums", torch.stack(self.draws), TABLE)
        if film.remade is None:
            self.check("output_frame0", film.frame(0), BYTE)
        elif self.done is not None:
            # The film shows the clip's own frames outside the range; the reference decoded them again.
            decoder = _decoder(parts)
            self.check("output_frame0", next(decode_picture(self.done[0], decoder, None))[0], BYTE)
        for name in self.part.names(f"{self.run}.output_audio_first"):
            count = self.part.shape(name)[1]
            self.part.check(name, film.sound[:, :count], WALK)


def _decoder(parts: FilmParts) -> Any:
    from dubkit.ltx import components

    return components.open_video_decoder(*parts.place)


def _stills(folder: Folder, call: Call, *, latent_index: bool) -> tuple[FilmStill, ...]:
    """Return a call's stills; some pipelines of the original place them by latent frame, not by frame."""
    times = latents.FRAMES_PER_LATENT if latent_index else 1
    return tuple(
        FilmStill(folder.path / path, frame * times, strength)
        for path, frame, strength in call.get("images", ())
    )


def _prompts(folder: Folder) -> tuple[str, str]:
    call = folder.params["justdubit_call"]
    return call["prompt"], call["negative_prompt"]


def _clip(path: Path, frames: int, rate: Fraction, *, sought: bool = False) -> ClipMedia:
    pictures, wave, hertz = read_clip(path, sought=sought)
    return ClipMedia(pictures[:frames], wave, hertz, rate, frames)


def stock(folder: Folder) -> None:
    """The stock pipelines."""
    part = folder.part("stock_pipelines")
    for name, entry in folder.params["stock"].items():
        if name not in STOCK:
            raise ValueError(f"Unknown pipeline {name!r}.")
        pipeline, call = STOCK[name], entry["call"]
        rate, frames = Fraction(call["frame_rate"]), call["num_frames"]
        clips = call.get("video_conditioning") or []
        order = FilmOrder(
            *_prompts(folder),
            seed=call["seed"],
            height=call["height"] * pipeline.stages,
            width=call["width"] * pipeline.stages,
            frames=frames,
            rate=rate,
            stills=_stills(folder, call, latent_index=pipeline.stills == "replace"),
            reference=_clip(folder.path / clips[0][0], frames, rate) if clips else None,
            reference_strength=clips[0][1] if clips else 1.0,
            loras=(LoRA(folder.lora(distilled=False)),) if clips else (),
            pipeline=pipeline,
            steps=call.get("num_inference_steps"),
            guidance=call.get("cfg_guidance_scale"),
        )
        _compare(part, name, order, FolderParts(folder, distilled=pipeline.distilled))


def driven(folder: Folder) -> None:
    """Films for a given sound, and parts of clips made again."""
    part = folder.part("audio_driven")
    for name, run in folder.params["audio_driven"].items():
        if name.startswith("a2v_"):
            _compare(part, name, _driven(folder, part, name, run), FolderParts(folder, stored_texts=True))
        elif name.startswith("retake_"):
            _compare(part, name, _retake(folder, part, name, run), FolderParts(folder, stored_texts=True))


def _way(pipeline: FilmPipeline, name: str, run: Call) -> FilmPipeline:
    """Return the product's pipeline with a run's guidance; the last letter of its name is the generation."""
    newer = name.endswith("_c")
    picture, sound = (run.get(f"{stream}_guider_params") for stream in STREAMS)
    blocks = [*(picture or {}).get("stg_blocks", ()), *(sound or {}).get("stg_blocks", ())]
    return pipeline.with_(
        steps=run["call"]["num_inference_steps"],
        guidance=_guidance(picture),
        sound_guidance=_guidance(sound),
        block=blocks[0] if blocks else 0,
        generation="C" if newer else "B",
        single_frames=newer,
    )


def _guidance(values: Mapping[str, Any] | None) -> StreamGuidance:
    if values is None:
        return StreamGuidance()
    names = ("cfg_scale", "stg_scale", "modality_scale", "rescale_scale")
    return StreamGuidance(*(values[name] for name in names))


def _wave(part: Part, path: str) -> GivenWave:
    file = part.folder / path
    samples, rate = sf.read(
        str(file if file.is_file() else part.folder / "media" / path), dtype="float32", always_2d=True
    )
    return GivenWave(torch.from_numpy(samples.T.copy()), rate)


def _driven(folder: Folder, part: Part, name: str, run: Call) -> FilmOrder:
    call, sound = run["call"], _wave(part, run["given"])
    rate, frames = Fraction(call["frame_rate"]), call["num_frames"]
    begin = round(call["audio_start_time"] * sound.sample_rate)
    count = round(call["audio_max_duration"] * sound.sample_rate)
    used = GivenWave(sound.wave[:, begin : begin + count], sound.sample_rate)
    shape = torch.tensor([used.wave.shape[1], used.sample_rate])
    part.check(f"{name}.given.samples_used", shape, EXACT)
    part.check(f"{name}.given.latent", encode_given(used, frames, rate, _ears(folder)))
    part.check(f"{name}.output_audio_shape", torch.tensor([*used.wave.shape, used.sample_rate]), EXACT)
    return FilmOrder(
        *_prompts(folder),
        seed=call["seed"],
        height=call["height"],
        width=call["width"],
        frames=frames,
        rate=rate,
        stills=_stills(folder, call, latent_index=False),
        audio=used,
        pipeline=_way(ways.AUDIO, name, run),
    )


def _ears(folder: Folder) -> Any:
    return FolderParts(folder).audio_encoder()


def _retake(folder: Folder, part: Part, name: str, run: Call) -> FilmOrder:
    call, rate = run["call"], Fraction(run["call"]["frame_rate"])
    return FilmOrder(
        *_prompts(folder),
        seed=call["seed"],
        height=call["height"],
        width=call["width"],
        source=_clip(folder.path / call["video"], call["num_frames"], rate, sought=True),
        retake=TimeRange(
            call["start_time"], call["end_time"], call["regenerate_video"], call["regenerate_audio"]
        ),
        audio=_wave(part, call["given"]) if "given" in call else None,
        pipeline=_way(ways.RETAKE, name, run),
    )


def _compare(part: Part, name: str, order: FilmOrder, parts: FilmParts) -> None:
    watch = Comparison(part, name, order.seed)
    watch.finish(generate(order, parts, watch=watch), parts)
