"""Luma planes as published code computes them: in which precision is part of the result.

A picture without three channels is its own luma.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_255 = np.float32(255)
_UNIT = np.arange(256, dtype=np.float32) / _255


def bt601(picture: Array) -> Array:
    """BasicSR's Y of YCbCr: 16 + (65.481 R + 128.553 G + 24.966 B) / 255, stored as float32 on the way.

    Args:
        picture: uint8, H x W x 3, RGB.

    Returns: float64, H x W, 16 .. 235, not rounded.
    """
    if picture.shape[2:] != (3,):
        return picture.astype(np.float64)
    luma = _weighted(picture, _UNIT.astype(np.float64), (65.481, 128.553, 24.966))
    luma += 16
    luma /= 255
    return (luma.astype(np.float32) * _255).astype(np.float64)


def yiq(picture: Array) -> Array:
    """pyiqa's Y of YIQ: 0.299 R + 0.587 G + 0.114 B in float32, rounded half to even.

    Args:
        picture: uint8, or floating in 0 .. 1, H x W x 3, RGB.

    Returns: uint8, H x W. Where the exact value is halfway between two levels, float32 decides, as there.
    """
    if picture.shape[2:] != (3,):
        return picture if picture.dtype == np.uint8 else np.rint(picture * 255).astype(np.uint8)
    weights = (np.float32(0.299), np.float32(0.587), np.float32(0.114))
    if picture.dtype == np.uint8:
        luma = _weighted(picture, _UNIT, weights)
    else:
        red, green, blue = (picture[:, :, i].astype(np.float32) * weight for i, weight in enumerate(weights))
        luma = red + green + blue
    luma *= _255
    return np.rint(luma, out=luma).astype(np.uint8)


def _weighted(picture: Array, unit: Array, weights: tuple[Any, Any, Any]) -> Any:
    """The weighted sum of three channels, added in their order, in the precision of `unit`: levels in 0 .. 1."""
    import cv2

    planes = zip(cv2.split(picture), weights, strict=True)
    red, green, blue = (cv2.LUT(plane, unit * weight) for plane, weight in planes)
    return red + green + blue
