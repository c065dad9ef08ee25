"""Films from words, stills, clips and sounds with LTX-2.

`generate(order, parts)` makes one film; what is listed here is imported when it is first used, so that
importing the package stays light.

    >>> from dubkit.generation import FilmOrder, FilmParts, generate, write_film
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dubkit.generation.film import Film, write_film
    from dubkit.generation.make import generate
    from dubkit.generation.order import FilmOrder, FilmStill, TimeRange
    from dubkit.generation.parts import FilmFiles, FilmParts, film_files
    from dubkit.generation.pipelines import PIPELINES, FilmPipeline, StreamGuidance
    from dubkit.generation.plan import FilmPlan, plan_film
    from dubkit.ltx.lora import LoRA

__all__ = [
    "PIPELINES",
    "Film",
    "FilmFiles",
    "FilmOrder",
    "FilmParts",
    "FilmPipeline",
    "FilmPlan",
    "FilmStill",
    "LoRA",
    "StreamGuidance",
    "TimeRange",
    "film_files",
    "generate",
    "plan_film",
    "write_film",
]

_PLACES = {
    "PIPELINES": "dubkit.generation.pipelines",
    "Film": "dubkit.generation.film",
    "FilmFiles": "dubkit.generation.parts",
    "FilmOrder": "dubkit.generation.order",
    "FilmParts": "dubkit.generation.parts",
    "FilmPipeline": "dubkit.generation.pipelines",
    "FilmPlan": "dubkit.generation.plan",
    "FilmStill": "dubkit.generation.order",
    "LoRA": "dubkit.ltx.lora",
    "StreamGuidance": "dubkit.generation.pipelines",
    "TimeRange": "dubkit.generation.order",
    "film_files": "dubkit.generation.parts",
    "generate": "dubkit.generation.make",
    "plan_film": "dubkit.generation.plan",
    "write_film": "dubkit.generation.film",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)
