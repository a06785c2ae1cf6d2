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


def convolve(picture: Picture, kernel: Kernel) -> Picture:
    """Blur uint8 H x W x C with an integer kernel; returns uint8 of the same shape.

    The sums stay below 255 * 2^16 < 2^24, so int32 holds them and no order of addition matters.
    """
    height, width = picture.shape[:2]
    taps = kernel.taps[::-1, ::-1]  # a convolution is a correlation with the kernel turned by 180 degrees
    rows, columns = taps.shape
    top, left = rows - 1 - rows // 2, columns - 1 - columns // 2
    padded = picture[reflect101(height, top, rows - 1 - top)][:, reflect101(width, left, columns - 1 - left)]
    padded = padded.astype(np.int32)
    total = np.full(picture.shape, UNIT // 2, dtype=np.int32)
    for y, x in zip(*np.nonzero(taps), strict=True):
        total += taps[y, x] * padded[y : y + height, x : x + width]
    return (total >> 16).astype(np.uint8)
