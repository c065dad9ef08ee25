"""Settings of the mix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from dubkit.settings import check_bounds, option


@dataclass(frozen=True, slots=True)
class Mix:
    """Laying the speech over the source's sound."""

    duck_db: Annotated[float, msgspec.Meta(ge=-80.0, le=0.0)] = option(
        -24.0, "Level of the source's sound under the dubbed speech, in dB.", job=True
    )
    true_peak_db: Annotated[float, msgspec.Meta(ge=-12.0, le=0.0)] = option(
        -1.0, "True-peak ceiling in dBTP.", job=True
    )
    background: str = option(
        "", "Music-and-effects track that replaces the source's sound under speech.", flag="--background"
    )

    def __post_init__(self) -> None:
        check_bounds(self, "mix")
