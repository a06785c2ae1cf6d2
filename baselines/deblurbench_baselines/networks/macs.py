"""Counting what a network computes for one picture."""

from __future__ import annotations

import torch

from deblurbench_baselines.networks.settings.base import NetworkSettings
from deblurbench_baselines.networks.shapes import shaped


def macs(settings: NetworkSettings, height: int, width: int) -> int:
    """The multiplications, each with its addition, that the network does in evaluation mode for one picture.

    Counted are convolutions, linear layers, matrix products and attention, as torch's FlopCounterMode has them.
    Fourier transforms, norms, activations and all else that goes pixel by pixel are left out, as published figures
    leave them out. Only shapes are worked out: it takes no memory, and the same second or so for any size.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.func import functional_call
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    network = shaped(settings.build).eval()
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    counter = FlopCounterMode(display=False)
    # Tensors that have a shape and a device but no values. Not torch's device `meta`, which knows no autocast.
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    # Attention as plain products: the counter does not know the CPU's own form of it, and counts nothing.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), fake, counter:
        values = {name: torch.empty(tensor.shape, dtype=tensor.dtype) for name, tensor in tensors.items()}
        functional_call(network, values, (torch.empty(1, 3, height, width),))
    return counter.get_total_flops() // 2  # it counts multiplication and addition
