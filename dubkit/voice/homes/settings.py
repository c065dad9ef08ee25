"""Settings that every engine with a home has."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.settings import Positive, option


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """An engine in an environment of its own."""

    home: str = option(
        "",
        "Folder of its environment, made by `dubkit voices install`; empty is the one in dubkit's cache.",
        machine=True,
    )
    device: str = option(
        "", "What it runs on, such as cpu or cuda:1; empty takes a graphics card.", machine=True
    )
    line_seconds: Positive = option(
        300.0, "Seconds after which a line that is still being spoken is given up.", machine=True
    )
