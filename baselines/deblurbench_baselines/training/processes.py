"""Several processes that train one network together, as `torchrun` starts them: on one machine or on many.

Each works off its share of every batch, gradients are averaged, and so all keep the same weights.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn

Value = TypeVar("Value")


@dataclass(frozen=True)
class Processes:
    """This process among all that train together.

    Attributes:
        rank: its number, from 0; number 0 writes the files.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    def share(self, items: Sequence[Value]) -> Sequence[Value]:
        """Every `count`-th item: what falls to this process."""
        return items[self.rank :: self.count]

    def gather(self, value: Value) -> list[Value]:
        """The values of all processes, in the order of their numbers."""
        if self.count == 1:
            return [value]
        values: list[Value | None] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values  # type: ignore[return-value]

    def agree(self, value: bool) -> bool:
        """Whether it is true for any of them."""
        return any(self.gather(value))

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Give all processes the mean of their gradients; one that has none counts as zero."""
        if self.count == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        self._average(gradients)

    def average_statistics(self, network: nn.Module) -> None:
        """Give all processes the mean of their running statistics, such as BatchNorm's."""
        statistics = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
        if self.count > 1 and statistics:
            self._average(statistics)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes of a tensor of one shape."""
        if self.count > 1:
            distributed.all_reduce(values)
        return values

    def _average(self, tensors: Sequence[torch.Tensor]) -> None:
        # One long tensor: a call for each of a hundred short ones would wait a hundred times for the network.
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.count
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()


def join(device: torch.device) -> Processes:
    """This process among those that `torchrun` started, or alone; it waits until all others have called this, too."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Processes()
    if device.type == "cuda":
        torch.cuda.set_device(device)  # NCCL gathers objects through the current one: not through one GPU for all
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    distributed.barrier()
    return Processes(distributed.get_rank(), count)
