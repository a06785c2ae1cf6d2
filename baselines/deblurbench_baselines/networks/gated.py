"""The block that both swift networks are made of."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from deblurbench_baselines.networks.layers import ChannelNorm

_Layer = TypeVar("_Layer", nn.Conv2d, nn.Linear)


class GatedBlock(nn.Module):
    """A residual: norm, 3x3 convolution to twice the channels, gate, 1x1 convolution, which starts small.

    Source: ours, after NAFNet's (Chen et al. 2022). Its two halves are one here, with a dense 3x3 convolution: of two
    blocks that take a CPU the same time, the one with fewer passes over memory computes four times as much [measured].
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.expand = nn.Conv2d(width, 2 * width, kernel_size=3, padding=1)
        self.project = nn.Conv2d(width, width, kernel_size=1)
        with torch.no_grad():
            self.project.weight.mul_(0.1)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x width x H x W to the same shape."""
        first, second = self.expand(self.norm(batch)).chunk(2, dim=1)
        return batch + self.project(first * second)


def blocks_of(count: int, width: int) -> nn.Sequential:
    """So many blocks, one after another."""
    return nn.Sequential(*(GatedBlock(width) for _ in range(count)))


def nothing(layer: _Layer) -> _Layer:
    """The layer with weights of zero: what it adds is nothing, until training says otherwise."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
