"""Comparisons of a dub stage by stage; each starts from the reference's own tensors of the stage before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.parity.dub import Models, noise_of, read_clip, sample_count, used_frames
from benchmarks.parity.network import (
    Captured,
    capture,
    cross_and_gate,
    cross_table,
    per_token,
    stage_loras,
)
from benchmarks.parity.report import BYTE, CODEC, EXACT, TABLE, Folder, Part, Tolerance
from benchmarks.parity.units import number
from dubkit.dubbing.clip import pixels
from dubkit.dubbing.clip.decode import decode_clip
from dubkit.dubbing.clip.encode import encode_clip
from dubkit.dubbing.clip.media import ClipMedia, Still, laid
from dubkit.dubbing.diffusion import conditioning
from dubkit.dubbing.diffusion.clip_latents import EncodedClip, FirstStage, SecondStage, View
from dubkit.dubbing.diffusion.generate import (
    ClipInputs,
    DiffusionStart,
    Plan,
    denoiser,
    finished,
    start_first,
    start_second,
    upsample,
    velocities,
)
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT
from dubkit.dubbing.diffusion.sampler import Denoise, States, sample
from dubkit.dubbing.diffusion.state import TokenState, clean_prediction, held
from dubkit.ltx import latents, mel
from dubkit.ltx.block import FF_SCALE, SELF_SCALE
from dubkit.ltx.components import OpenedTransformer
from dubkit.ltx.modulation import Rows
from dubkit.ltx.tiling import Tiling
from dubkit.ltx.transformer import AVTransformer, Text

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
    size = call["height"], call["width"]
    part.check("stage1.image_pixels", laid(image[None], None, *size, torch.float32))
    shown = numbers(part.about("stage1.ref_pixels_frames"), r"frames (\d+(?:(?:, | and )\d+)*)")
    part.check("stage1.ref_pixels_frames", laid(frames[shown], None, *size, torch.float32))
    tiling = Tiling() if call["tiling_config"] else None
    wave, rate = part.input("clip_audio"), int(number(r"at # Hz", part.about("clip_audio")))
    used = used_frames(len(frames))
    wave = mel.fit(wave, sample_count(used, call["frame_rate"], rate))
    _sound(part, models, wave, rate)
    clip = ClipMedia(frames[:used], wave, rate, Fraction(call["frame_rate"]), used, stills=(Still(image),))
    codecs = models.video_encoder, models.audio_encoder
    # The stored still has been through H.264 already.
    encoded = encode_clip(clip, JUSTDUBIT.with_(still_crf=0), size[1], size[0], *codecs, tiling)
    for stage, view in ((1, encoded.first), (2, encoded.second)):
        assert view.reference is not None
        dub.check(f"stage{stage}.image_latent", view.stills[0])
        dub.check(f"stage{stage}.ref_video_latent", view.reference)
    assert encoded.sound is not None
    dub.check("ref_audio_latent", encoded.sound)
    first = FirstStage(
        dub.input("stage1.final_video_latent"), dub.input("stage1.final_audio_latent"), torch.empty(0)
    )
    dub.check("upsampled_latent", upsample(first, models.upsampler, models.statistics))
    _decoded(part, dub, models, tiling)


def _decoded(part: Part, dub: Part, models: Models, tiling: Tiling | None) -> None:
    finished = SecondStage(dub.input("stage2.final_video_latent"), dub.input("stage2.final_audio_latent"))
    decoders = models.video_decoder, models.audio_decoder, models.vocoder
    pieces, wave, _ = decode_clip(finished, *decoders, tiling)
    part.check("output_audio", wave)
    part.check("output_mel", models.audio_decoder(finished.audio))
    shown = numbers(part.about("output_frames_u8"), r"frames \[([\d, ]+)\]")
    part.check("output_frames_u8", torch.cat(list(pieces))[shown], BYTE)
    out = models.decoded(finished.video, tiling)
    rows, columns = (
        numbers(part.about("output_frame0_float_crop"), rf"{axis} (\d+\.\.\d+)")
        for axis in ("rows", "columns")
    )
    crop = out[:, :, :1, rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
    part.check("output_frame0_float_crop", crop)
    for name in part.names("output_pooled"):
        pool = int(number(r"pooled#", name))
        part.check(name, F.avg_pool3d(out, (1, pool, pool)))


def _sound(part: Part, models: Models, wave: Tensor, rate: int) -> None:
    to_rate = models.audio_encoder.config.sample_rate
    part.check("audio_resampled", mel.resample(wave, rate, to_rate))
    part.check("audio_mel", models.audio_encoder.mel(part.input("audio_resampled")[None], to_rate))


def numbers(text: str, pattern: str) -> list[int]:
    """Return the whole numbers in what a pattern's group finds in a description."""
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(f"No {pattern!r} in {text!r}.")
    return [int(value) for value in re.findall(r"\d+", found[1])]


def stored_latents(part: Part, call: Mapping[str, Any]) -> EncodedClip:
    """Return the stored latents of clip, still and sound."""
    views = [
        View((part.input(f"stage{stage}.image_latent"),), part.input(f"stage{stage}.ref_video_latent"))
        for stage in (1, 2)
    ]
    sound = part.input("ref_audio_latent")
    _, channels, _, bins = sound.shape
    reference = views[0].reference
    assert reference is not None
    frames = (reference.shape[2] - 1) * latents.FRAMES_PER_LATENT + 1
    places = ((call["images"][0][1], call["images"][0][2]),)
    size = call["height"], call["width"]
    return EncodedClip(frames, *size, channels, bins, views[0], views[1], places, sound)


