"""The shallow CNN of the course and of founding document 004: 83,715 parameters."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from deblurbench_baselines.networks.padding import pad_to
from deblurbench_baselines.networks.settings.cnn import CNNSettings
from deblurbench_baselines.networks.tracing import larger

_SMALLEST = 3  # below it the 5x5 layer has nothing to look at


class CNN(nn.Module):
    """conv 5x5, ReLU, conv 3x3, ReLU, conv 1x1, ReLU; each with padding 1 and bias.

    The 5x5 layer takes a pixel off each side, the 1x1 layer puts one back: the outermost pixels of the
    output are the constant relu(bias), as in the original.

    Source: layers as in the course's public code (IITBProjects/GNR-638, MiniProject2/model.py), whose
    total is the one that document 004 prints. The initialisation is ours.
    """

    def __init__(self, settings: CNNSettings) -> None:
        super().__init__()
        first, second = settings.widths
        self.conv1 = nn.Conv2d(3, first, kernel_size=5, padding=1)
        self.conv2 = nn.Conv2d(first, second, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(second, 3, kernel_size=1, padding=1)
        # A ReLU that starts below zero everywhere never gets a gradient: start the output at mid-grey.
        nn.init.constant_(cast(torch.Tensor, self.conv3.bias), 0.5)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Float N x 3 x H x W in [0, 1] to float of the same shape, >= 0."""
        height, width = batch.shape[2:]
        padded = pad_to(batch, larger(height, _SMALLEST), larger(width, _SMALLEST))
        hidden = torch.relu(self.conv2(torch.relu(self.conv1(padded))))
        return torch.relu(self.conv3(hidden))[:, :, :height, :width]
