"""How much memory a network needs for a picture: measured on a small one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.multiprocessing import reductions
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

SIDE = 256
"""Pixels: of the picture on which it is measured."""


def bytes_per_pixel(network: nn.Module, device: torch.device) -> float:
    """The most memory that a network holds at once beside its weights, per pixel of a picture.

    On the CPU, all tensors that are alive at the same time; on a GPU, what torch has allocated.
    """
    picture = torch.full((1, 3, SIDE, SIDE), 0.5, device=device)
    with torch.inference_mode(), _on_gpu(device) if device.type == "cuda" else _on_cpu() as peak:
        network(picture)
    return peak[0] / SIDE**2


@contextmanager
def _on_gpu(device: torch.device) -> Iterator[list[int]]:
    peak = [0]
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    yield peak
    peak[0] = torch.cuda.max_memory_allocated(device) - before


@contextmanager
def _on_cpu() -> Iterator[list[int]]:
    counter = _Alive()
    peak = [0]
    with counter:
        yield peak
    peak[0] = counter.most


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that operations make, as long as they are alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._alive: dict[int, tuple[Any, int]] = {}  # of references that do not keep

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        self._alive = {key: kept for key, kept in self._alive.items() if not kept[0].expired()}
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self._alive[storage._cdata] = (_reference(storage), storage.nbytes())
        self.most = max(self.most, sum(size for _, size in self._alive.values()))
        return result


def _reference(storage: torch.UntypedStorage) -> Any:
    """A reference to a storage that does not keep it, and knows when it has gone."""
    return reductions.StorageWeakRef(storage)  # type: ignore[no-untyped-call]
