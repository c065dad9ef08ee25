"""Settings of batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from dubkit.settings import option

if TYPE_CHECKING:
    from dubkit.config import Settings


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Many episodes: what a batch may use, and when it tries again."""

    attempts: Annotated[int, msgspec.Meta(ge=1, le=100)] = option(
        3, "Times an episode is tried in one run of a batch, for failures that may pass.", machine=True
    )
    retry_seconds: Annotated[float, msgspec.Meta(ge=0.0, le=86_400.0)] = option(
        30.0, "Wait before an episode is tried again; it doubles with each attempt.", machine=True
    )
    timeout_minutes: Annotated[float, msgspec.Meta(ge=0.0, le=100_000.0)] = option(
        0.0, "Longest time that one attempt at an episode may take; 0 is no limit.", machine=True
    )
    quarantine_after: Annotated[int, msgspec.Meta(ge=1, le=100)] = option(
        3, "Failed runs of a batch after which a file is left out until it changes.", machine=True
    )
    spare_memory_mb: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = option(
        500, "Memory that a batch leaves to other programs, in MB.", machine=True
    )
    spare_disk_mb: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = option(
        500, "Room on the disk that a batch leaves free, in MB.", machine=True
    )
    settle_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=3600.0)] = option(
        10.0, "A new file in a watched folder is taken when it has not changed for so long.", machine=True
    )

    @classmethod
    def of(cls, settings: Settings) -> BatchSettings:
        """Return the part of all settings that is about batches."""
        return settings.table("batch", cls)