def stages(folder: Folder) -> Iterator[tuple[int, DiffusionStart]]:
    """Yield each stage's number and start, from stored latents; compare the noise on the way."""
    part, call = folder.part("e2e_justdubit"), folder.params["justdubit_call"]
    generator = torch.Generator().manual_seed(call["seed"])
    recipe = JUSTDUBIT.with_(
        steps=call["num_inference_steps"], reference_strength=call["video_conditioning"][0][1]
    )
    clip = ClipInputs(recipe, stored_latents(part, call), Fraction(call["frame_rate"]))
    network = Models(folder).transformer(()).network
    names = ("stage1.final_video_latent", "stage1.final_audio_latent")
    for stage in (1, 2):
        before = torch.Generator()
        before.set_state(generator.get_state())
        if stage == 1:
            start = start_first(network, clip, generator)
        else:
            first = FirstStage(part.input(names[0]), part.input(names[1]), generator.get_state())
            enlarged = part.input("upsampled_latent")
            start = start_second(network, clip, first, enlarged, generator)
        for stream, noise in zip(STREAMS, noise_of(start.states, before), strict=True):
            part.check(f"stage{stage}.noise_{stream}", noise, EXACT)
        yield stage, start


def dub_states(folder: Folder) -> None:
    """Noise, token states and cross-modal masks of both stages of a dub."""
    part = folder.part("e2e_justdubit")
    for stage, start in stages(folder):
        states = start.states
        # In the second stage the sound's mask is 0; who sees whom was decided while it was 1.
        audio = states[1].mask if stage == 1 else torch.ones_like(states[1].mask)
        assert start.cross == conditioning.cross_attention(states[0].mask, audio)
        a2v, v2a = conditioning.cross_masks(states[0].mask, audio, torch.float32)
        part.check(f"stage{stage}.mask_a2v", a2v, EXACT)
        part.check(f"stage{stage}.mask_v2a", v2a, EXACT)
        for stream, state in zip(STREAMS, states, strict=True):
            prefix = f"stage{stage}.{stream}"
            part.check(f"{prefix}.start_latent", state.latent)
            part.check(f"{prefix}.clean_latent", state.clean, EXACT)
            part.check(f"{prefix}.denoise_mask", state.mask, EXACT)
            part.check(f"{prefix}.positions", state.positions, TABLE)
        part.check(f"stage{stage}.sigmas", start.sigmas, TABLE)


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
        opened = Models(folder).transformer(stage_loras(folder, stage))
        positive, negative = texts(folder, opened.network)
        states, sigmas = stored_states(part, stage), part.input(f"stage{stage}.sigmas")
        # The sound's mask is 0 in the second stage; who sees whom was decided while it was 1.
        audio = states[1].mask if stage == 1 else torch.ones_like(states[1].mask)
        cross = conditioning.cross_attention(states[0].mask, audio)
        _, _, frames, rows, columns = part.shape(f"stage{stage}.final_video_latent")
        start = DiffusionStart(
            states, cross, sigmas, conditioning.Grid(frames, rows, columns, 1.0), frozen_sound=stage == 2
        )
        passes = {"cond.": positive, "uncond.": negative} if stage == 1 else {"": positive}
        for name, text in passes.items():
            _first_pass(part, f"stage{stage}.step0.{name}", opened, start, text)
        guided = [negative] if stage == 1 and call["cfg_guidance_scale"] != 1.0 else []
        plan = Plan(JUSTDUBIT.generation, call["cfg_guidance_scale"], None)
        _walk(part, stage, denoiser(opened, start, [positive, *guided], plan), start)


def _first_pass(
    part: Part, prefix: str, opened: OpenedTransformer, start: DiffusionStart, text: Text
) -> None:
    states, sigma = start.states, float(start.sigmas[0])
    rotations = opened.network.rotations(states[0].positions, states[1].positions)
    with capture(opened.network) as captured:
        out = velocities(opened, start, text, rotations, sigma, JUSTDUBIT.generation)
    for stream, state, velocity in zip(STREAMS, states, out, strict=True):
        part.check(f"{prefix}velocity_{stream}", velocity)
        stored = part.input(f"{prefix}velocity_{stream}")
        part.check(f"{prefix}x0_{stream}", clean_prediction(state, stored, sigma))
        part.check(f"{prefix}timesteps_{stream}", state.levels(sigma), TABLE)
    if part.names(f"{prefix}block"):
        _details(part, prefix, opened.network, captured)


def _walk(part: Part, stage: int, denoise: Denoise, start: DiffusionStart) -> None:
    if part.names(f"stage{stage}.step0.denoised_"):
        guided = denoise(start.states, float(start.sigmas[0]))
        for stream, state, clean in zip(STREAMS, start.states, guided, strict=True):
            part.check(f"stage{stage}.step0.denoised_{stream}", held(state, clean))

    def note(step: int, now: States) -> None:
        for stream, state in zip(STREAMS, now, strict=True):
            part.check(f"stage{stage}.after_step{step}.{stream}", state.latent, WALK)

    end = sample(denoise, start.states, start.sigmas, on_step=note)
    channels = part.shape(f"stage{stage}.final_audio_latent")[1]
    for stream, made in zip(STREAMS, finished(end, start.grid, channels), strict=True):
        part.check(f"stage{stage}.final_{stream}_latent", made, WALK)


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
