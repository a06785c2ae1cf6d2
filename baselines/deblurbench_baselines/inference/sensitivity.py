"""What a restored pixel depends on, by backpropagation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import Sensitivity
from deblurbench_baselines.failures import explained
from deblurbench_baselines.inference.restorer import load_network
from deblurbench_baselines.networks.settings.base import NetworkSettings
from deblurbench_baselines.tensors import place, to_batch, torch_device


class NetworkSensitivity:
    """The gradient of the middle pixel of a network's output, in its evaluation mode."""

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network.eval().requires_grad_(requires_grad=False)
        self._device = device

    def __call__(self, picture: Picture) -> npt.NDArray[np.float32]:
        """As `Sensitivity`. Raises RunError where the memory does not suffice."""
        with torch.enable_grad(), explained("use smaller pictures"):
            batch = to_batch([picture], self._device).requires_grad_()
            output = self._network(batch)
            middle = output[0, :, output.shape[2] // 2, output.shape[3] // 2].mean()
            (gradient,) = torch.autograd.grad(middle, batch)
            # A change of brightness changes each channel by as much, so the channels' gradients add up.
            summed: npt.NDArray[np.float32] = gradient[0].sum(dim=0).float().cpu().numpy()
            return summed


def load_sensitivity(settings: NetworkSettings, weights: Path, device: str) -> Sensitivity:
    """That of the network that the settings describe, with the weights of a safetensors file, on a device.

    Raises: RunError where the weights are missing or do not fit, UsageError for an unknown device.
    """
    where = torch_device(device)
    return NetworkSensitivity(place(load_network(settings, weights), where), where)
