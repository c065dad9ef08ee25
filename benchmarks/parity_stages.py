"""Comparisons of a dub stage by stage; each starts from the reference's own tensors of the stage before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.parity_dub import (
    Models,
    add_noise,
    denoiser,
    finish,
    grid_of,
    read_clip,
    sample_count,
    start,
    velocity_of,
)
from benchmarks.parity_network import (
    Captured,
    capture,
    cross_and_gate,
    cross_table,
    per_token,
    stage_loras,
)
from benchmarks.parity_report import BYTE, CODEC, EXACT, TABLE, Folder, Part, Tolerance
from benchmarks.parity_units import number
from dubkit.dubbing import conditioning, pixels, schedules
from dubkit.dubbing.sampler import States, sample
from dubkit.dubbing.state import TokenState, clean_prediction, held
from dubkit.ltx import latents, mel
from dubkit.ltx.block import FF_SCALE, SELF_SCALE
from dubkit.ltx.modulation import Rows
from dubkit.ltx.tiling import Tiling
from dubkit.ltx.transformer import AVTransformer, Text
from dubkit.ltx.video_vae import to_uint8

STREAMS = ("video", "audio")
KINDS = ("start_latent", "clean_latent", "denoise_mask", "positions")

WALK = Tolerance(
    1e-4,
    "absolute",
    "a whole run of steps: kernels and thread counts alone move the original by 1e-5 (latents of size 1)",
)


def media(folder: Folder) -> None:
    """From the files of the clip to pixels and latents, and from latents to pictures and sound."""
    part, dub = folder.part("e2e_media"), folder.part("e2e_justdubit")
    call, models = folder.params["justdubit_call"], Models(folder)
    frames, wave, _ = read_clip(folder.path / call["video_conditioning"][0][0])
    part.check("clip_frames", frames, CODEC)
    part.check("clip_audio", wave, Tolerance(1e-4, "absolute", CODEC.reason))
    still = pixels.read_still(folder.path / call["images"][0][0])
    part.check("image_after_crf", pixels.compressed(still), CODEC)
    image, frames = part.input("image_after_crf"), part.input("clip_frames")
    used = (frames.shape[0] - 1) // latents.FRAMES_PER_LATENT * latents.FRAMES_PER_LATENT + 1
    size = call["height"], call["width"]
    part.check("stage1.image_pixels", pixels.to_signed(pixels.cover(image[None], *size)))
    shown = numbers(part.about("stage1.ref_pixels_frames"), r"frames (\d+(?:(?:, | and )\d+)*)")
    part.check("stage1.ref_pixels_frames", pixels.to_signed(pixels.cover(frames[shown], *size)))
    tiling = Tiling() if call["tiling_config"] else None
    for stage in (1, 2):
        size = call["height"] * stage, call["width"] * stage
        dub.check(f"stage{stage}.image_latent", models.encode(image[None], *size))
        dub.check(f"stage{stage}.ref_video_latent", models.encode(frames[:used], *size, tiling))
    _sound(part, dub, models, used, call["frame_rate"])
    dub.check("upsampled_latent", models.upsample(dub.input("stage1.final_video_latent")))
    out = models.decode(dub.input("stage2.final_video_latent"), tiling)
    shown = numbers(part.about("output_frames_u8"), r"frames \[([\d, ]+)\]")
    part.check("output_frames_u8", to_uint8(out)[0, shown], BYTE)
    rows, columns = (
        numbers(part.about("output_frame0_float_crop"), rf"{axis} (\d+\.\.\d+)")
        for axis in ("rows", "columns")
    )
    crop = out[:, :, :1, rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
    part.check("output_frame0_float_crop", crop)
    for name in part.names("output_pooled"):
        pool = int(number(r"pooled#", name))
        part.check(name, F.avg_pool3d(out, (1, pool, pool)))
    sound = dub.input("stage2.final_audio_latent")
    part.check("output_mel", models.audio_decoder(sound))
    part.check("output_audio", models.speak(sound))


def _sound(part: Part, dub: Part, models: Models, frames: int, fps: float) -> None:
    wave, rate = part.input("clip_audio"), int(number(r"at # Hz", part.about("clip_audio")))
    to_rate = models.audio_encoder.config.sample_rate
    samples = sample_count(frames, fps, rate)
    part.check("audio_resampled", mel.resample(mel.fit(wave, samples), rate, to_rate))
    resampled = part.input("audio_resampled")
    part.check("audio_mel", models.audio_encoder.mel(resampled[None], to_rate))
    dub.check("ref_audio_latent", models.audio_encoder(part.input("audio_mel")))


def numbers(text: str, pattern: str) -> list[int]:
    """Return the whole numbers in what a pattern's group finds in a description."""
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"No {pattern!r} in {text!r}.")
    return [int(value) for value in re.findall(r"\d+", found[1])]


