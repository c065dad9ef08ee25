"""Asking a language model: what it is sent, what it answers, and how it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

TEMPERATURE = 0.0
SEED = 0
"""Both sent with every request, so that a model answers the same again where it can."""

Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. `cut` means its length limit ended the answer, `refused` a content filter."""

    text: str
    cut: bool = False
    refused: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


class TooLong(Exception):
    """The request does not fit into the model's context; a smaller one may."""


Ask = Callable[[Messages], Reply]
"""Send one request to a language model. May raise ServiceDown, ServiceRefused or TooLong."""


def share(total: int, index: int, count: int) -> int:
    """Return the part of a batch's tokens that one of its `count` lines bears; they add up to `total`."""
    return total * (index + 1) // count - total * index // count
