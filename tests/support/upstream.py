"""Import the published reference packages for comparison, where somebody has installed them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest


def import_upstream(name: str) -> Any:
    """Import a module of ltx-core, with an empty stand-in for torchaudio, or skip the test."""
    if importlib.util.find_spec("ltx_core") is None:
        pytest.skip("ltx-core is not installed; it is only needed for comparison")
    for stub in ("torchaudio", "torchaudio.transforms", "torchaudio.functional"):
        if stub not in sys.modules:
            module = ModuleType(stub)
            module.__spec__ = ModuleSpec(stub, None)
            sys.modules[stub] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
