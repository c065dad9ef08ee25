"""Prompts encoded by several processes: one reads the text encoder's files, and the others get it from it.

The processes are the ranks of torch's default group, as `torchrun` starts them. What is here is called by all
of them at once, in the same order; an error of one is raised by all, so that none waits for another in vain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from dubkit.dubbing.clip.encode import encode_prompt
from dubkit.dubbing.diffusion.clip_latents import Contexts
from dubkit.errors import DubkitError
from dubkit.ltx.config import TextConfig
from dubkit.ltx.connectors import Connector
from dubkit.ltx.features import build_features
from dubkit.ltx.text import Gemma, GemmaTokenizer, TextEncoder

Value = TypeVar("Value")
READER = 0
"""The rank that reads the files."""


class SharingFailed(DubkitError):
    """What one process could not do, said by all of them."""


class _Plan(NamedTuple):
    """Everything of a text encoder but its numbers."""

    tokenizer: GemmaTokenizer
    gemma: Any
    """The language model's configuration, an object of transformers."""
    text: TextConfig
    tensors: list[tuple[tuple[int, ...], torch.dtype]]
    """Shape and type of each tensor, in the order of `_tensors`."""


def share_encoder(
    open_encoder: Callable[[], tuple[TextEncoder, TextConfig]], device: torch.device | str
) -> TextEncoder:
    """Return the text encoder on this rank's device, opened by rank 0 alone and sent to the others.

    Args:
        open_encoder: opens the files on `device`; called by rank 0 only, so the others need no files.

    Raises:
        SharingFailed: rank 0 could not open it; the message is its own.
    """
    if dist.get_rank() == READER:
        opened = _agree(open_encoder)
        assert opened is not None
        encoder, text = opened
        tensors = [(tuple(tensor.shape), tensor.dtype) for _, _, tensor in _tensors(encoder)]
        _sent(_Plan(encoder.tokenizer, encoder.gemma.model.config, text, tensors))
    else:
        _agree(None)
        plan: _Plan = _sent(None)
        encoder = _empty_encoder(plan, device)
    for _, _, tensor in _tensors(encoder):
        # As bytes: not every backend knows every number type.
        dist.broadcast(tensor.detach().reshape(-1).view(torch.uint8), READER)
    return encoder


def encode_share(encoder: TextEncoder, prompts: Sequence[str]) -> Iterator[tuple[int, Contexts | Exception]]:
    """Encode this rank's share of some prompts: every n-th, by n ranks.

    Yields the place of each prompt with its contexts, or with the error that it makes. Nothing is sent.
    """
    for place in range(dist.get_rank(), len(prompts), dist.get_world_size()):
        try:
            yield place, encode_prompt(encoder, prompts[place])
        except (DubkitError, ValueError) as error:
            yield place, error


def encode_prompts(encoder: TextEncoder, prompts: Sequence[str]) -> list[Contexts]:
    """Return the contexts of all prompts on every rank; each rank encodes its share.

    Raises:
        SharingFailed: a prompt cannot be encoded; the message is that of the first one.
    """

    def encoded() -> dict[int, Contexts]:
        found = dict(encode_share(encoder, prompts))
        for value in found.values():
            if isinstance(value, Exception):
                raise value
        return {place: value for place, value in found.items() if isinstance(value, Contexts)}

    own = _agree(encoded) or {}
    device = encoder.gemma.model.embed_tokens.weight.device
    return [_contexts(own.get(place), place % dist.get_world_size(), device) for place in range(len(prompts))]


def _contexts(own: Contexts | None, owner: int, device: torch.device) -> Contexts:
    """Return the contexts of a prompt that `owner` has encoded."""
    shapes: Any = None if own is None else [(tuple(x.shape), x.dtype) for x in own]
    found = []
    for index, (shape, dtype) in enumerate(_sent(shapes, owner)):
        # The backend of graphics cards sends what lies on one.
        tensor = torch.empty(shape, dtype=dtype, device=device)
        if own is not None:
            tensor.copy_(own[index])
        dist.broadcast(tensor.reshape(-1).view(torch.uint8), owner)
        found.append(tensor.cpu())
    return Contexts(*found)


def _empty_encoder(plan: _Plan, device: torch.device | str) -> TextEncoder:
    """Build an encoder whose numbers are still to come."""
    from transformers import Gemma3TextModel

    with torch.device("meta"):
        gemma = Gemma(Gemma3TextModel(plan.gemma))
        features = build_features(plan.text, gemma.hidden_size, gemma.hidden_states)
        video, audio = Connector(plan.text.video), Connector(plan.text.audio)
    encoder = TextEncoder(plan.tokenizer, gemma, features, video, audio)
    for (module, name, _), (shape, dtype) in zip(list(_tensors(encoder)), plan.tensors, strict=True):
        tensor = torch.empty(shape, dtype=dtype, device=device)
        owner, _, leaf = name.rpartition(".")
        part = module.get_submodule(owner)
        setattr(part, leaf, tensor if leaf in part._buffers else nn.Parameter(tensor, requires_grad=False))
    for module in _modules(encoder):
        module.requires_grad_(False).eval()
    return encoder


def _modules(encoder: TextEncoder) -> tuple[nn.Module, ...]:
    return encoder.gemma.model, encoder.features, encoder.video, encoder.audio


def _tensors(encoder: TextEncoder) -> Iterator[tuple[nn.Module, str, Tensor]]:
    """Yield every tensor of an encoder with its module and name, tables that are in no file too."""
    for module in _modules(encoder):
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            yield module, name, tensor


def _agree(work: Callable[[], Value] | None) -> Value | None:
    """Do this rank's work and wait for the others'. Raises SharingFailed on all where one has failed."""
    problem, value = "", None
    if work is not None:
        try:
            value = work()
        except (DubkitError, ValueError, OSError) as error:
            problem = str(error)
    problems: list[str] = [""] * dist.get_world_size()
    dist.all_gather_object(problems, problem)
    if failed := next((text for text in problems if text), ""):
        raise SharingFailed(failed)
    return value


def _sent(value: Any, owner: int = READER) -> Any:
    """Return the owner's value on every rank."""
    box = [value]
    dist.broadcast_object_list(box, owner)
    return box[0]
