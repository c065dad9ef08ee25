"""Speed on a GPU: one block and the whole transformer with random weights, beside the machine's ceilings.

A ceiling is what this machine reaches in this run with the bare operation at the same sizes: one large
matrix product, and attention alone. Rates are floating-point operations of the closed form over seconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks.ltx.models import FULL, Inputs, Size, make_inputs
from benchmarks.pipeline.measure import Figure
from dubkit.dubbing.diffusion.cost import Shape, forward_flops
from dubkit.ltx.attention import attend
from dubkit.ltx.block import Cross
from dubkit.ltx.codec_config import VAEBlock, VideoVAEConfig
from dubkit.ltx.config import read_transformer
from dubkit.ltx.modulation import Levels
from dubkit.ltx.quantize import Float8Linear, multiplies_float8, quantise
from dubkit.ltx.tiling import Tiling, decode_tiled, encode_tiled
from dubkit.ltx.transformer import AVTransformer, Tokens
from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder

PICTURES = ((16, 24), (32, 48))
"""Latent rows and columns of 768 x 512 and 1536 x 1024. With a reference, 121 frames of them are 12,288
and 49,152 picture tokens."""


@dataclass(frozen=True, slots=True)
class Bench:
    """How a figure is measured."""

    device: torch.device
    rounds: int
    size: Size = FULL
    pictures: tuple[tuple[int, int], ...] = PICTURES

    def seconds(self, run: Callable[[], object]) -> list[float]:
        """Return the seconds of each round, after two that do not count."""
        taken = []
        for number in range(-2, self.rounds):
            self.wait()
            began = time.perf_counter()
            run()
            self.wait()
            if number >= 0:
                taken.append(time.perf_counter() - began)
        return taken

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def rate(self, part: str, name: str, run: Callable[[], object], operations: float) -> Figure:
        """Return the rate of `run` in TFLOP/s."""
        rates = [operations / seconds / 1e12 for seconds in self.seconds(run)]
        middle = statistics.median(rates)
        return Figure(part, name, "wall", "TFLOP/s", middle, min(rates), max(rates), self.rounds)


def measure(bench: Bench, *, whole: bool = True, compiled: bool = True) -> Iterator[Figure]:
    """Measure ceilings, one block, the whole transformer (if it fits) and the video autoencoder."""
    for picture in bench.pictures:
        inputs = _on(make_inputs(replace(bench.size, grid=(bench.size.grid[0], *picture))), bench.device)
        name = f"{inputs.video.shape[1]:,} picture tokens"
        yield from _ceilings(bench, name, inputs)
        for precision in ("bf16", "fp8"):
            if precision == "fp8" and not multiplies_float8(bench.device):
                continue
            for layers in (1, bench.size.layers) if whole else (1,):
                yield from _transformer(bench, name, inputs, (precision, layers, compiled))
    yield from _autoencoder(bench)


def _ceilings(bench: Bench, name: str, inputs: Inputs) -> Iterator[Figure]:
    tokens, width = inputs.video.shape[1], bench.size.heads * bench.size.video_head_dim
    x = torch.randn(tokens, width, device=bench.device, dtype=torch.bfloat16)
    weight = torch.randn(4 * width, width, device=bench.device, dtype=torch.bfloat16)
    yield bench.rate(name, "ceiling: matrix product", lambda: x @ weight.t(), 8 * tokens * width**2)
    q = x.view(1, tokens, bench.size.heads, -1)
    yield bench.rate(name, "ceiling: attention", lambda: attend(q, q, q), 4 * tokens**2 * width)


def _transformer(bench: Bench, name: str, inputs: Inputs, variant: tuple[str, int, bool]) -> Iterator[Figure]:
    precision, layers, compiled = variant
    model = _random_transformer(replace(bench.size, layers=layers), bench.device)
    if precision == "fp8":
        _to_float8(model)
    text = model.text(inputs.video_text, inputs.audio_text)
    rotations = model.rotations(inputs.video_positions, inputs.audio_positions)
    video, audio = Levels.of(inputs.video_mask).scaled(0.7), Levels.of(inputs.audio_mask).scaled(0.7)
    shape = Shape(
        inputs.video.shape[1],
        inputs.audio.shape[1],
        inputs.video_text.shape[1],
        inputs.targets[0][1] - inputs.targets[0][0],
        inputs.targets[1][1] - inputs.targets[1][0],
        2,
        2,
    )

    def run() -> tuple[Tensor, Tensor]:
        tokens = Tokens(inputs.video, video), Tokens(inputs.audio, audio)
        return model(*tokens, text, rotations, cross=Cross(*inputs.targets))  # type: ignore[no-any-return]

    label = f"{precision}, {layers} {'block' if layers == 1 else 'blocks'}"
    operations = forward_flops(model.config, shape)
    yield bench.rate(name, f"{label}, eager", run, operations)
    if not compiled:
        return
    for block in model.transformer_blocks:
        block.compile(mode="default")
    yield bench.rate(name, f"{label}, compiled", run, operations)


def _random_transformer(size: Size, device: torch.device) -> AVTransformer:
    """Return a transformer with random bfloat16 weights, made on the device: 38 GB for the full one."""
    with torch.device("meta"):
        model = AVTransformer(read_transformer(size.published())).bfloat16().requires_grad_(False)
    model.to_empty(device=device)
    for parameter in model.parameters():
        parameter.data.normal_(std=parameter.shape[-1] ** -0.5)
    return model


def _to_float8(model: nn.Module) -> None:
    """Replace the blocks' linear layers by scaled float8 ones of the same values."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Linear) and name.startswith("transformer_blocks."):
            parent, _, own = name.rpartition(".")
            small = Float8Linear(layer)
            small.weight.data, small.weight_scale.data = quantise(layer.weight.float())
            small.input_scale.data.fill_(1 / 16)
            model.get_submodule(parent).register_module(own, small)


