"""Transformer blocks that lie in host memory and visit the device one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

ALIGNMENT = 256
"""Tensors begin at multiples of this many bytes in a buffer, as kernels load best."""


class _Place(NamedTuple):
    """Where a module keeps one of its tensors."""

    store: dict[str, Any]
    name: str


class BlockStream:
    """Blocks in order, each on the device while it is used, the next one's copy under way meanwhile.

    A block's tensors share one flat host buffer (page-locked for CUDA, so that copies overlap with work)
    and are only read: nothing is copied back. The device holds two buffers of the largest block's size.
    A block can be used until the next one is asked for. Page-locked buffers take a power of two of bytes.
    """

    def __init__(self, blocks: nn.ModuleList, device: torch.device | str) -> None:
        self.blocks, self.device = blocks, torch.device(device)
        pinned = self.device.type == "cuda"
        self.places = [_places(block) for block in blocks]
        self.host: list[Tensor] = []
        self.at_home: list[list[Tensor]] = []
        for places in self.places:
            # Block by block: the tensors it was loaded into are freed before the next block's turn.
            tensors = [store[name] for store, name in places]
            self.host.append(torch.empty(_begins(tensors)[-1], dtype=torch.uint8, pin_memory=pinned))
            self.at_home.append(_views(self.host[-1], tensors))
            for tensor, view in zip(tensors, self.at_home[-1], strict=True):
                view.copy_(tensor)
            _put(places, self.at_home[-1])
        largest = max(buffer.numel() for buffer in self.host)
        self.slots = [torch.empty(largest, dtype=torch.uint8, device=self.device) for _ in range(2)]
        self.side = torch.cuda.Stream(self.device) if pinned else None  # type: ignore[no-untyped-call]
        if self.side is not None:
            for slot in self.slots:  # Not to be reused while a copy is under way.
                slot.record_stream(self.side)
        self.ahead = (-1, 0)
        """Which block's copy has been started, and the slot that it goes to."""

    def __len__(self) -> int:
        return len(self.blocks)

    def __iter__(self) -> Iterator[Any]:
        for index, block in enumerate(self.blocks):
            if self.ahead[0] != index:  # The first pass, or one after a pass that was broken off.
                self._start(index, 0)
            slot = self.ahead[1]
            if self.side is not None:
                torch.cuda.current_stream(self.device).wait_stream(self.side)
            # After the last block comes the first one, for the next pass.
            self._start((index + 1) % len(self), 1 - slot)
            _put(self.places[index], _views(self.slots[slot], self.at_home[index]))
            try:
                yield block
            finally:
                _put(self.places[index], self.at_home[index])

    def _start(self, index: int, slot: int) -> None:
        """Begin to copy a block into a slot, after all work queued so far, whose last user's is a part."""
        source = self.host[index]
        if self.side is not None:
            self.side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.side):  # Does nothing where there is no stream.
            self.slots[slot][: source.numel()].copy_(source, non_blocking=True)
        self.ahead = (index, slot)


def _places(block: nn.Module) -> list[_Place]:
    stores = (store for part in block.modules() for store in (part._parameters, part._buffers))
    return [_Place(store, name) for store in stores for name, tensor in store.items() if tensor is not None]


def _put(places: Sequence[_Place], tensors: Sequence[Tensor]) -> None:
    """Let modules use other tensors in the place of theirs: a tensor's own data cannot change its device."""
    for (store, name), tensor in zip(places, tensors, strict=True):
        is_parameter = isinstance(store[name], nn.Parameter)
        store[name] = nn.Parameter(tensor, requires_grad=False) if is_parameter else tensor


def _begins(tensors: list[Tensor]) -> list[int]:
    """Where each tensor begins in a block's buffer, and where the last one ends."""
    begins = [0]
    for tensor in tensors:
        begins.append(begins[-1] + -(-tensor.nbytes // ALIGNMENT) * ALIGNMENT)
    return begins


def _views(buffer: Tensor, tensors: list[Tensor]) -> list[Tensor]:
    """Return a buffer's parts with the dtypes and shapes of `tensors`."""
    pairs = zip(_begins(tensors), tensors, strict=False)
    return [buffer[begin : begin + t.nbytes].view(t.dtype).view(t.shape) for begin, t in pairs]
