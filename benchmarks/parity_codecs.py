"""Comparisons of the autoencoders, the mel front end, the vocoder and the latent upsampler, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from benchmarks.parity_report import Folder, Part
from benchmarks.parity_units import number
from dubkit.ltx import components, mel
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
