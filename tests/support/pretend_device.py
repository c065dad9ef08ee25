"""A graphics card that is not there: tensors that say they are on `cuda:0` and hold the processor's data.

Every operation on them runs on the processor and gives its numbers; one that mixes devices fails as it would
on a card. A card has a size: what does not fit raises `torch.OutOfMemoryError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import finalize

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from benchmarks.ltx_gpu.stand_ins import CARD, CardFacts, CardGenerator, card

ACROSS = frozenset({"copy_", "to", "cpu", "cuda", "__setitem__", "type_as"})
"""Operations that take tensors of two devices."""
TO_THE_HOST = frozenset({"cpu", "numpy", "__array__", "tolist", "item", "__repr__"})


class CardTensor(Tensor):
    """A tensor of the pretend card."""


class PretendCard(TorchFunctionMode):
    """Runs operations on the card's tensors, and counts the bytes of those alive and the most there were."""

    def __init__(self, memory: int) -> None:
        super().__init__()
        self.memory, self.live, self.most = memory, 0, 0
        self.pinned: list[Tensor] = []
        """Page-locked tensors of the host, in the order in which they were made."""
        self._known: set[int] = set()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options, name = dict(kwargs or {}), getattr(func, "__name__", "")
        with torch._C.DisableTorchFunctionSubclass():
            if args and isinstance(args[0], CardTensor) and name == "__get__":
                if func == Tensor.device.__get__:
                    return CARD
                if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
                    return True
            if args and isinstance(args[0], CardTensor) and name in ("numpy", "__array__"):
                raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
            place, args, options = _place(name, args, options)
            self._check(name, args, options)
            on_card = _on_card(args, options) if place is None else place == "cuda"
            _check_generator(options.get("generator"), on_card)
            if name == "to" and place is not None:
                return self._moved(args[0], func, args, options, on_card)
            if name == "cpu":
                return args[0].clone() if isinstance(args[0], CardTensor) else args[0]
            pinned = options.pop("pin_memory", False)
            result = func(*args, **options)
            if pinned:
                self.pinned.append(result)
            return tree_map_only(Tensor, self._put, result) if on_card else result

    def _moved(
        self, source: Tensor, func: Callable[..., Any], args: tuple[Any, ...], options: Any, on_card: bool
    ) -> Tensor:
        """Return the result of `to`; a move to the other device is always a copy."""
        result: Tensor = func(*args, **options)
        if isinstance(source, CardTensor) is not on_card and _same_memory(result, source):
            result = source.clone()
        if not on_card:
            return result.as_subclass(Tensor) if isinstance(result, CardTensor) else result
        return self._put(result)

    def _put(self, tensor: Tensor) -> Tensor:
        """Say that a tensor is on the card."""
        self._count(tensor)
        return tensor if isinstance(tensor, CardTensor) else tensor.as_subclass(CardTensor)

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        if self.live + size > self.memory:
            raise torch.OutOfMemoryError(
                f"CUDA out of memory. Tried to allocate {size} bytes; {self.memory - self.live} are free."
            )
        self._known.add(key)
        self.live += size
        self.most = max(self.most, self.live)
        finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size

    @staticmethod
    def _check(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Refuse operands of two devices. Single values of the host, and its indices, go with the card's."""
        if name in ACROSS:
            return
        operands = args[:1] if name == "__getitem__" and isinstance(args[0], CardTensor) else args
        found = [x for x in tree_leaves((operands, options)) if isinstance(x, Tensor)]
        host = [x for x in found if not isinstance(x, CardTensor) and x.dim() and x.device.type != "meta"]
        if host and len(host) < len([x for x in found if x.dim() or isinstance(x, CardTensor)]):
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but {name} found cuda:0 and cpu."
            )


def _place(
    name: str, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[str | None, tuple[Any, ...], dict[str, Any]]:
    """Return the device that a call names, or None, and the call as the processor takes it."""
    place: str | None = None
    given = options.get("device")
    if name in ("to", "cuda"):
        places = [x for x in args[1:] if isinstance(x, torch.device) or (isinstance(x, str) and x)]
        others = [x for x in (*args[1:], options.get("other")) if isinstance(x, Tensor)]
        given = given or (places[0] if places else None)
        if others:
            given = CARD if isinstance(others[0], CardTensor) else others[0].device
        elif name == "cuda":
            given = CARD
    if given is not None:
        place = torch.device(given).type
        if place == "cuda":
            options = {key: value for key, value in options.items() if key != "device"}
            args = tuple(
                torch.device("cpu") if isinstance(x, torch.device | str) and x and name == "to" else x
                for x in args
            )
    elif name == "to" or not args:
        place = None
    return place, args, options


def _on_card(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    if args and isinstance(args[0], Tensor) and not isinstance(args[0], CardTensor):
        # In place into the host's, or a single value of the host beside the card's.
        found = [x for x in tree_leaves((args, options)) if isinstance(x, CardTensor)]
        return bool(found) and args[0].dim() == 0
    return any(isinstance(x, CardTensor) for x in tree_leaves((args, options)))


def _check_generator(generator: object, on_card: bool) -> None:
    if isinstance(generator, CardGenerator) and (generator.place.type == "cuda") is not on_card:
        wanted, found = ("cuda", "cpu") if on_card else ("cpu", "cuda")
        raise RuntimeError(f"Expected a '{wanted}' device type for generator but found '{found}'")


def _same_memory(one: Tensor, other: Tensor) -> bool:
    return bool(one.untyped_storage()._cdata == other.untyped_storage()._cdata)


@contextmanager
def pretend_card(memory: int = 10**12, capability: tuple[int, int] = (8, 0)) -> Iterator[PretendCard]:
    """Let `cuda:0` be there, with `memory` bytes. 8.0 has no float8 units; 8.9 and 9.0 have."""
    pretended = PretendCard(memory)
    with card(CardFacts(memory, capability), available=True), pretended:
        yield pretended
