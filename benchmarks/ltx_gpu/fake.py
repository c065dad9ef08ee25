"""PyTorch's fake tensors on `cuda:0`: sizes, types and devices of a run at full size, without its values.

A fake operation fails where devices of its inputs differ, as the real one would; types are held here too.
Three things need help where PyTorch was built without CUDA: a guard for the device, which does nothing;
attention, for which the fake call would take the long way with all scores in memory; and values that decide
about shapes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock
from weakref import finalize

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.ltx_gpu.stand_ins import CardFacts, CardGenerator, card

CUDA, META = 1, 14
"""Places of the devices in PyTorch's table of guards."""
TENSOR = torch.tensor
OF_ONE_TYPE = frozenset(
    {"mm", "addmm", "bmm", "baddbmm", "linear", "convolution"}
    | {"_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention"}
)
"""Operations whose kernels take floating-point tensors of one type; the fake ones do not ask."""
TABLE = "_ZN3c104impl26device_guard_impl_registryE"


def guard_for_cuda() -> None:
    """Register the guard of the meta device, which does nothing, for CUDA where there is none.

    Without it a build without CUDA refuses to index a tensor that says it is on a card.

    Raises:
        RuntimeError: this version of PyTorch keeps its guards elsewhere.
    """
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib" / "libc10.so"))
    try:
        table = (ctypes.c_void_p * (META + 1)).in_dll(library, TABLE)
    except ValueError as error:
        raise RuntimeError(f"torch {torch.__version__} has no table of device guards: {error}") from error
    if not table[CUDA]:
        table[CUDA] = table[META]
    torch._C._ensureCUDADeviceGuardSet()  # A build with CUDA and no card has one that would look for it.


class Peaks(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that are alive, by kind of device, and the most since `restart`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = {"cuda": 0, "cpu": 0}
        self.most = dict(self.live)
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.overloadpacket.__name__ in OF_ONE_TYPE:
            _check_types(func, (args, kwargs))
        result = func(*args, **(kwargs or {}))
        for out in tree_leaves(result):
            if isinstance(out, FakeTensor):
                self._count(out)
        return result

    def restart(self) -> None:
        """Forget the most so far."""
        self.most = dict(self.live)

    def _count(self, tensor: FakeTensor) -> None:
        storage, kind = tensor.untyped_storage(), tensor.fake_device.type
        key = storage._cdata
        if key in self._known or kind not in self.live:
            return
        self._known.add(key)
        self.live[kind] += storage.nbytes()
        self.most[kind] = max(self.most[kind], self.live[kind])
        finalize(storage, self._gone, key, kind, storage.nbytes())

    def _gone(self, key: int, kind: str, size: int) -> None:
        self._known.discard(key)
        self.live[kind] -= size


def _check_types(func: Any, operands: Any) -> None:
    found = {x.dtype for x in tree_leaves(operands) if isinstance(x, Tensor) and x.is_floating_point()}
    if len(found) > 1:
        kinds = " and ".join(sorted(str(x).removeprefix("torch.") for x in found))
        raise RuntimeError(f"{func} takes tensors of one dtype, not {kinds}.")


class FakeGenerator(CardGenerator):
    """Random numbers that nobody draws; a state has a state's size."""

    def get_state(self) -> Tensor:
        return torch.empty(16, dtype=torch.uint8)

    def set_state(self, new_state: Tensor) -> FakeGenerator:
        if new_state.device.type != "cpu" or new_state.dtype != torch.uint8:
            raise TypeError(
                f"A state is bytes on the processor, not {new_state.dtype} on {new_state.device}."
            )
        return self


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Stand for `scaled_dot_product_attention`: what the kernels of a card take and return.

    Without a mask it is flash attention, with one the memory-efficient kernel, both in half precision.
    """
    if query.device.type != "cuda":
        return torch.empty_like(query)
    if enable_gqa:
        groups = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(groups, 1) for x in (key, value))
    if attn_mask is None:
        return torch.ops.aten._scaled_dot_product_flash_attention(  # type: ignore[no-any-return]
            query, key, value, dropout_p, is_causal, scale=scale
        )[0]
    if attn_mask.dtype not in (torch.bool, query.dtype):
        raise TypeError(f"A mask of {attn_mask.dtype} does not fit queries of {query.dtype}.")
    shape = (*query.shape[:3], key.shape[2])
    bias = attn_mask.to(query.dtype).expand(shape)
    return torch.ops.aten._scaled_dot_product_efficient_attention(  # type: ignore[no-any-return]
        query, key, value, bias, False, dropout_p, is_causal, scale=scale
    )[0]


def tensor_of(values: Any, *, device: Any = None, **options: Any) -> Tensor:
    """Stand for `torch.tensor`, which fake tensors cannot make where the meta device is the default.

    Its value is dropped too: PyTorch would move it to the card by the real operation.
    """
    made = TENSOR(values, device="cpu", **options)
    if isinstance(made, FakeTensor):
        made.constant = None
    return made.to(device or torch.empty(0).device)


@contextmanager
def fake_card(facts: CardFacts) -> Iterator[Peaks]:
    """Let everything run on fake tensors, with one card; yield what counts the bytes alive."""
    guard_for_cuda()
    peaks = Peaks()
    with ExitStack() as stack:
        stack.enter_context(card(facts, available=False))
        stack.enter_context(mock.patch.object(torch, "Generator", FakeGenerator))
        stack.enter_context(mock.patch.object(torch, "tensor", tensor_of))
        stack.enter_context(mock.patch.object(F, "scaled_dot_product_attention", attention))
        stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        stack.enter_context(peaks)
        yield peaks
