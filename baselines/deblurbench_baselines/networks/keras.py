"""What Keras does by default and torch does otherwise: padding `same`, BatchNorm's constants, the first weights."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional


class SameConv2d(nn.Conv2d):
    """A convolution with Keras's padding `same`: zeros, as many as an output of ceil(size / stride) needs.

    Where their number is odd, the far side (right, bottom) gets one more. So a stride of 2 over an even size
    looks at other pixels than torch's `padding=1` does.
    """

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """N x C x H x W to N x C' x ceil(H / stride) x ceil(W / stride)."""
        rows = _zeros(batch.shape[2], self.kernel_size[0], self.stride[0])
        columns = _zeros(batch.shape[3], self.kernel_size[1], self.stride[1])
        return super().forward(functional.pad(batch, (*columns, *rows)))


def _zeros(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """How many zeros come before and after `size` pixels."""
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """BatchNorm with Keras's constants: epsilon 1e-3, and of the running statistics 0.99 stays at each step."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def initialise(network: nn.Module) -> None:
    """Give all convolutions and dense layers of `network` Keras's first weights: Glorot uniform, biases 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(cast(torch.Tensor, layer.bias))
