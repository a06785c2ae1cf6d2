"""SSIM sums in one pass over a pair of pictures, compiled by numba: about 20 times as fast as scikit-image's.

`plain.py` is the same in NumPy and OpenCV: the reference of the tests, and what works where numba is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.metrics import loops
from deblurbench.scoring.metrics.windows import C1, C2, GAUSSIAN, RADIUS

Array = npt.NDArray[Any]

_BAND = 256  # rows that share a centre: float32 keeps more digits of what is near 0
_EXACT = GAUSSIAN[RADIUS:].copy()
_FAST = _EXACT.astype(np.float32)

KEPT = {name: getattr(loops, name) for name in ("squared_error", "gaussian_fast", "gaussian", "volume", "uniform")}
"""What numba compiles and keeps."""


def squared_error(x: Array, y: Array) -> int:
    """The sum of squared differences of two uint8 arrays of one shape, exact."""
    return int(loops.squared_error(_rows(x), _rows(y)))


def gaussian_fast(x: Array, y: Array) -> tuple[float, float]:
    """The sum of 1 - SSIM over the valid area of two uint8 pictures, H x W x C, range 255, in float32.

    And the risk, a sum over the same area: the larger it is, the more digits may be lost.
    """
    c1, c2, half = np.float32(C1), np.float32(C2), np.float32(0.5)
    bands = [(x[i : i + _BAND], y[i : i + _BAND]) for i in range(0, len(x) - 2 * RADIUS, _BAND - 2 * RADIUS)]
    sums = [loops.gaussian_fast(_rows(a), _rows(b), x.shape[2], _FAST, c1, c2, half) for a, b in bands]
    return sum(total for total, _ in sums), sum(risk for _, risk in sums)


def gaussian(
    x: Array, y: Array, window: Array, c1: float, c2: float, relu: bool = False, epsilons: Sequence[float] = (0.0,)
) -> list[float]:
    """Sums of SSIM over the valid area of two pictures, H x W x C, of one type, in float64; one for each epsilon.

    Args:
        x, y: uint8 or floating, on one scale.
        window: eleven taps, symmetric.
        c1, c2: the constants on that scale.
        relu: count a negative contrast term as 0.
        epsilons: added to the denominator.
    """
    half = window[RADIUS:].copy()
    totals = loops.gaussian(_rows(x), _rows(y), x.shape[2], half, c1, c2, relu, np.array(epsilons, np.float64))
    return [float(total) for total in totals]


def volume(x: Array, y: Array, mix: Array, c1: float, c2: float) -> float:
    """The sum of SSIM over H x W x C of two pictures with replicated borders, where the window reaches across channels.

    Args:
        mix: C x C; row i says how much of each channel's filtered map is in channel i's.
    """
    return float(loops.volume(_bordered_planes(x), _bordered_planes(y), mix, _EXACT, c1, c2))


def uniform(x: Array, y: Array, c1: float, c2: float) -> float:
    """The sum of SSIM with a 7 x 7 uniform window and sample covariance over the valid area; as `gaussian`."""
    return float(loops.uniform(_rows(x), _rows(y), x.shape[2], c1, c2))


def _rows(picture: Array) -> Array:
    return np.ascontiguousarray(picture).reshape(len(picture), -1)


def _bordered_planes(picture: Array) -> Array:
    """C x H + 10 x W + 10: each channel with its edge repeated."""
    import cv2

    sides = (RADIUS, RADIUS, RADIUS, RADIUS)
    return np.stack([cv2.copyMakeBorder(plane, *sides, cv2.BORDER_REPLICATE) for plane in cv2.split(picture)])
