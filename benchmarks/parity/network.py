"""Comparisons of the transformer with random inputs, of its parts, and of fused weights."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.parity.report import DEFAULT, EXACT, TABLE, Folder, Part, Tolerance
from benchmarks.parity.units import number
from dubkit.ltx.block import A2V_SCALE, CROSS_GATE, FF_SCALE, SELF_SCALE, V2A_SCALE, Cross, Side, Skip
from dubkit.ltx.lora import Fusion, LoRA
from dubkit.ltx.modulation import Levels, Rows, sinusoid
from dubkit.ltx.rope import Rotation
from dubkit.ltx.transformer import AVTransformer, Tokens
from dubkit.ltx.weights import Checkpoint, load

PREFIX = "model.diffusion_model."
CONNECTORS = tuple(f"{PREFIX}{stream}_embeddings_connector." for stream in ("video", "audio"))

SINUSOID = Tolerance(
    6e-5,
    "absolute",
    "the last bit of exp() differs by processor (6e-8) and the angles reach 1000",
)
"""The original's own function, run on another processor than the reference's, is 3e-5 off it."""


def open_transformer(
    folder: Folder,
    loras: Sequence[LoRA] = (),
    dtype: torch.dtype = torch.float32,
    **changes: Any,
) -> AVTransformer:
    """Load the folder's transformer with LoRAs fused in `dtype` and parts of its configuration changed."""
    checkpoint = Checkpoint(folder.checkpoint())
    with torch.device("meta"):
        model = AVTransformer(replace(checkpoint.config.transformer, **changes))
    fusion = Fusion(loras, model, dtype) if loras else None
    model = load(model, checkpoint, PREFIX, "cpu", dtype, ignore=CONNECTORS, change=fusion)
    return model


def stage_loras(folder: Folder, stage: int, first: float = 1.0, second: float = 1.0) -> list[LoRA]:
    """Return the LoRAs of a dub's stage: the dubbing one in both, the distilled one in the second."""
    loras = [LoRA(folder.lora(distilled=False), first)]
    return loras + ([LoRA(folder.lora(distilled=True), second)] if stage == 2 else [])


class Captured:
    """Inputs and outputs of blocks in one forward pass; blocks change their tokens in place."""

    def __init__(self) -> None:
        self.before: dict[int, tuple[Tensor, Tensor, Side, Side]] = {}
        self.after: dict[int, tuple[Tensor, Tensor]] = {}


