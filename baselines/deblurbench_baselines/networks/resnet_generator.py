"""The generator of DeblurGAN as founding document 002 has it in Keras: 11,399,171 parameters."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from deblurbench_baselines.networks.keras import SameConv2d, batch_norm, initialise
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.resnet_generator import ResnetGeneratorSettings
from deblurbench_baselines.networks.tracing import larger

_SMALLEST = 8  # the residual blocks, at a quarter of the size, reflect a pixel: they need two


class ResnetGenerator(nn.Module):
    """7x7 convolution; two of stride 2; residual blocks; two upsamplings by 2, each with a convolution; 7x7.

    BatchNorm and ReLU follow all convolutions but the last and the second of each block (that one has BatchNorm
    alone). In the signed world of its authors, values in [-1, 1], the output is (tanh + input) / 2.

    Source: document 002 and the public repository of its authors (siddhantkhandelwal/deblur-gan), layer by layer;
    the totals 11,399,171 and 11,388,675 are counted from them. Padding, BatchNorm's constants and the first weights
    are Keras's defaults.
    """

    def __init__(self, settings: ResnetGeneratorSettings) -> None:
        super().__init__()
        width = settings.width
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normalised(nn.Conv2d(3, width, kernel_size=7)),
            *_normalised(SameConv2d(width, 2 * width, kernel_size=3, stride=2)),
            *_normalised(SameConv2d(2 * width, 4 * width, kernel_size=3, stride=2)),
            *(ResidualBlock(4 * width, settings.dropout) for _ in range(settings.blocks)),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_normalised(nn.Conv2d(4 * width, 2 * width, kernel_size=3, padding=1)),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_normalised(nn.Conv2d(2 * width, width, kernel_size=3, padding=1)),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, 3, kernel_size=7),
            nn.Tanh(),
        )
        initialise(self)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape in [0, 1]."""
        height, width = batch.shape[2:]
        padded = pad_to(batch, *(larger(next_multiple(size, 4), _SMALLEST) for size in (height, width)))
        signed = 2 * padded - 1
        restored = (cast(torch.Tensor, self.layers(signed)) + signed) / 2
        return ((restored + 1) / 2)[:, :, :height, :width]


class ResidualBlock(nn.Module):
    """The input plus: conv 3x3, BatchNorm, ReLU, dropout, conv 3x3, BatchNorm; borders are mirrored.

    Keras's dropout drops single values, not whole channels, and so does this one.
    """

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            *_normalised(nn.Conv2d(channels, channels, kernel_size=3)),
            nn.Dropout(dropout),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, kernel_size=3),
            batch_norm(channels),
        )

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """N x C x H x W to the same shape; H, W >= 2."""
        return hidden + cast(torch.Tensor, self.layers(hidden))


def _normalised(layer: nn.Conv2d) -> tuple[nn.Module, ...]:
    """The convolution, BatchNorm, ReLU."""
    return layer, batch_norm(layer.out_channels), nn.ReLU(inplace=True)
