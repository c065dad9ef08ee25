"""Presets of the ComfyUI engine: how many steps, at which levels of noise, with how much guidance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LEVELS_8 = (1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0)
"""Levels of noise of the distilled model, as published."""
LEVELS_4 = (1.0, 0.9875, 0.975, 0.725, 0.0)
"""Every second one of them."""
LEVELS_3 = (0.909375, 0.725, 0.421875, 0.0)
"""Those of the second stage."""


@dataclass(frozen=True, slots=True)
class Preset:
    """How a clip is sampled."""

    levels: tuple[float, ...]
    """Levels of noise of the first stage; empty: those of LTXVScheduler."""
    guidance: float
    """Against the negative prompt in the first stage; 1 is none. The second stage has none."""
    two_stages: bool
    """Whether a second stage follows at twice the size."""
    steps: int = 0
    """Of LTXVScheduler, where `levels` is empty."""

    @property
    def distilled(self) -> bool:
        """Whether the first stage needs distilled weights."""
        return bool(self.levels)


PRESETS: Mapping[str, Preset] = {
    "full": Preset((), 4.0, True, 20),
    "distilled": Preset(LEVELS_8, 1.0, True),
    "preview": Preset(LEVELS_4, 1.0, False),
}
"""Name -> preset."""
