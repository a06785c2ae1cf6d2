"""Exact blur of 8-bit pictures: integers in, integers out, the same on every machine.

s = sum(taps * x); out = floor((s + 2^15) / 2^16). It is true convolution: a single bright pixel comes
out as the kernel. Borders are `reflect101` (... 2 1 | 0 1 2 ...) by index arithmetic, so a kernel
may be larger than the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deblurbench.blur.kernel import UNIT, Kernel
from deblurbench.images.codec import Picture


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


def weighted_sums(levels: npt.NDArray[np.integer], kernel: Kernel, engine: str = "auto") -> npt.NDArray[np.int64]:
    """sum(taps * x) for each sample: the exact integers before rounding, int64 H x W x C.

    Args:
        levels: integers H x W x C, 0 .. 2^21 - 1 (stored values, or linear light from a table).
        kernel: an integer kernel.
        engine: what computes it; the result does not depend on it.
    """
    height, width = levels.shape[:2]
    taps = kernel.taps[::-1, ::-1]  # a convolution is a correlation with the kernel turned by 180 degrees
    rows, columns = taps.shape
    top, left = rows - 1 - rows // 2, columns - 1 - columns // 2
    padded = levels[reflect101(height, top, rows - 1 - top)][:, reflect101(width, left, columns - 1 - left)]
    padded = padded.astype(np.int64)
    total = np.zeros(levels.shape, dtype=np.int64)
    for y, x in zip(*np.nonzero(taps), strict=True):
        total += int(taps[y, x]) * padded[y : y + height, x : x + width]
    return total


def convolve(picture: Picture, kernel: Kernel, engine: str = "auto") -> Picture:
    """Blur uint8 H x W x C with an integer kernel; returns uint8 of the same shape."""
    return ((weighted_sums(picture, kernel, engine) + UNIT // 2) >> 16).astype(np.uint8)