def _video_config(width: int) -> VideoVAEConfig:
    """Return the published autoencoder's block lists; `width` is 128 in it."""
    steps = ("compress_space_res", "compress_time_res", "compress_all_res", "compress_all_res")
    encoder = [VAEBlock("res_x", 4)]
    for kind, count in zip(steps, (6, 6, 2, 2), strict=True):
        encoder += [VAEBlock(kind, 1, 2), VAEBlock("res_x", count)]
    decoder = [VAEBlock("res_x", 5)]
    for _ in range(3):
        decoder += [VAEBlock("compress_all", 1, 2, True), VAEBlock("res_x", 5)]
    return VideoVAEConfig(
        3, 3, width, 4, tuple(encoder), tuple(decoder), "zeros", "reflect", width, False, False
    )


def _autoencoder(bench: Bench) -> Iterator[Figure]:
    """Encode and decode a clip in tiles at both sizes; seconds."""
    config = _video_config(bench.size.channels)
    with torch.device("meta"):
        encoder, decoder = VideoEncoder(config).bfloat16(), VideoDecoder(config).bfloat16()
    for module in (encoder, decoder):
        module.to_empty(device=bench.device).requires_grad_(False)
        for name, value in module.state_dict().items():
            if "per_channel_statistics" in name:
                value.fill_(1)
            else:
                value.normal_(std=max(value[0].numel(), 100) ** -0.5)
    for rows, columns in bench.pictures:
        frames = 8 * (bench.size.grid[0] - 1) + 1
        shape = (1, 3, frames, 32 * rows, 32 * columns)
        pixels = torch.rand(shape, device=bench.device, dtype=torch.bfloat16) * 2 - 1
        latent = torch.randn(
            1,
            bench.size.channels,
            bench.size.grid[0],
            rows,
            columns,
            device=bench.device,
            dtype=torch.bfloat16,
        )
        part = f"{frames} frames of {32 * columns} x {32 * rows}"
        runs: dict[str, Callable[[], object]] = {
            "encode": partial(encode_tiled, encoder, pixels, Tiling()),
            "decode": partial(_decode, decoder, latent),
        }
        for name, run in runs.items():
            taken = bench.seconds(run)
            middle = statistics.median(taken)
            yield Figure(part, name, "wall", "s", middle, min(taken), max(taken), bench.rounds)


@torch.no_grad()
def _decode(decoder: VideoDecoder, latent: Tensor) -> None:
    for _ in decode_tiled(decoder, latent, Tiling()):
        pass


def _on(inputs: Inputs, device: torch.device) -> Inputs:
    """Return the tokens in bfloat16 on a device; positions and masks stay float32."""
    half = {"video", "audio", "video_text", "audio_text"}
    moved = {
        name: getattr(inputs, name).to(device, torch.bfloat16 if name in half else None)
        for name in (*half, "video_mask", "audio_mask", "video_positions", "audio_positions")
    }
    return replace(inputs, **moved)
