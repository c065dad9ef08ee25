"""Tiny model files, small pictures, and one way to make a film of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dubkit.dubbing.diffusion.clip_latents import Contexts
from dubkit.generation import Film, FilmFiles, FilmOrder, FilmParts, LoRA, generate
from dubkit.ltx.memory import MemoryPlan
from dubkit.models.tiny.files import GEMMA, NAMES, make_tiny
from dubkit.types import Remark

Make = Callable[..., Film]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film-weights") / "tiny"
    make_tiny(folder)
    return folder


@pytest.fixture(scope="session")
def files(weights: Path) -> FilmFiles:
    names = NAMES["2"]
    return FilmFiles(
        weights / names["checkpoint"],
        weights / GEMMA,
        weights / names["spatial"],
        LoRA(weights / names["distilled"]),
        weights / names["temporal"],
    )


@pytest.fixture(autouse=True)
def uncollected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the garbage collection between models: it costs more here than the tiny models do."""
    monkeypatch.setattr("dubkit.generation.window.empty_caches", lambda: None)


CONTEXTS: dict[tuple[Path, str], Contexts] = {}


class RememberingParts(FilmParts):
    """Reads each prompt once in a run of the tests."""

    def embed(self, prompts: Sequence[str], plan: MemoryPlan, still: Tensor | None = None) -> list[Contexts]:
        gemma = self.files.gemma
        fresh = [prompt for prompt in prompts if (gemma, prompt) not in CONTEXTS]
        if fresh:
            made = super().embed(fresh, plan, still)
            CONTEXTS.update({(gemma, prompt): own for prompt, own in zip(fresh, made, strict=True)})
        return [CONTEXTS[gemma, prompt] for prompt in prompts]


@pytest.fixture
def said() -> list[Remark]:
    """What the making of films remarks on."""
    return []


@pytest.fixture
def make(files: FilmFiles, said: list[Remark]) -> Make:
    """Make a film of 64x64 pixels in one step without guidance, unless the order says otherwise."""

    def made(order: FilmOrder | None = None, **changes: Any) -> Film:
        values: dict[str, Any] = {"height": 64, "width": 64, "steps": 1, "guidance": 1.0, "frames": 9}
        own = {name: changes.pop(name) for name in ("progress", "watch") if name in changes}
        named = changes.pop("files", files)
        order = order or FilmOrder("A harbour at dawn.", **(values | changes))
        return generate(order, RememberingParts(named, "cpu", tell=said.append), **own)

    return made


def picture(shade: int, height: int = 64, width: int = 64) -> Tensor:
    """Return a still that is darker on its left."""
    still = torch.full((height, width, 3), shade, dtype=torch.uint8)
    still[:, : width // 2] //= 2
    return still


def pictures_of(film: Film) -> Tensor:
    return torch.cat(list(film))