def stages(folder: Folder) -> Iterator[tuple[int, States, States, conditioning.Grid]]:
    """Yield each stage's number, states before and after noise, and grid, from stored latents."""
    part, call = folder.part("e2e_justdubit"), folder.params["justdubit_call"]
    generator = torch.Generator().manual_seed(call["seed"])
    sound = part.input("ref_audio_latent")
    for stage in (1, 2):
        reference = part.input(f"stage{stage}.ref_video_latent")
        grid = grid_of(reference.shape, call["frame_rate"])
        strength = call["video_conditioning"][0][1]
        picture: list[conditioning.PictureItem] = [
            conditioning.Replacement(
                part.input(f"stage{stage}.image_latent"), call["images"][0][1], call["images"][0][2]
            ),
            conditioning.Reference(reference, strength),
        ]
        video = part.input("upsampled_latent") if stage == 2 else torch.zeros_like(reference)
        audio = part.input("stage1.final_audio_latent") if stage == 2 else torch.zeros_like(sound)
        heard = conditioning.SoundReference(sound, strength) if stage == 1 else None
        before = start(grid, video, audio, picture, heard)
        drawn = torch.Generator()
        drawn.set_state(generator.get_state())
        for stream, state in zip(STREAMS, before, strict=True):
            noise = torch.randn(state.latent.shape, generator=drawn)
            part.check(f"stage{stage}.noise_{stream}", noise, EXACT)
        scale = schedules.DUB_SECOND_STAGE[0] if stage == 2 else 1.0
        yield stage, before, add_noise(before, scale, generator), grid


def dub_states(folder: Folder) -> None:
    """Noise, token states and cross-modal masks of both stages of a dub."""
    part, call = folder.part("e2e_justdubit"), folder.params["justdubit_call"]
    for stage, _, states, _ in stages(folder):
        a2v, v2a = conditioning.cross_masks(states[0].mask, states[1].mask, torch.float32)
        part.check(f"stage{stage}.mask_a2v", a2v, EXACT)
        part.check(f"stage{stage}.mask_v2a", v2a, EXACT)
        if stage == 2:
            states = states[0], states[1].frozen()
        for stream, state in zip(STREAMS, states, strict=True):
            prefix = f"stage{stage}.{stream}"
            part.check(f"{prefix}.start_latent", state.latent)
            part.check(f"{prefix}.clean_latent", state.clean, EXACT)
            part.check(f"{prefix}.denoise_mask", state.mask, EXACT)
            part.check(f"{prefix}.positions", state.positions, TABLE)
    part.check("stage1.sigmas", schedules.ltx2_sigmas(call["num_inference_steps"]), TABLE)
    part.check("stage2.sigmas", torch.tensor(schedules.DUB_SECOND_STAGE), TABLE)


def stored_states(part: Part, stage: int) -> States:
    """Return the stored states that a stage's loop starts from."""
    targets = (
        _tokens(part.shape(f"stage{stage}.final_video_latent")),
        part.shape(f"stage{stage}.final_audio_latent")[2],
    )
    states = []
    for stream, count in zip(STREAMS, targets, strict=True):
        names = (f"stage{stage}.{stream}.{kind}" for kind in KINDS)
        latent, clean, mask, positions = map(part.input, names)
        states.append(TokenState(latent, clean, mask, positions, count))
    return tuple(states)


def _tokens(shape: tuple[int, ...]) -> int:
    return shape[2] * shape[3] * shape[4]


def texts(folder: Folder, model: AVTransformer) -> tuple[Text, Text]:
    """Return both prompts' stored contexts as a transformer takes them."""
    part = folder.part("e2e_text")
    positive, negative = (
        model.text(part.input(f"{name}.video_context"), part.input(f"{name}.audio_context"))
        for name in ("pos", "neg")
    )
    return positive, negative


