"""Luma planes as published code computes them: in which precision is part of the result.

A picture without three channels is its own luma.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_255 = np.float32(255)


def bt601(picture: Array) -> Array:
    """BasicSR's Y of YCbCr: 16 + (65.481 R + 128.553 G + 24.966 B) / 255, stored as float32 on the way.

    Args:
        picture: uint8, H x W x 3, RGB.

    Returns: float64, H x W, 16 .. 235, not rounded.
    """
    if picture.shape[2:] != (3,):
        return picture.astype(np.float64)
    import cv2

    unit = (np.arange(256, dtype=np.float32) / _255).astype(np.float64)
    planes = zip(cv2.split(picture), (65.481, 128.553, 24.966), strict=True)
    red, green, blue = (cv2.LUT(plane, unit * weight) for plane, weight in planes)
    luma = (red + green + blue + 16) / 255
    return (luma.astype(np.float32) * _255).astype(np.float64)


def yiq(picture: Array) -> Array:
    """pyiqa's Y of YIQ: 0.299 R + 0.587 G + 0.114 B in float32, rounded half to even.

    Args:
        picture: uint8, or floating in 0 .. 1, H x W x 3, RGB.

    Returns: uint8, H x W. Where the exact value is halfway between two levels, float32 decides, as there.
    """
    unit = picture.astype(np.float32) / (_255 if picture.dtype == np.uint8 else np.float32(1))
    if picture.shape[2:] == (3,):
        red, green, blue = (unit[:, :, i] * np.float32(w) for i, w in enumerate((0.299, 0.587, 0.114)))
        unit = red + green + blue
    return np.rint(unit * _255).astype(np.uint8)
