"""Pictures on another scale, of levels or of space, as published code takes them before it compares."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def unit(picture: Array) -> Array:
    """Samples in 0 .. 1 with the digits of float32, which tensors have; floating pictures as they are."""
    return picture.astype(np.float32) / np.float32(255) if picture.dtype == np.uint8 else picture


def times_smaller(height: int, width: int) -> int:
    """By how much piq makes a picture smaller: 1 below a side of 384; to even at a half, as Python rounds."""
    return max(1, round(min(height, width) / 256))


def smaller(picture: Array) -> Array:
    """Averaged over squares of `times_smaller`, as by piq; rows and columns that fill no square are dropped.

    Returns: float64, on the picture's scale.
    """
    import cv2

    side = times_smaller(*picture.shape[:2])
    height, width = picture.shape[0] // side, picture.shape[1] // side
    depth = cv2.CV_32S if picture.dtype == np.uint8 else cv2.CV_64F
    sums = cv2.boxFilter(picture, depth, (side, side), normalize=False)
    return np.asarray(sums[side // 2 :: side, side // 2 :: side][:height, :width] / float(side * side))
