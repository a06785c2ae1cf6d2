"""The edge between pictures and tensors: uint8 H x W x 3 outside, float32 N x 3 x H x W in [0, 1] inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from deblurbench.errors import RunError
from deblurbench.images.codec import Picture
from deblurbench.runs.device import choose_device


def torch_device(name: str) -> torch.device:
    """The device of that name: `cpu`, `cuda`, `cuda:N`, or `auto` for CUDA where there is one.

    Raises: UsageError where this machine has no such device.
    """
    return torch.device(choose_device(name, needed=True))


def place(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network to a device, its weights in channels-last order: 5 to 20 % faster on CPU [measured]."""
    return network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


@contextmanager
def fixed_shapes(device: torch.device) -> Iterator[None]:
    """For training, in which a GPU meets the same few shapes again and again; afterwards all is as before.

    cuDNN times its algorithms for each new shape and takes the fastest one; products of float32 matrices may be
    computed in TensorFloat-32, as cuDNN's convolutions are by default. Nothing changes on the CPU.
    """
    if device.type != "cuda":
        yield
        return
    benchmark, precision = torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision()
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = benchmark
        torch.set_float32_matmul_precision(precision)


def to_batch(pictures: Sequence[Picture], device: torch.device) -> torch.Tensor:
    """Pictures of one size as float32 N x 3 x H x W in [0, 1], in channels-last order."""
    # Pictures that are all turned by 90 degrees are stacked in another order of memory, left to themselves.
    stacked = torch.from_numpy(np.ascontiguousarray(np.stack(pictures))).to(device)
    return stacked.permute(0, 3, 1, 2).float().div_(255)


def to_picture(output: torch.Tensor) -> Picture:
    """A network's output, float 3 x H x W, as uint8 H x W x 3: clipped to [0, 1], times 255, rounded.

    Never truncated (half a grey level darker), wrapped, or stretched to the picture's own range, as several
    published entries to the course were.

    Raises: RunError where the output is not finite.
    """
    if not bool(torch.isfinite(output).all()):
        raise RunError("the network's output is not finite", "its weights are damaged; train it again")
    levels = output.clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())
