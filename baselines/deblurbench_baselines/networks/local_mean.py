"""Means over windows instead of over whole pictures, for networks that were trained on crops.

A network that pools over its whole input sees in training the mean of a crop. A test picture is larger, and its mean
is of another distribution. Chu et al. 2022 ("Improving Image Restoration by Revisiting Global Information
Aggregation", TLC) let each pixel see the mean of a window about as large as a crop.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def window_means(batch: torch.Tensor, side: int) -> torch.Tensor:
    """The means of all `side` x `side` windows inside float N x C x H x W; an axis shorter than `side` is one window.

    Returns float32 N x C x (H - side + 1) x (W - side + 1), or 1 along a short axis. Running sums along one axis
    and then the other: they cost the same for any `side`, and stay thousands of times smaller, so more exact, than
    those of an integral image.
    """
    for axis in (3, 2):
        batch = _running_means(batch.float(), axis, side)
    return batch


def _running_means(batch: torch.Tensor, axis: int, side: int) -> torch.Tensor:
    size = batch.shape[axis]
    if side >= size:
        return batch.mean(axis, keepdim=True)
    sums = batch.cumsum(axis)
    means = sums.narrow(axis, side - 1, size - side + 1).clone()
    means.narrow(axis, 1, size - side).sub_(sums.narrow(axis, 0, size - side))
    return means.div_(side)


def spread(means: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """A map of windows, N x C x h x w, as N x C x `height` x `width`: each pixel has the window around it.

    Pixels that are too near the border to have one take the nearest, as in the authors' code.
    """
    down, right = height - means.shape[2], width - means.shape[3]
    return functional.pad(means, (right // 2, right - right // 2, down // 2, down - down // 2), mode="replicate")
