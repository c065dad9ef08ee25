"""Comparisons of autoencoders, mel front end, vocoder and latent upsampler, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.parity.report import EXACT, Folder, Part
from benchmarks.parity.units import number
from dubkit.dubbing.clip.pixels import to_signed
from dubkit.ltx import components, mel
from dubkit.ltx.tiling import Tiling, decode_tiled, encode_tiled, layout, trapezoid
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder, patchify
from dubkit.ltx.weights import Checkpoint

CPU = torch.device("cpu")


@contextmanager
def outputs(module: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Note what the submodules of these names return."""
    found: dict[str, Tensor] = {}
    hooks = []
    for name in names:

        def note(_: nn.Module, __: object, output: Tensor, name: str = name) -> None:
            found[name] = output.clone()

        hooks.append(module.get_submodule(name).register_forward_hook(note))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def check_layers(unit: Part, prefix: str, module: nn.Module, given: Tensor, result: str) -> Tensor:
    """Run a module, compare the layers that the unit names after `prefix`, and then its result.

    A reference may hold the first channels of a layer only, or one frame of it (`.frame4`).
    """
    modules = dict(module.named_modules())
    layers = {}
    for name in unit.names(f"{prefix}."):
        path, _, frame = name.removeprefix(f"{prefix}.").partition(".frame")
        if path in modules:
            layers[name] = (path, frame)
    with outputs(module, [path for path, _ in layers.values()]) as found:
        out: Tensor = module(given)
    for name, (path, frame) in layers.items():
        part = found[path][:, : unit.shape(name)[1]]
        unit.check(name, part[:, :, int(frame)] if frame else part)
    unit.check(f"{prefix}.{result}", out)
    return out


def audio(folder: Folder) -> None:
    """Waveforms to mel to latent, and back."""
    unit, checkpoint = folder.part("unit_audio"), Checkpoint(folder.checkpoint())
    config = checkpoint.config.audio_vae
    encoder = components.open_audio_encoder(checkpoint, CPU, torch.float32)
    for name in unit.names(suffix=".resampled"):
        case = name.removesuffix(".resampled")
        wave, rate = unit.input(f"{case}.wave"), int(number(r"at # Hz", unit.about(f"{case}.wave")))
        unit.check(name, mel.resample(wave, rate, config.sample_rate))
        unit.check(f"{case}.mel", encoder.mel(wave, rate))
        unit.check(f"{case}.latent", encoder(encoder.mel(wave, rate)))
    seconds = number(r"silence, # s", unit.about("silence.mel"))
    silence = torch.zeros(1, unit.shape("silence.mel")[1], round(seconds * config.sample_rate))
    unit.check("silence.mel", encoder.mel(silence, config.sample_rate))
    filters = mel.mel_filters(config.mel_bins, config.fft_size, config.sample_rate)
    unit.check("mel_filterbank", filters)
    decoder = components.open_audio_decoder(checkpoint, CPU, torch.float32)
    vocoder = components.open_vocoder(checkpoint, CPU, torch.float32)
    decoded = check_layers(unit, "decode", decoder, unit.input("decode.latent"), "mel")
    unit.check("vocoder.wave", vocoder(unit.input("vocoder.mel")))
    unit.check("roundtrip.wave", vocoder(decoded))


def upsampler(folder: Folder) -> None:
    """The latent upsampler alone and between the picture latents' statistics."""
    unit, checkpoint = folder.part("unit_upsampler"), Checkpoint(folder.checkpoint())
    network = components.open_upsampler(folder.upsampler(), checkpoint, CPU, torch.float32)
    statistics = components.open_statistics(checkpoint, CPU, torch.float32)
    latent = unit.input("latent")
    unit.check("raw", network(latent))
    unit.check("with_statistics", statistics.normalize(network(statistics.un_normalize(latent))))


def video(folder: Folder) -> None:
    """Pixels to latents and back, whole and in tiles."""
    unit, checkpoint = folder.part("unit_video_vae"), Checkpoint(folder.checkpoint())
    encoder = components.open_video_encoder(checkpoint, CPU, torch.float32)
    decoder = components.open_video_decoder(checkpoint, CPU, torch.float32)
    check_layers(unit, "encode", encoder, _signed(unit, "encode.pixels_u8"), "latent")
    unit.check("encode1.latent", encoder(unit.input("encode1.pixels")))
    latent = unit.input("decode.latent")
    check_layers(unit, "decode", decoder, latent, "pixels")
    statistics = components.open_statistics(checkpoint, CPU, torch.float32)
    unit.check("stats.normalize", statistics.normalize(latent))
    unit.check("stats.un_normalize", statistics.un_normalize(latent))
    _tiled(unit, encoder, decoder)
    _layouts(unit, decoder)
    patches = folder.part("unit_patchify")
    for name in patches.names("pixels_patched"):
        size = int(number(r"patched#", name))
        patches.check(name, patchify(patches.input("pixels"), size), EXACT)


def _signed(unit: Part, name: str) -> Tensor:
    """Return uint8 pixels [3, F, H, W] as the encoder takes them."""
    return to_signed(unit.input(name).float())[None]


def _tiled(unit: Part, encoder: VideoEncoder, decoder: VideoDecoder) -> None:
    about = unit.about("tiled.decode_tiled_pooled4")
    tiling = Tiling(
        pixels=int(number(r"tile # px", about)),
        overlap_pixels=int(number(r"overlap # px", about)),
        frames=int(number(r"# frames overlap", about)),
        overlap_frames=int(number(r"frames overlap #", about)),
    )
    latent = unit.input("tiled.latent")
    chunks = list(decode_tiled(decoder, latent, tiling))
    unit.check("tiled.decode_chunk_frames", torch.tensor([chunk.shape[2] for chunk in chunks]), EXACT)
    for kind, out in (("untiled", decoder(latent)), ("tiled", torch.cat(chunks, dim=2))):
        for name in unit.names(f"tiled.decode_{kind}_"):
            if "_pooled" in name:
                size = int(number(r"_pooled#", name))
                unit.check(name, F.avg_pool3d(out, (1, size, size)))
            else:
                unit.check(name, out[:, :, int(number(r"_frame#", name))])
    pixels = _signed(unit, "tiled.pixels_u8")
    unit.check("tiled.encode_untiled", encoder(pixels))
    unit.check("tiled.encode_tiled", encode_tiled(encoder, pixels, tiling))


def _layouts(unit: Part, decoder: VideoDecoder) -> None:
    for name in unit.names("ramp."):
        length, left, right, zero = map(int, name.removeprefix("ramp.").split("_"))
        unit.check(name, trapezoid(length, left, right, from_zero=bool(zero)))
    for name in unit.names("tiles."):
        found = re.fullmatch(r"tiles\.(?:de|en)code_default_(\d+)_(\d+)_(\d+)", name)
        if found is None:
            raise ValueError(f"Unknown layout of tiles: {name}.")
        size = int(found[1]), int(found[2]), int(found[3])
        rows = [
            [edge for part in (span.latents for span in spans) for edge in (part.start, part.stop)]
            + [edge for part in (span.pixels for span in spans) for edge in (part.start, part.stop)]
            for spans in product(*layout(size, Tiling(), decoder.strides))
        ]
        unit.check(name, torch.tensor(rows), EXACT)
