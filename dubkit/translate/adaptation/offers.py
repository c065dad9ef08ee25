"""What a translator is asked for where a text misses its time, and what it offers instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from dubkit.translate.wording.terms import Term

SHARES = (0.70, 0.85, 1.0, 1.2)
"""Shares of the time of a line for which texts are asked for: the choice is made by predicted seconds."""


@dataclass(frozen=True, slots=True)
class Size:
    """A length of text, as a model can count it."""

    share: float
    """Share of the time of the line that it fills."""
    syllables: int
    characters: int


@dataclass(frozen=True, slots=True)
class TightLine:
    """A line whose translation is too long or too short for its time."""

    id: str
    source: str
    text: str
    """The first translation."""
    seconds: float
    """What the translation takes, as predicted."""
    room: float
    """What the line may take."""
    sizes: tuple[Size, ...] = ()
    """Lengths that are wanted, the shortest first."""
    terms: tuple[Term, ...] = ()
    """Terms of the series that stand in the line."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Other texts for a line; none with the reason where nothing usable came."""

    id: str
    texts: tuple[str, ...] = ()
    problem: str = ""
    """Why there are none: a clause, `the answer was cut off before its end`, or what the service said."""
    down: bool = False
    """Whether the service failed, so that nothing can be said of the line."""
    tokens_in: int = 0
    tokens_out: int = 0
    origin: Literal["model", "list"] = "model"
    """Other answers of a language model, or of the list of best answers that a translator keeps."""


OnOffers = Callable[[Sequence[Offer]], None]
"""Takes each batch of offers once it is checked."""


class Rewriter(Protocol):
    """Offers other texts for lines; opened for one task."""

    def offer(self, lines: Sequence[TightLine], on_done: OnOffers) -> None:
        """Hand offers to `on_done`, in batches; every line reaches it once.

        Raises TranslationError when nothing could be asked for a reason outside the lines.
        """
