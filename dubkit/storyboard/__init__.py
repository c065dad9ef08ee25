"""Films of several shots from one file: each shot goes on where the one before in its scene ended.

What is listed here is imported when it is first used, so that importing the package stays light.

    >>> from dubkit.storyboard import read_storyboard, make_film
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dubkit.storyboard.board import Element, Scene, Shot, Storyboard
    from dubkit.storyboard.making import BoardFilm, Moment, make_film
    from dubkit.storyboard.planning import PlannedShot, plan_shots
    from dubkit.storyboard.reading import read_storyboard

__all__ = [
    "BoardFilm",
    "Element",
    "Moment",
    "PlannedShot",
    "Scene",
    "Shot",
    "Storyboard",
    "make_film",
    "plan_shots",
    "read_storyboard",
]

_PLACES = {
    "BoardFilm": "making",
    "Element": "board",
    "Moment": "making",
    "PlannedShot": "planning",
    "Scene": "board",
    "Shot": "board",
    "Storyboard": "board",
    "make_film": "making",
    "plan_shots": "planning",
    "read_storyboard": "reading",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"dubkit.storyboard.{_PLACES[name]}"), name)
