"""SSIM sums in float64 by OpenCV's filters and NumPy: what `fused.py` computes, where numba does not pay or is lacking.

Pictures are taken in bands of rows, so that memory is bounded whatever their size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.metrics.windows import C1, C2, GAUSSIAN, RADIUS, UNIFORM

Array = npt.NDArray[Any]

_BAND = 1 << 20  # samples of a band, about


def squared_error(x: Array, y: Array) -> int:
    """See `fused.squared_error`."""
    total = 0
    for a, b in _bands(x, y, 0):
        difference = np.subtract(a, b, dtype=np.int32)
        total += int(np.sum(difference * difference, dtype=np.int64))
    return total


def gaussian_fast(x: Array, y: Array) -> tuple[float, float]:
    """See `fused.gaussian_fast`; this one is as exact as `gaussian`, and risks nothing."""
    valid = (x.shape[0] - 2 * RADIUS) * (x.shape[1] - 2 * RADIUS) * x.shape[2]
    return valid - gaussian(x, y, GAUSSIAN, C1, C2)[0], 0.0


def gaussian(
    x: Array, y: Array, window: Array, c1: float, c2: float, relu: bool = False, epsilons: Sequence[float] = (0.0,)
) -> list[float]:
    """See `fused.gaussian`."""
    totals = [0.0] * len(epsilons)
    for a, b in _bands(x, y, 2 * RADIUS):
        means = _gaussian_means(a, b, window)
        for i, eps in enumerate(epsilons):
            totals[i] += float(np.sum(_similarity(means, c1, c2, relu, eps)))
    return totals


def gaussian_maps(x: Array, y: Array, c1: float, c2: float) -> Iterator[Array]:
    """What `gaussian` sums: SSIM at each sample of the valid area, in bands of rows from the top."""
    for a, b in _bands(x, y, 2 * RADIUS):
        yield _similarity(_gaussian_means(a, b, GAUSSIAN), c1, c2, False, 0.0)


def volume(x: Array, y: Array, mix: Array, c1: float, c2: float) -> float:
    """See `fused.volume`."""
    x, y = (np.pad(picture, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)), mode="edge") for picture in (x, y))
    total = 0.0
    for a, b in _bands(x, y, 2 * RADIUS):
        means = [mean @ mix.T for mean in _gaussian_means(a, b, GAUSSIAN)]
        total += float(np.sum(_similarity(means, c1, c2, False, 0.0)))
    return total


def uniform(x: Array, y: Array, c1: float, c2: float) -> float:
    """See `fused.uniform`."""
    total = 0.0
    for p, q in _bands(x, y, UNIFORM - 1):
        a, b = p.astype(np.float64), q.astype(np.float64)
        sums = [_seven(z) for z in (a, b, a * a, b * b, a * b)]
        total += float(np.sum(_sample_similarity(sums, c1, c2)))
    return total


def _bands(x: Array, y: Array, overlap: int) -> Iterator[tuple[Array, Array]]:
    """Bands of rows that share `overlap` rows with the next."""
    rows = max(1, _BAND // max(1, x[0].size))
    for start in range(0, len(x) - overlap, rows):
        yield x[start : start + rows + overlap], y[start : start + rows + overlap]


def _gaussian_means(x: Array, y: Array, window: Array) -> list[Array]:
    """Weighted means of x + y, x - y and their squares where the window fits, each H - 10 x W - 10 x C."""
    import cv2

    p, q = x.astype(np.float64), y.astype(np.float64)
    s, d = p + q, p - q
    kept = slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS)
    maps = (z.reshape(*z.shape[:2], -1) for z in (s, d, s * s, d * d))
    return [cv2.sepFilter2D(z, cv2.CV_64F, window, window).reshape(x.shape)[kept] for z in maps]


def _similarity(means: list[Array], c1: float, c2: float, relu: bool, eps: float) -> Array:
    s, d, ss, dd = means
    a = (s * s + d * d) / 2 + c1
    deviation = dd - d * d
    b = (ss - s * s + deviation) / 2 + c2
    contrast = np.maximum(b - deviation, 0) if relu else b - deviation
    return (a - d * d) * contrast / (a * b + eps)


def _seven(z: Array) -> Array:
    """Sums under each whole 7 x 7 window."""
    import cv2

    kept = slice(UNIFORM // 2, -(UNIFORM // 2))
    summed = cv2.boxFilter(z, cv2.CV_64F, (UNIFORM, UNIFORM), normalize=False)
    return np.asarray(summed).reshape(z.shape)[kept, kept]


def _sample_similarity(sums: list[Array], c1: float, c2: float) -> Array:
    a, b, aa, bb, ab = sums
    n = UNIFORM**2
    p, q = a / n, b / n
    variances = (aa + bb - n * (p * p + q * q)) / (n - 1)
    covariance = (ab - n * p * q) / (n - 1)
    return (2 * p * q + c1) * (2 * covariance + c2) / ((p * p + q * q + c1) * (variances + c2))
