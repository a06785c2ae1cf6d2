"""What lies beyond a picture's border: `reflect101` (... 2 1 | 0 1 2 ...), by index arithmetic."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Sample = TypeVar("Sample", bound=np.integer)


def reflect101(size: int, before: int, after: int) -> npt.NDArray[np.intp]:
    """Indices into an axis of `size` samples for positions -before .. size - 1 + after.

    Period 2 (size - 1); an axis of one sample repeats it.
    """
    positions = np.arange(-before, size + after)
    if size == 1:
        return np.zeros_like(positions)
    period = 2 * (size - 1)
    folded = positions % period
    return np.where(folded < size, folded, period - folded)


def reach(size: int) -> tuple[int, int]:
    """How far an axis of a kernel with `size` taps and the centre size // 2 looks (before, after) a sample."""
    return (size - 1) // 2, size // 2


def source_indices(shape: tuple[int, ...], taps: tuple[int, ...]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where each row and each column of the extended picture comes from.

    Args:
        shape: of the picture, H x W first.
        taps: the kernel's shape, h x w.
    """
    return reflect101(shape[0], *reach(taps[0])), reflect101(shape[1], *reach(taps[1]))


def extend(levels: npt.NDArray[Sample], taps: tuple[int, ...]) -> npt.NDArray[Sample]:
    """The picture H x W x C with all that a kernel of h x w taps sees of it: (H + h - 1) x (W + w - 1) x C."""
    height, width, channels = levels.shape
    rows, columns = source_indices(levels.shape, taps)
    (top, _), (left, _) = reach(taps[0]), reach(taps[1])
    extended = np.empty((len(rows), len(columns), channels), dtype=levels.dtype)
    middle = extended[top : top + height]
    middle[:, left : left + width] = levels
    middle[:, :left] = levels[:, columns[:left]]
    middle[:, left + width :] = levels[:, columns[left + width :]]
    extended[:top] = middle[rows[:top]]
    extended[top + height :] = middle[rows[top + height :]]
    return extended
