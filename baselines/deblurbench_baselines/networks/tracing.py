"""Some operations once more, in a form that `torch.export` can trace for pictures of any size.

What eager code decides by the size of the picture at hand, or computes on the host, would become a constant of the
exported graph. Here it is index arithmetic on tensors, which is slower. Networks use these forms only while they are
exported (`torch.compiler.is_exporting()`); each equals its eager counterpart up to rounding.
"""

from __future__ import annotations

import torch


def larger(size: int, least: int) -> int:
    """The larger of two sizes. Python's `max` would decide it for good."""
    return torch.sym_max(size, least)  # type: ignore[no-untyped-call]


def mirror_to(batch: torch.Tensor, axis: int, before: int, total: int) -> torch.Tensor:
    """Extend an axis to `total` by reflect101, `before` of it in front: as by `reflect101`, for any sizes."""
    places = (torch.arange(total, device=batch.device) - before).abs()
    period = torch.full_like(places, larger(2 * batch.shape[axis] - 2, 1))
    places = places % period
    return batch.index_select(axis, torch.minimum(places, period - places))


def means_around(batch: torch.Tensor, side: int) -> torch.Tensor:
    """Each pixel's mean over the `side` x `side` window around it: as by `spread` of `window_means`, for any sizes.

    Float N x C x H x W to float32 of the same shape. Near a border the window is the nearest that fits.
    """
    batch = batch.float()
    for axis in (3, 2):
        places = torch.arange(batch.shape[axis], device=batch.device)
        size = torch.full_like(places, batch.shape[axis])
        width = size.clamp(max=side)
        first = torch.minimum((places - (width - 1) // 2).clamp(min=0), size - width)
        sums = batch.cumsum(axis)
        total = sums.index_select(axis, first + width - 1) - sums.index_select(axis, first)
        batch = (total + batch.index_select(axis, first)) / width.to(batch.dtype).unsqueeze(-1 if axis == 2 else 0)
    return batch


def frequencies(size: int, device: torch.device) -> torch.Tensor:
    """The frequencies of `torch.fft.fftfreq(size)`, cycles per pixel, float32."""
    places = torch.arange(size, device=device)
    whole = torch.full_like(places, size)
    half = whole // 2
    return ((places + half) % whole - half) / whole


def opposite(size: int, device: torch.device) -> torch.Tensor:
    """For each index of a transform of that length, the index of the frequency of opposite sign."""
    places = torch.arange(size, device=device)
    whole = torch.full_like(places, size)
    return (whole - places) % whole
