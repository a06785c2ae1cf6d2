"""The U-Net of founding document 001 (7,763,491 parameters), and its relatives of documents 002 and 004."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from deblurbench_baselines.networks.layers import convolution
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.unet import UNetSettings


class UNet(nn.Module):
    """Per level two 3x3 convolutions; max-pool 2 on the way down; transposed 2x2 convolutions on the way up.

    Each level's encoder output joins its decoder by concatenation (skip first, then the upsampled half).
    The head is a 1x1 convolution, followed by a sigmoid if asked for, or added to the input if `residual`.

    Source: document 001 for widths, totals and the sigmoid; two convolutions per level is the reading that
    its text picks among equal sums. Which blocks have BatchNorm is the project's own reading: the document
    prints totals that leave 832 normalised channels and does not say where. Document 004 gives two rounded
    totals; BatchNorm after every convolution meets them. Initialisation: He for layers before a ReLU, which is ours.
    """

    def __init__(self, settings: UNetSettings) -> None:
        super().__init__()
        self.settings = settings
        widths, normalised = settings.widths, set(settings.batch_norm)
        pixels = 3 * settings.unshuffle**2
        levels = range(1, settings.depth + 1)
        inputs = (pixels, *widths)

        def block(name: str, before: int, after: int) -> nn.Sequential:
            return _block(before, after, settings.batch_norm_after if name in normalised else None)

        self.encoder = nn.ModuleList(block(f"e{level}", inputs[level - 1], widths[level - 1]) for level in levels)
        self.bottleneck = block("bottleneck", widths[-2], widths[-1])
        steps = list(pairwise(reversed(widths)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(deep, wide, kernel_size=2, stride=2) for deep, wide in steps)
        self.decoder = nn.ModuleList(
            block(f"d{level}", 2 * wide, wide) for level, (_, wide) in zip(reversed(levels), steps, strict=True)
        )
        self.head = nn.Conv2d(widths[0], pixels, kernel_size=1)
        if settings.residual:  # the network starts as the identity
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(cast(torch.Tensor, self.head.bias))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape: in [0, 1], or near it without a sigmoid."""
        height, width = batch.shape[2:]
        multiple = self.settings.multiple
        padded = pad_to(batch, next_multiple(height, multiple), next_multiple(width, multiple))
        output = self._levels(functional.pixel_unshuffle(padded, self.settings.unshuffle))
        output = functional.pixel_shuffle(output, self.settings.unshuffle)
        if self.settings.residual:
            output = padded + output
        elif self.settings.sigmoid:
            output = torch.sigmoid(output)
        return output[:, :, :height, :width]

    def _levels(self, hidden: torch.Tensor) -> torch.Tensor:
        skips = []
        for block in self.encoder:
            hidden = block(hidden)
            skips.append(hidden)
            hidden = functional.max_pool2d(hidden, 2)
        hidden = self.bottleneck(hidden)
        for up, block in zip(self.up, self.decoder, strict=True):
            hidden = block(torch.cat([skips.pop(), up(hidden)], dim=1))
        return cast(torch.Tensor, self.head(hidden))


def _block(inputs: int, outputs: int, batch_norm_after: str | None) -> nn.Sequential:
    """Two 3x3 convolutions with ReLU, and BatchNorm where asked for."""
    each = batch_norm_after == "convolution"
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers.append(convolution(channels, outputs, bias=not each))
        if each:
            layers.append(nn.BatchNorm2d(outputs))
        layers.append(nn.ReLU(inplace=True))
    if batch_norm_after == "block":
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers)
