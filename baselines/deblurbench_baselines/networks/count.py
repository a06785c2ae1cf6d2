"""Counting parameters the way the founding documents print them."""

from __future__ import annotations

from typing import Literal

from torch import nn

from deblurbench_baselines.networks.settings.base import NetworkSettings
from deblurbench_baselines.networks.shapes import shaped

Counting = Literal["keras", "torch"]
"""Whose count a founding document quotes."""


def trainable_parameters(network: nn.Module) -> int:
    """How many numbers training changes by gradient."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def printed_total(network: nn.Module) -> int:
    """The total that a Keras summary prints: all parameters and running statistics.

    torch's batch counters (`num_batches_tracked`) are not among them: Keras has none.
    """
    statistics = sum(b.numel() for name, b in network.named_buffers() if not name.endswith("num_batches_tracked"))
    return sum(p.numel() for p in network.parameters()) + statistics


def count(settings: NetworkSettings, counting: Counting = "keras") -> tuple[int, int]:
    """(total, trainable) of the network that the settings describe; the total with running statistics as Keras has it,
    or without them as PyTorch's `parameters()` has it."""
    network = shaped(settings.build)
    trainable = trainable_parameters(network)
    return (printed_total(network) if counting == "keras" else trainable), trainable