@contextmanager
def capture(model: AVTransformer) -> Iterator[Captured]:
    """Note what goes into and comes out of every block."""
    found, hooks = Captured(), []
    for index, block in enumerate(model.transformer_blocks):

        def before(_: nn.Module, args: tuple[Any, ...], index: int = index) -> None:
            found.before[index] = (args[0].clone(), args[1].clone(), args[2], args[3])

        def after(_: nn.Module, args: tuple[Any, ...], __: object, index: int = index) -> None:
            found.after[index] = (args[0].clone(), args[1].clone())

        hooks += [block.register_forward_pre_hook(before), block.register_forward_hook(after)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def per_token(rows: Rows, scales: tuple[int, ...] = (), tokens: Sequence[int] | None = None) -> Tensor:
    """Return modulation vectors as the original has them: [1, T, k * width], without the 1 in scale rows."""
    table = rows.table.clone()
    for row in scales:
        table[:, row] -= 1
    index = rows.levels.rows if tokens is None else rows.levels.rows[list(tokens)]
    return table[index].flatten(1)[None]


def cross_and_gate(rows: Rows, tokens: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
    """Return a cross-modal table's scale and shift rows, and its gate row, in the original's layout."""
    gate = rows._replace(table=rows.table[:, CROSS_GATE:])
    rest = rows._replace(table=rows.table[:, :CROSS_GATE])
    return per_token(rest, (A2V_SCALE, V2A_SCALE), tokens), per_token(gate, (), tokens)


def cross_table(rotation: Rotation) -> tuple[Tensor, Tensor]:
    """Return split tables [B, T, heads, n] as the original has them, [B, heads, T, n]."""
    return rotation.cos.transpose(1, 2), rotation.sin.transpose(1, 2)


def transformer(folder: Folder) -> None:
    """One forward pass in many variants, block by block."""
    unit, rope = folder.part("unit_transformer"), folder.part("unit_rope")
    model = open_transformer(folder)
    _timesteps(unit, model)
    inputs = {name: unit.input(name) for name in unit.names("in.")}
    positions = [rope.input(f"positions_{stream}") for stream in ("video", "audio")]

    def forward(model: AVTransformer, **options: Any) -> tuple[Tensor, Tensor]:
        text = model.text(inputs["in.video_context"], inputs["in.audio_context"])
        out: tuple[Tensor, Tensor] = model(*_tokens(inputs), text, model.rotations(*positions), **options)
        return out

    with capture(model) as captured:
        _check_pair(unit, "plain", forward(model))
    _block_inputs(unit, model, captured, inputs)
    for index, pair in captured.after.items():
        _check_pair(unit, f"plain.block{index}", pair)
    masks = inputs["in.mask_a2v"], inputs["in.mask_v2a"]
    cross = Cross((0, masks[0].shape[0]), (0, masks[1].shape[0]), *masks)
    with capture(model) as captured:
        _check_pair(unit, "masked", forward(model, cross=cross))
    for name in unit.names("masked.block", ".video"):
        index = int(number(r"block#", name))
        _check_pair(unit, f"masked.block{index}", captured.after[index])
    _uniform(unit, model, inputs, positions)
    layers = range(len(model.transformer_blocks))
    for name in unit.names("skip_self_block", ".video"):
        skip = {int(number(r"block#", name)): Skip(video_self=True, audio_self=True)}
        _check_pair(unit, name.removesuffix(".video"), forward(model, skip=skip))
    skip = {layer: Skip(across=True) for layer in layers}
    _check_pair(unit, "skip_cross_all", forward(model, skip=skip))
    # A skip holds for a whole batch here, so the two samples run one by one.
    skipped = re.search(r"blocks ((?:\d+(?:, | and )?)+)", unit.about("batch2_skip.video"))
    chosen = map(int, re.findall(r"\d+", skipped[1] if skipped else ""))
    samples = forward(model, skip={layer: Skip(video_self=True) for layer in chosen}), forward(model)
    _check_pair(unit, "batch2_skip", tuple(map(torch.cat, zip(*samples, strict=True))))
    for name in unit.names("av_ca_multiplier_", ".video"):
        changed = open_transformer(folder, av_gate_timestep_scale=number(r"multiplier_#", name))
        _check_pair(unit, name.removesuffix(".video"), forward(changed))
    changed = open_transformer(folder, rope="interleaved", float64_grid=False)
    _check_pair(unit, "rope_interleaved", forward(changed))
    _layers(unit, model, positions)


def _layers(unit: Part, model: AVTransformer, positions: Sequence[Tensor]) -> None:
    x, rotation = unit.input("attn.q_in"), model.rotations(*positions).video
    for name in unit.names():
        if found := re.fullmatch(r"(attn|ff)\.block(\d+)(?:_(\w+))?", name):
            block = model.transformer_blocks[int(found[2])]
            layer = getattr(block, found[3] or found[1])
            unit.check(name, layer(x, rotation=rotation) if found[1] == "attn" else layer(x))


def _tokens(inputs: Mapping[str, Tensor]) -> tuple[Tokens, Tokens]:
    video, audio = (
        Tokens(inputs[f"in.{stream}_latent"], Levels.of(inputs[f"in.{stream}_timesteps"]))
        for stream in ("video", "audio")
    )
    return video, audio


def _check_pair(unit: Part, name: str, pair: Sequence[Tensor], tolerance: Tolerance = DEFAULT) -> None:
    for stream, tensor in zip(("video", "audio"), pair, strict=True):
        unit.check(f"{name}.{stream}", tensor, tolerance)


def _timesteps(unit: Part, model: AVTransformer) -> None:
    times = unit.input("timestep.t")
    for name in unit.names("timestep.sinusoid"):
        unit.check(name, sinusoid(times, int(number(r"sinusoid#", name))), SINUSOID)
    for name in unit.names("timestep.", ".out"):
        layer = name.removeprefix("timestep.").removesuffix(".out")
        vectors, embedded = getattr(model, layer)(times)
        unit.check(name, vectors.flatten(1))
        unit.check(f"timestep.{layer}.embedded", embedded)


def _uniform(
    unit: Part, model: AVTransformer, inputs: Mapping[str, Tensor], positions: Sequence[Tensor]
) -> None:
    level = number(r"timestep # given", unit.about("uniform_t.video"))
    video, audio = (
        tokens._replace(levels=Levels.uniform(level, tokens.latent.shape[1])) for tokens in _tokens(inputs)
    )
    text = model.text(inputs["in.video_context"], inputs["in.audio_context"])
    _check_pair(unit, "uniform_t", model(video, audio, text, model.rotations(*positions)))


def _block_inputs(unit: Part, model: AVTransformer, captured: Captured, inputs: Mapping[str, Tensor]) -> None:
    for index, (v, a, video, audio) in captured.before.items():
        for stream, x, side in (("video", v, video), ("audio", a, audio)):
            prefix = f"block{index}.in.{stream}"
            if not unit.names(prefix):
                continue
            adaln = getattr(model, "adaln_single" if stream == "video" else "audio_adaln_single")
            levels = side.rows.levels
            embedded = adaln(levels.values * model.config.timestep_scale)[1][:, None]
            unit.check(f"{prefix}.x", x)
            unit.check(f"{prefix}.context", side.text)
            unit.check(f"{prefix}.timesteps", per_token(side.rows, (SELF_SCALE, FF_SCALE)))
            unit.check(f"{prefix}.embedded_timestep", per_token(Rows(embedded, levels)))
            cross, gate = cross_and_gate(side.cross_rows)
            unit.check(f"{prefix}.cross_scale_shift_timestep", cross)
            unit.check(f"{prefix}.cross_gate_timestep", gate)
            unit.check(f"{prefix}.cos", cross_table(side.rotation)[0], TABLE)
            unit.check(f"{prefix}.cross_cos", cross_table(side.cross_rotation)[0], TABLE)


def lora(folder: Folder) -> None:
    """Fused weights: as used in the two stages, and with other strengths and dtypes."""
    unit = folder.part("unit_lora")
    for stage in (1, 2):
        state = open_transformer(folder, stage_loras(folder, stage)).state_dict()
        for name in unit.names(f"stage{stage}."):
            unit.check(name, state[name.removeprefix(f"stage{stage}.")], TABLE)
    for kind, dtype in (("fuse_f32.", torch.float32), ("fuse_bf16.", torch.bfloat16)):
        names = unit.names(kind)
        if not names:
            continue
        about = unit.about(names[0])
        strengths = number(r"strengths # ", about), number(r"and # ", about)
        with tempfile.TemporaryDirectory() as scratch:
            loras = [
                LoRA(_cast(path, Path(scratch), dtype), strength)
                for (path, _), strength in zip(stage_loras(folder, 2), strengths, strict=True)
            ]
            state = open_transformer(folder, loras, dtype).state_dict()
        for name in names:
            unit.check(name, state[name.removeprefix(kind)], EXACT if dtype == torch.bfloat16 else TABLE)


def _cast(path: Path, folder: Path, dtype: torch.dtype) -> Path:
    """Write a LoRA file in another dtype, which is the one that its products are computed in."""
    save_file({key: tensor.to(dtype) for key, tensor in load_file(path).items()}, folder / path.name)
    return folder / path.name
