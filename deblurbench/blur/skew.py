"""Which of a kernel's two mirror images blurred a picture? The cosine transform cannot tell; here the FFT does.

A DCT-I coefficient sees a frequency (u, v) and its mirror image (u, -v) at once, so to it motion at 30 degrees and at
150 degrees are one. The power of the windowed picture in the two quadrants tells them apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deblurbench.blur.spectrum_model import FLOOR

Floats = npt.NDArray[np.float64]

_VARIANCE = np.pi**2 / 12  # of half the difference of two logarithms of exponentially distributed powers


def skew(plane: Floats, bins: int) -> tuple[Floats, Floats]:
    """Half of log power at (u, v) minus log power at (u, -v), in `bins` x `bins` cells of 0 < u, v < pi.

    Args:
        plane: h x w float64, at least 4 x 4.

    Returns:
        Its mean in every cell, and the variance of that mean; infinite where a cell is empty. float64, flat.
    """
    height, width = plane.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    spectrum = np.fft.fft2((plane - plane.mean()) * window)
    power = np.log(np.abs(spectrum) ** 2 / (window**2).sum() + FLOOR)
    rows, columns = np.arange(1, (height + 1) // 2), np.arange(1, (width + 1) // 2)
    half = (power[np.ix_(rows, columns)] - power[np.ix_(rows, width - columns)]) / 2
    cells = [2 * n * bins // size for n, size in ((rows, height), (columns, width))]
    index = (cells[0][:, None] * bins + cells[1]).ravel()
    count = np.bincount(index, minlength=bins**2)
    total = np.bincount(index, half.ravel(), minlength=bins**2)
    variance = np.full(bins**2, np.inf)
    np.divide(_VARIANCE, count, out=variance, where=count > 0)
    return total / np.maximum(count, 1), variance
