"""The embedded generator as a take engine: what it needs, and what to do where that is missing."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from dubkit.dubbing.diffusion.recipes import RECIPES
from dubkit.engines.engine import TakeEngine
from dubkit.engines.justdubit import ENGINE as NAME
from dubkit.engines.justdubit.settings import JustDubit
from dubkit.errors import GeneratorError
from dubkit.host import Host
from dubkit.models.catalogue_generator import GENERATOR

CHECKPOINT, TEXT = "checkpoint", "text-encoder"
DUBBING_LORA, DISTILLED_LORA, UPSCALER = "dubbing-lora", "distilled-lora", "spatial-upscaler"
ROLES = (CHECKPOINT, TEXT, DUBBING_LORA, DISTILLED_LORA, UPSCALER)
"""Roles of the models that it needs."""

DISTILLED_CHECKPOINT = "distilled-checkpoint"
"""Role of the checkpoint that a recipe may take in the place of `CHECKPOINT` and the distilled LoRA."""

PACKAGES = ("safetensors", "tokenizers", "torch", "transformers")


def _hindrance(host: Host) -> str:
    packages = _missing_packages()
    if packages:
        return f"the generator needs packages that are not installed: {', '.join(packages)}"
    missing = [role for role in _roles(host) if host.find_model(role) is None]
    if missing:
        return f"the generator needs files that are not here: {', '.join(missing)}"
    return "" if _accelerator() else "the generator's files are here, but no graphics card"


def _require(host: Host) -> None:
    """Raise a DubkitError for what is missing. When asked for, it runs without a graphics card, slowly."""
    packages = _missing_packages()
    if packages:
        raise GeneratorError(
            f"The generator needs packages that are not installed: {', '.join(packages)}.\n"
            'Install them with: pip install "dubkit[gpu]"'
        )
    for role in _roles(host):
        if host.find_model(role) is None:
            host.fetch_model(role)  # says which file is missing, and how to get it


def model_roles(recipe: str, find: Callable[[str], object | None]) -> tuple[str, ...]:
    """Return the roles of the models that a recipe takes, the checkpoint's first.

    `find` looks for the model of a role on this machine.
    """
    chosen = RECIPES.get(recipe)
    if chosen is None or not chosen.distilled_checkpoint or find(DISTILLED_CHECKPOINT) is None:
        return ROLES
    return (DISTILLED_CHECKPOINT, TEXT, DUBBING_LORA, UPSCALER)


def _roles(host: Host) -> tuple[str, ...]:
    return model_roles(host.setting("dub.recipe"), host.find_model)


def _missing_packages() -> list[str]:
    return [name for name in PACKAGES if find_spec(name) is None]


def _accelerator() -> bool:
    """Tell whether a graphics card is there, without importing torch."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(Path("/dev").glob("nvidia[0-9]*"))


ENGINE = TakeEngine(
    name=NAME,
    title="LTX-2 with JustDubit: picture and voice made together, lips in sync",
    hindrance=_hindrance,
    settings=JustDubit,
    models=GENERATOR,
    require=_require,
    drives=True,
    automatic=True,
    reason="its files and a graphics card are here",
)
