"""A network as a function from pictures to pictures."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import Restorer
from deblurbench_baselines.failures import explained
from deblurbench_baselines.inference.weights import load_weights
from deblurbench_baselines.networks.settings.base import NetworkSettings
from deblurbench_baselines.networks.shapes import shaped
from deblurbench_baselines.tensors import place, to_batch, to_picture, torch_device


class NetworkRestorer:
    """Restores whole pictures with a network in its evaluation mode.

    The network is left in that mode: BatchNorm uses its running statistics, dropout is off.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        self._network = network.eval()
        self._device = device

    def __call__(self, picture: Picture) -> Picture:
        """Restore uint8 H x W x 3; returns uint8 of the same shape, clipped and rounded.

        Raises: RunError where the memory does not suffice, or the output is not finite.
        """
        with torch.inference_mode(), explained("use smaller pictures"):
            return to_picture(self._network(to_batch([picture], self._device))[0])


def load_restorer(settings: NetworkSettings, weights: Path, device: str) -> Restorer:
    """The network that the settings describe, with the weights of a safetensors file, on a device.

    Raises: RunError where the weights are missing or do not fit, UsageError for an unknown device.
    """
    where = torch_device(device)
    return NetworkRestorer(place(load_network(settings, weights), where), where)


def load_network(settings: NetworkSettings, weights: Path) -> nn.Module:
    """The network that the settings describe, with the weights of a safetensors file, on the CPU.

    Raises: RunError where the weights are missing or do not fit.
    """
    network = shaped(settings.build)
    load_weights(network, weights)
    return network
