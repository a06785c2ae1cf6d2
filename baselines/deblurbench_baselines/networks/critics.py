"""Critics: networks that tell restored from sharp crops."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from deblurbench_baselines.networks.keras import SameConv2d, batch_norm, initialise
from deblurbench_baselines.networks.settings.critics import ConvCriticSettings


class ConvCritic(nn.Module):
    """Convolutions with padding `same`, LeakyReLU 0.2 and, on all but the first, a norm; then the scores.

    Scores are raw: a sigmoid, where one is wanted, belongs to the loss. Gradients of gradients, which a gradient
    penalty takes, exist for all layers.

    Sources: the critic of document 002 (3,098,370 parameters at 256x256, from the public repository of its authors),
    the discriminator of document 003 (656,705 at 256x256, from its layer list), and patch scores as in pix2pix
    (Isola et al., 2017). Padding, BatchNorm's constants and the first weights are Keras's defaults.
    """

    def __init__(self, settings: ConvCriticSettings, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for index, (width, stride) in enumerate(zip(settings.widths, settings.strides, strict=True)):
            layers.append(SameConv2d(channels, width, settings.kernel, stride))
            if index and settings.norm != "none":
                layers.append(batch_norm(width) if settings.norm == "batch" else nn.GroupNorm(1, width))
            layers.append(nn.LeakyReLU(0.2))
            channels, side = width, -(-side // stride)
        if settings.patches:
            layers.append(SameConv2d(channels, 1, settings.kernel))
            channels = 1
        if settings.hidden:
            dense = nn.Linear(channels * side**2, settings.hidden)
            activation = nn.Tanh() if settings.activation == "tanh" else nn.ReLU()
            layers += [nn.Flatten(), dense, activation, nn.Linear(settings.hidden, 1)]
        self.layers = nn.Sequential(*layers)
        initialise(self)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x side x side in [0, 1] to raw scores, N x 1; without a dense layer, N x 1 x h x w."""
        return cast(torch.Tensor, self.layers(2 * batch - 1))
