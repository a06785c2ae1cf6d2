"""NAFNet: a U-shaped network of blocks without activation functions."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from deblurbench_baselines.networks import tracing
from deblurbench_baselines.networks.layers import ChannelNorm
from deblurbench_baselines.networks.local_mean import spread, window_means
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.nafnet import NAFNetSettings


class NAFNet(nn.Module):
    """Encoder levels with strided 2x2 convolutions between them, decoder levels with pixel shuffles; skips are added.

    The output is the input plus what the last 3x3 convolution gives. In evaluation mode the channel attention looks
    at windows instead of whole pictures, see `local_mean`.

    Source: Chen et al. 2022, "Simple Baselines for Image Restoration". Initialisation: torch's, but the last layer
    starts at zero, so the network starts as the identity; that is ours. Sizes that are no multiple are extended by
    reflection; the authors' code adds zeros.
    """

    def __init__(self, settings: NAFNetSettings) -> None:
        super().__init__()
        self.settings = settings
        widths = [settings.width * 2**level for level in range(settings.depth + 1)]
        windows = [settings.local_statistics >> level for level in range(settings.depth + 1)]
        self.first = nn.Conv2d(3, widths[0], kernel_size=3, padding=1)
        self.encoder = nn.ModuleList(
            _blocks(count, width, window)
            for count, width, window in zip(settings.encoder_blocks, widths, windows, strict=False)
        )
        self.down = nn.ModuleList(nn.Conv2d(width, 2 * width, kernel_size=2, stride=2) for width in widths[:-1])
        self.middle = _blocks(settings.middle_blocks, widths[-1], windows[-1])
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, 2 * width, kernel_size=1, bias=False), nn.PixelShuffle(2))
            for width in reversed(widths[1:])
        )
        self.decoder = nn.ModuleList(
            _blocks(count, width, window)
            for count, width, window in zip(
                settings.decoder_blocks, reversed(widths[:-1]), reversed(windows[:-1]), strict=True
            )
        )
        self.last = nn.Conv2d(widths[0], 3, kernel_size=3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(cast(torch.Tensor, self.last.bias))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape, near [0, 1]."""
        height, width = batch.shape[2:]
        multiple = self.settings.multiple
        padded = pad_to(batch, next_multiple(height, multiple), next_multiple(width, multiple))
        output = padded + self.last(self._levels(self.first(padded)))
        return output[:, :, :height, :width]

    def _levels(self, hidden: torch.Tensor) -> torch.Tensor:
        skips = []
        for blocks, down in zip(self.encoder, self.down, strict=True):
            hidden = blocks(hidden)
            skips.append(hidden)
            hidden = down(hidden)
        hidden = self.middle(hidden)
        for up, blocks in zip(self.up, self.decoder, strict=True):
            hidden = blocks(up(hidden) + skips.pop())
        return hidden


class NAFBlock(nn.Module):
    """Two residual halves: 1x1, depthwise 3x3, gate, channel attention, 1x1; then 1x1, gate, 1x1.

    `beta` and `gamma` weigh what the halves add, per channel; they start at zero. `window` is the side of the
    windows of the attention in evaluation mode, in pixels of this level; 0: the whole picture.
    """

    def __init__(self, width: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.norm1 = ChannelNorm(width)
        self.expand1 = nn.Conv2d(width, 2 * width, kernel_size=1)
        self.depthwise = nn.Conv2d(2 * width, 2 * width, kernel_size=3, padding=1, groups=2 * width)
        self.attention = nn.Conv2d(width, width, kernel_size=1)
        self.project1 = nn.Conv2d(width, width, kernel_size=1)
        self.beta = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.norm2 = ChannelNorm(width)
        self.expand2 = nn.Conv2d(width, 2 * width, kernel_size=1)
        self.project2 = nn.Conv2d(width, width, kernel_size=1)
        self.gamma = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x width x H x W to the same shape."""
        hidden = _gate(self.depthwise(self.expand1(self.norm1(batch))))
        hidden = self.project1(hidden * self._channel_weights(hidden))
        batch = batch + hidden * self.beta
        hidden = self.project2(_gate(self.expand2(self.norm2(batch))))
        return batch + hidden * self.gamma

    def _channel_weights(self, hidden: torch.Tensor) -> torch.Tensor:
        height, width = hidden.shape[2:]
        if torch.compiler.is_exporting() and self.window and not self.training:
            return cast(torch.Tensor, self.attention(tracing.means_around(hidden, self.window)))
        if self.training or not 0 < self.window < max(height, width):
            return cast(torch.Tensor, self.attention(hidden.mean((2, 3), keepdim=True)))
        # A 1x1 convolution may as well come before the spreading, on fewer pixels.
        return spread(self.attention(window_means(hidden, self.window)), height, width)


def _gate(hidden: torch.Tensor) -> torch.Tensor:
    """The product of both halves of the channels."""
    first, second = hidden.chunk(2, dim=1)
    return first * second


def _blocks(count: int, width: int, window: int) -> nn.Sequential:
    return nn.Sequential(*(NAFBlock(width, window) for _ in range(count)))
