"""Reference tensors of the original code, and how to compare with them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from dubkit.ltx.metadata import parse_metadata
from tests.support.paths import GOLDEN, LEFT_OUT

CHECKPOINT = GOLDEN / "models" / "tiny-ltx2.safetensors"

requires_golden = pytest.mark.skipif(
    not CHECKPOINT.is_file(), reason=f"{LEFT_OUT}: tensors of the original code"
)


def golden(name: str) -> dict[str, Tensor]:
    """Return one file of reference tensors, for example `unit_rope`."""
    return load_file(GOLDEN / f"{name}.safetensors")


def checkpoint_tensors(prefix: str) -> dict[str, Tensor]:
    """Return the tiny checkpoint's tensors under `prefix`, without it, in float32."""
    with safe_open(CHECKPOINT, "pt") as file:
        return {
            key.removeprefix(prefix): file.get_tensor(key).float()
            for key in file.keys()  # noqa: SIM118 - not a mapping
            if key.startswith(prefix)
        }


def checkpoint_config() -> dict[str, Any]:
    """Return the tiny checkpoint's configuration."""
    with safe_open(CHECKPOINT, "pt") as file:
        return parse_metadata(file.metadata(), CHECKPOINT.name)


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """Largest absolute difference over the largest expected magnitude."""
    difference = (actual.double() - expected.double()).abs().max().item()
    return float(difference / max(expected.double().abs().max().item(), 1e-30))


def assert_close(actual: Tensor, expected: Tensor, rel: float = 1e-5) -> None:
    """Assert equal shape and a relative error within `rel`."""
    assert actual.shape == expected.shape
    assert torch.isfinite(actual).all()
    error = relative_error(actual, expected)
    assert error <= rel, f"relative error {error:.2e} above {rel:.0e}"
