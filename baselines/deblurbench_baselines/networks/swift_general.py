"""swift-general: a U-shaped network for blurs of any shape, behind a camera."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

from deblurbench_baselines.networks.gated import blocks_of, nothing
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.swift import SwiftGeneralSettings


class SwiftGeneral(nn.Module):
    """Gated blocks at a half of the resolution and at each level below it; skips are added.

    One blur holds for a whole picture: means of the features at the lowest level, over all of it, steer the way up.
    The output is the input plus what the last convolution gives; it starts as the identity.

    Source: ours.
    """

    def __init__(self, settings: SwiftGeneralSettings) -> None:
        super().__init__()
        self.settings = settings
        widths, blocks = settings.widths, settings.blocks
        lowest = widths[-1]
        self.enter = nn.Conv2d(12, widths[0], kernel_size=3, padding=1)
        self.encoder = nn.ModuleList(blocks_of(n, width) for n, width in zip(blocks, widths, strict=True))
        self.down = nn.ModuleList(
            nn.Conv2d(wide, narrow, kernel_size=2, stride=2) for wide, narrow in itertools.pairwise(widths)
        )
        self.summary = nn.Sequential(nn.Linear(lowest, lowest), nn.GELU(), nn.Linear(lowest, lowest), nn.GELU())
        self.steer = nn.ModuleList(nothing(nn.Linear(lowest, width)) for width in reversed(widths))
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(low, 4 * high, kernel_size=1, bias=False), nn.PixelShuffle(2))
            for high, low in reversed(list(itertools.pairwise(widths)))
        )
        self.decoder = nn.ModuleList(
            blocks_of(n, width) for n, width in reversed(list(zip(blocks, widths, strict=True)))
        )
        self.leave = nothing(nn.Conv2d(widths[0], 12, kernel_size=3, padding=1))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape, near [0, 1]."""
        height, width = batch.shape[2:]
        multiple = self.settings.multiple
        padded = pad_to(batch, next_multiple(height, multiple), next_multiple(width, multiple))
        change = self.leave(self._levels(self.enter(functional.pixel_unshuffle(padded, 2))))
        return batch + functional.pixel_shuffle(change, 2)[:, :, :height, :width]

    def _levels(self, hidden: torch.Tensor) -> torch.Tensor:
        skips: list[torch.Tensor] = []
        for level, blocks in enumerate(self.encoder):
            if level:
                skips.append(hidden)
                hidden = self.down[level - 1](hidden)
            hidden = blocks(hidden)
        summary = self.summary(hidden.mean((2, 3)))
        for level, (steer, blocks) in enumerate(zip(self.steer, self.decoder, strict=True)):
            if level:
                hidden = self.up[level - 1](hidden) + skips.pop()
            hidden = blocks(hidden + steer(summary)[:, :, None, None])
        return hidden
