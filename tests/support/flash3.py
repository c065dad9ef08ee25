"""FlashAttention-3's entry without its kernels, which need a Hopper card: the numbers are PyTorch's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from unittest import mock

import torch.nn.functional as F
from torch import Tensor

from dubkit.ltx.attention import flash3_available

NAME = "flash_attn_interface"


@contextmanager
def flash3_installed() -> Iterator[list[tuple[int, ...]]]:
    """Let the package be installed; yield the shapes of the queries that it is called with."""
    asked: list[tuple[int, ...]] = []

    def attend(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, None]:
        asked.append(tuple(q.shape))
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v)
        return out.transpose(1, 2), None

    module = ModuleType(NAME)
    module.__spec__ = ModuleSpec(NAME, None)
    module.flash_attn_func = attend  # type: ignore[attr-defined]
    flash3_available.cache_clear()
    try:
        with mock.patch.dict(sys.modules, {NAME: module}):
            yield asked
    finally:
        flash3_available.cache_clear()
