"""The course's U-Net of founding document 000: 8,438,403 parameters."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from deblurbench_baselines.networks.layers import convolution
from deblurbench_baselines.networks.padding import next_multiple, pad_to
from deblurbench_baselines.networks.settings.course_unet import CourseUNetSettings


class CourseUNet(nn.Module):
    """One 3x3 convolution with ReLU per stage; max-pool 2 on the way down; transposed 2x2 convolutions on the way up.

    A transposed convolution keeps the channels; the encoder's output joins by concatenation (skip first). A 1x1
    convolution ends the network, with nothing after it.

    Source: document 000's printed total and its team's public layer table. That code also holds two stages (57,504
    parameters) that never run; they are left out, as the total leaves them out. Initialisation: He for layers before
    a ReLU, which is ours.
    """

    def __init__(self, settings: CourseUNetSettings) -> None:
        super().__init__()
        self.settings = settings
        widths = settings.widths
        halves = [width // 2 for width in widths[:-1]]
        levels = range(len(halves))
        below = [*halves[1:], widths[-1]]  # what comes up to each level
        self.encoder = nn.ModuleList(
            convolution(before, after) for before, after in zip((3, *widths[:-1]), widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below[level], below[level], kernel_size=2, stride=2) for level in reversed(levels)
        )
        self.decoder = nn.ModuleList(
            convolution(widths[level] + below[level], halves[level]) for level in reversed(levels)
        )
        self.head = nn.Conv2d(halves[0], 3, kernel_size=1)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape, near [0, 1]."""
        height, width = batch.shape[2:]
        multiple = self.settings.multiple
        hidden = pad_to(batch, next_multiple(height, multiple), next_multiple(width, multiple))
        skips: list[torch.Tensor] = []
        for stage in self.encoder:
            hidden = torch.relu(stage(functional.max_pool2d(hidden, 2) if skips else hidden))
            skips.append(hidden)
        skips.pop()
        for up, stage in zip(self.up, self.decoder, strict=True):
            hidden = torch.relu(stage(torch.cat([skips.pop(), up(hidden)], dim=1)))
        return cast(torch.Tensor, self.head(hidden))[:, :, :height, :width]
