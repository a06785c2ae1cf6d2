"""Padding by reflection, for pictures of any size, down to a single pixel."""

from __future__ import annotations

import torch

from deblurbench.blur.convolve import reflect101
from deblurbench_baselines.networks import tracing


def pad_to(batch: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Extend N x C x H x W at the bottom and at the right to `height` x `width` (>= H, W) by reflect101.

    torch's own reflection needs more pixels than it adds; index arithmetic has no such limit.
    """
    for axis, size in ((2, height), (3, width)):
        missing = size - batch.shape[axis]
        if torch.compiler.is_exporting():
            batch = tracing.mirror_to(batch, axis, 0, size)
        elif missing > 0:
            indices = torch.from_numpy(reflect101(batch.shape[axis], 0, missing)).to(batch.device)
            batch = batch.index_select(axis, indices)
    return batch


def next_multiple(size: int, of: int) -> int:
    """The smallest multiple of `of` that is not below `size`."""
    return (size + of - 1) // of * of  # no quotient below zero: ONNX would round it the other way