def dub_steps(folder: Folder) -> None:
    """The first step of both stages in detail, and all their steps in a row."""
    part, call = folder.part("e2e_justdubit"), folder.params["justdubit_call"]
    for stage in (1, 2):
        model = Models(folder).transformer(stage_loras(folder, stage))
        positive, negative = texts(folder, model)
        states, sigmas = stored_states(part, stage), part.input(f"stage{stage}.sigmas")
        # The sound's mask is 0 in the second stage; who sees whom was decided while it was 1.
        audio = states[1].mask if stage == 1 else torch.ones_like(states[1].mask)
        cross = conditioning.cross_attention(states[0].mask, audio)
        sigma = float(sigmas[0])
        passes = {"cond.": positive, "uncond.": negative} if stage == 1 else {"": positive}
        for name, text in passes.items():
            with capture(model) as captured:
                out = velocity_of(model, states, cross, text, sigma)
            prefix = f"stage{stage}.step0.{name}"
            for stream, state, velocity in zip(STREAMS, states, out, strict=True):
                part.check(f"{prefix}velocity_{stream}", velocity)
                stored = part.input(f"{prefix}velocity_{stream}")
                part.check(f"{prefix}x0_{stream}", clean_prediction(state, stored, sigma))
                part.check(f"{prefix}timesteps_{stream}", state.levels(sigma), TABLE)
            if part.names(f"{prefix}block"):
                _details(part, prefix, model, captured)
        guided = negative if stage == 1 and call["cfg_guidance_scale"] != 1.0 else None
        denoise = denoiser(model, cross, positive, guided, call["cfg_guidance_scale"])
        _walk(part, stage, denoise, states, sigmas)


def _walk(part: Part, stage: int, denoise: Any, states: States, sigmas: Tensor) -> None:
    if part.names(f"stage{stage}.step0.denoised_"):
        guided = denoise(states, float(sigmas[0]))
        for stream, state, clean in zip(STREAMS, states, guided, strict=True):
            part.check(f"stage{stage}.step0.denoised_{stream}", held(state, clean))

    def note(step: int, now: States) -> None:
        for stream, state in zip(STREAMS, now, strict=True):
            part.check(f"stage{stage}.after_step{step}.{stream}", state.latent, WALK)

    end = sample(denoise, states, sigmas, on_step=note)
    grid = grid_of(part.shape(f"stage{stage}.final_video_latent"), 1.0)
    done = finish(end, grid, part.shape(f"stage{stage}.final_audio_latent")[1])
    part.check(f"stage{stage}.final_video_latent", done.video, WALK)
    part.check(f"stage{stage}.final_audio_latent", done.audio, WALK)


def _details(part: Part, prefix: str, model: AVTransformer, captured: Captured) -> None:
    """Compare what went into the first block and what came out of each."""
    v, a, *sides = captured.before[0]
    for stream, x, side in zip(STREAMS, (v, a), sides, strict=True):
        name = f"{prefix}{stream}"
        adaln = getattr(model, "adaln_single" if stream == "video" else "audio_adaln_single")
        levels = side.rows.levels
        embedded = Rows(adaln(levels.values * model.config.timestep_scale)[1][:, None], levels)
        ends = (0, -1)
        part.check(f"{name}.tokens_in", x)
        first = part.names(f"{name}.context_first")[0]
        part.check(first, side.text[:, : part.shape(first)[1]])
        rows = per_token(side.rows, (SELF_SCALE, FF_SCALE), ends)
        part.check(f"{name}.ada_timestep_firstlast", rows)
        part.check(f"{name}.embedded_timestep_firstlast", per_token(embedded, (), ends))
        cross, gate = cross_and_gate(side.cross_rows, ends)
        part.check(f"{name}.cross_scale_shift_firstlast", cross)
        part.check(f"{name}.cross_gate_firstlast", gate)
        for table, rotation in (("rope", side.rotation), ("cross_rope", side.cross_rotation)):
            for kind, values in zip(("cos", "sin"), cross_table(rotation), strict=True):
                part.check(f"{name}.{table}_{kind}", values, TABLE)
    for index, pair in captured.after.items():
        for stream, x in zip(STREAMS, pair, strict=True):
            part.check(f"{prefix}block{index}.{stream}_out", x)
