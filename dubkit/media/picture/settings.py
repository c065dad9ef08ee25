"""Settings of finding shots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from dubkit.settings import check_bounds, option


@dataclass(frozen=True, slots=True)
class ShotDetection:
    """Finding cuts."""

    threshold: Annotated[float, msgspec.Meta(gt=1.0, le=100.0)] = option(
        3.0,
        "Change against the frames around it that counts as a cut; lower finds more.",
        job=True,
    )
    min_seconds: Annotated[float, msgspec.Meta(ge=0.0, le=60.0)] = option(
        0.4, "Shortest shot, in seconds.", job=True
    )

    def __post_init__(self) -> None:
        check_bounds(self, "shots")
