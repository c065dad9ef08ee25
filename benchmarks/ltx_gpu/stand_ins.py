"""What `torch.cuda` and its like answer where no card is, in the place of a card that is only named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor

CARD = torch.device("cuda", 0)


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says of itself."""

    memory: int = 141 * 10**9
    """Bytes, all of them free."""
    capability: tuple[int, int] = (9, 0)
    """9.0 is Hopper, which has float8 units, as 8.9 (Ada) has."""
    name: str = "a card that is not there"


class CardGenerator(torch.Generator):
    """Random numbers of a card; they are the processor's.

    As a real one, it goes on only from a state that was taken on a card.
    """

    def __new__(cls, device: Any = "cpu") -> CardGenerator:
        made: CardGenerator = super().__new__(cls)
        made.place = torch.device(device)
        return made

    def __init__(self, device: Any = "cpu") -> None:
        """Take what `__new__` has taken already."""

    place: torch.device


class CardStream:
    """A queue of work that is never behind."""

    def __init__(self, device: Any = None) -> None:
        self.device = torch.device(device or CARD)
        self.waited: list[CardStream] = []
        """The streams that it was told to wait for, in order."""

    def wait_stream(self, other: CardStream) -> None:
        self.waited.append(other)


@contextmanager
def card(facts: CardFacts, *, available: bool) -> Iterator[None]:
    """Answer for one card. `available` decides what `torch.cuda.is_available` says.

    PyTorch's own fake tensors ask it before they touch a card, so for them it has to stay False.
    """
    streams: dict[str, CardStream] = {}

    def current(_device: Any = None) -> CardStream:
        return streams.setdefault("current", CardStream())

    answers: dict[str, Any] = {
        "device_count": lambda: 1,
        "mem_get_info": lambda _device=None: (facts.memory, facts.memory),
        "memory_reserved": lambda _device=None: 0,
        "memory_allocated": lambda _device=None: 0,
        "get_device_capability": lambda _device=None: facts.capability,
        "get_device_name": lambda _device=None: facts.name,
        "get_device_properties": lambda _device=None: SimpleNamespace(total_memory=facts.memory),
        "Stream": CardStream,
        "current_stream": current,
        "stream": lambda _stream: nullcontext(),
        "synchronize": lambda _device=None: None,
        "empty_cache": lambda: None,
    }
    if available:
        answers["is_available"] = lambda: True
    with ExitStack() as stack:
        for name, answer in answers.items():
            stack.enter_context(mock.patch.object(torch.cuda, name, answer))
        stack.enter_context(mock.patch.object(torch, "Generator", CardGenerator))
        stack.enter_context(mock.patch.object(Tensor, "record_stream", _record_stream, create=True))
        yield


def _record_stream(_tensor: Tensor, stream: object) -> None:
    if not isinstance(stream, CardStream):
        raise TypeError(f"A tensor records a stream, not {type(stream).__name__}.")
