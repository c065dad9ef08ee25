"""Settings of a series: `[series]`."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.settings import check_bounds, option

NONE = "none"
"""Stands for no series, also where a series.toml is found."""


@dataclass(frozen=True, slots=True)
class SeriesPlace:
    """The series that an episode belongs to."""

    file: str = option(
        "",
        "The series.toml of the episode's series, or its folder; empty looks beside the source and in the "
        "folders above it, none takes no series.",
        flag="--series",
    )

    def __post_init__(self) -> None:
        check_bounds(self, "series")
