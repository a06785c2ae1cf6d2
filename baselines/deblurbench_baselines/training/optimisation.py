"""Losses and optimisers by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from deblurbench_baselines.training.settings import TrainingSettings

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Takes output and target, float N x 3 x H x W, returns the mean over all samples."""

_LOSSES: dict[str, Loss] = {"mse": functional.mse_loss, "l1": functional.l1_loss}


def loss_function(settings: TrainingSettings) -> Loss:
    """The loss that the settings name."""
    return _LOSSES[settings.loss]


def make_optimiser(settings: TrainingSettings, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser that the settings name, over all parameters of the network."""
    if settings.optimiser == "adamw":
        decay = settings.weight_decay
        return torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=decay)
    return torch.optim.Adam(network.parameters(), lr=settings.learning_rate)


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step."""
    for group in optimiser.param_groups:
        group["lr"] = rate
