"""Count what a forward pass does: operators, bytes written, floating-point operations, rows and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.ltx.models import Inputs, Size, make_inputs, ours
from benchmarks.ltx.references import reference, run_reference
from dubkit.dubbing.diffusion.cost import Shape, forward_flops, text_flops
from dubkit.ltx.block import Cross
from dubkit.ltx.config import read_transformer
from dubkit.ltx.modulation import Levels
from dubkit.ltx.transformer import AVTransformer, Tokens

VIEWS = frozenset(
    {
        "view",
        "t",
        "transpose",
        "slice",
        "select",
        "unsqueeze",
        "squeeze",
        "expand",
        "detach",
        "split",
        "alias",
    }
    | {"split_with_sizes", "unbind", "_unsafe_view", "permute", "as_strided", "_reshape_alias"}
)
ALLOCATIONS = frozenset({"empty", "empty_like", "new_empty"})

Pass = Callable[[], tuple[Tensor, Tensor]]


class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Count the kernels that compute (no views, no allocations) and the bytes of their results."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name not in VIEWS | ALLOCATIONS:
            self.calls[name] += 1
            for out in result if isinstance(result, tuple | list) else (result,):
                if isinstance(out, Tensor):
                    self.bytes += out.numel() * out.element_size()
        return result


@dataclass(frozen=True, slots=True)
class BlockCost:
    """What one block adds to a forward pass."""

    operators: float
    tensors_written: float
    """Bytes written over the bytes of both streams' tokens."""


def dub_pass(model: AVTransformer, inputs: Inputs, sigma: float = 0.7, *, rows: bool = True) -> Pass:
    """Return a forward pass as a dub's step runs it: text, tables and levels are prepared once."""
    text = model.text(inputs.video_text, inputs.audio_text)
    rotations = model.rotations(inputs.video_positions, inputs.audio_positions)
    video, audio = Levels.of(inputs.video_mask), Levels.of(inputs.audio_mask)
    cross = Cross(*inputs.targets) if rows else None

    def run() -> tuple[Tensor, Tensor]:
        return model(  # type: ignore[no-any-return]
            Tokens(inputs.video, video.scaled(sigma), sigma),
            Tokens(inputs.audio, audio.scaled(sigma), sigma),
            text,
            rotations,
            cross=cross,
        )

    return run


def reference_pass(model: nn.Module, inputs: Inputs, sigma: float = 0.7) -> Pass:
    """Return a forward pass of ltx-core."""
    return lambda: run_reference(model, inputs, sigma)


def block_cost(make: Callable[[Size], Pass], size: Size, inputs: Inputs) -> BlockCost:
    """Return what a block costs: the difference between two and four blocks, halved."""
    found = []
    for layers in (2, 4):
        run = make(replace(size, layers=layers))
        run()
        with Counting() as counting:
            run()
        found.append((sum(counting.calls.values()), counting.bytes))
    tokens = 4 * (
        inputs.video.shape[1] * size.heads * size.video_head_dim
        + inputs.audio.shape[1] * size.heads * size.audio_head_dim
    )
    return BlockCost((found[1][0] - found[0][0]) / 2, (found[1][1] - found[0][1]) / 2 / tokens)


def our_block_cost(size: Size, *, references: bool) -> BlockCost:
    """Return the cost of one of our blocks, for a plain clip or for a dub with references and target rows."""
    inputs = make_inputs(size, 1, references=references)
    return block_cost(lambda s: dub_pass(ours(s), inputs, rows=references), size, inputs)


def reference_block_cost(size: Size, *, references: bool) -> BlockCost:
    """Return the cost of one of ltx-core's blocks with the same tokens (it has no target rows)."""
    inputs = make_inputs(size, 1, references=references)
    return block_cost(lambda s: reference_pass(reference(s, ours(s).state_dict()), inputs), size, inputs)


@dataclass(frozen=True, slots=True)
class Flops:
    """Counted and computed operations of one forward pass, and of preparing its text."""

    counted: int
    formula: int
    text_counted: int
    text_formula: int


def flops(size: Size, *, references: bool) -> Flops:
    """Count the operations of a pass without computing it, and compare with the closed form."""
    inputs = make_inputs(size, references=references)
    levels = Levels.of(inputs.video_mask), Levels.of(inputs.audio_mask)
    shape = Shape(
        inputs.video.shape[1],
        inputs.audio.shape[1],
        size.text,
        inputs.targets[0][1] - inputs.targets[0][0],
        inputs.targets[1][1] - inputs.targets[1][0],
        len(levels[0].values),
        len(levels[1].values),
    )
    with torch.device("meta"):
        model = AVTransformer(read_transformer(size.published())).requires_grad_(False)
    with FlopCounterMode(display=False) as text_counter:
        text = model.text(inputs.video_text.to("meta"), inputs.audio_text.to("meta"))
    rotations = model.rotations(inputs.video_positions.to("meta"), inputs.audio_positions.to("meta"))
    tokens = [
        Tokens(latent.to("meta"), Levels(mask.values.to("meta"), mask.runs, mask.rows.to("meta")))
        for latent, mask in zip((inputs.video, inputs.audio), levels, strict=True)
    ]
    with FlopCounterMode(display=False) as counter:
        model(*tokens, text, rotations, cross=Cross(*inputs.targets))
    return Flops(
        counter.get_total_flops(),
        forward_flops(model.config, shape),
        text_counter.get_total_flops(),
        text_flops(model.config, size.text),
    )


@dataclass(frozen=True, slots=True)
class Repeats:
    """Work that does not depend on the step, over a number of steps."""

    rows: int
    """Rows through the AdaLN MLPs."""
    tables: int
    """Rotary tables built."""


def our_repeats(size: Size, steps: int) -> Repeats:
    """Count AdaLN rows and rotary tables of our passes."""
    model, inputs = ours(size), make_inputs(size, 1)
    rows = _count_rows(model)
    with Counting() as counting:
        run = dub_pass(model, inputs)
        for _ in range(steps):
            run()
    # Each table takes one cosine; each of the six AdaLNs takes one for a pass.
    return Repeats(rows[0], counting.calls["cos"] - 6 * steps)


def reference_repeats(size: Size, steps: int) -> Repeats:
    """Count the same of ltx-core."""
    model, inputs = reference(size, ours(size).state_dict()), make_inputs(size, 1)
    rows = _count_rows(model)
    run = reference_pass(model, inputs)
    with Counting() as counting:
        for _ in range(steps):
            run()
    return Repeats(rows[0], counting.calls["cos"] - 6 * steps)


def _count_rows(model: nn.Module) -> list[int]:
    rows = [0]

    def count(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        rows[0] += args[0].numel() // args[0].shape[-1]

    for name, module in model.named_modules():
        if name.endswith("adaln_single.emb.timestep_embedder.linear_1"):
            module.register_forward_pre_hook(count)
    return rows
