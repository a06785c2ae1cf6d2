"""Resizing in integers: the same pixels on every machine, whatever libraries are installed.

Each axis is resampled with integer weights that sum to 2^16 per output sample. The filters and their support
are the usual ones (Pillow's too): when shrinking, the filter is stretched by the scale, so that it also removes
what the smaller picture cannot hold. Unlike Pillow, nothing is rounded or clipped between the two axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from deblurbench.images.codec import Picture

Filter = Literal["bilinear", "bicubic", "lanczos"]
Floats = npt.NDArray[np.float64]

_UNIT = 1 << 16
_GRID = 1 << 20


def _bilinear(x: Floats) -> Floats:
    return np.maximum(1 - np.abs(x), 0)


def _bicubic(x: Floats) -> Floats:  # Keys, a = -1/2
    x = np.abs(x)
    return np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0))


def _lanczos(x: Floats) -> Floats:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


_FILTERS: dict[Filter, tuple[Callable[[Floats], Floats], float]] = {
    "bilinear": (_bilinear, 1.0),
    "bicubic": (_bicubic, 2.0),
    "lanczos": (_lanczos, 3.0),
}


def resize(picture: Picture, height: int, width: int, kind: Filter = "lanczos") -> Picture:
    """Resize uint8 H x W x C to height x width x C.

    The products stay below 2^53, so float64 matrix products hold them exactly in any order of addition.
    """
    if picture.shape[:2] == (height, width):
        return picture
    rows = _weights(picture.shape[0], height, kind)
    columns = _weights(picture.shape[1], width, kind)
    planes = np.moveaxis(picture.astype(np.float64), 2, 0)
    total = np.rint(rows @ planes @ columns.T).astype(np.int64)
    rounded = (total + (_UNIT * _UNIT // 2)) // (_UNIT * _UNIT)
    return np.ascontiguousarray(np.moveaxis(np.clip(rounded, 0, 255).astype(np.uint8), 0, 2))


def _weights(source: int, target: int, kind: Filter) -> Floats:
    """Integer weights as float64, target x source, each row summing to 2^16."""
    function, reach = _FILTERS[kind]
    scale = max(source / target, 1.0)
    centre = (np.arange(target) + 0.5) * (source / target)
    distance = (np.arange(source) + 0.5 - centre[:, None]) / scale
    weights = np.where(np.abs(distance) <= reach, function(distance), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    # Round to a grid first: a last-digit difference in a machine's `sin` must not flip an integer.
    scaled = np.rint(weights * _UNIT * _GRID) / _GRID
    integers = np.rint(scaled)
    peak = np.argmax(integers, axis=1)
    integers[np.arange(target), peak] += _UNIT - integers.sum(axis=1)
    return integers


def crop_to_ratio(picture: Picture, ratio_width: int, ratio_height: int) -> Picture:
    """The largest centred part of the picture with the ratio width : height (rounded down)."""
    height, width = picture.shape[:2]
    new_width = max(1, min(width, height * ratio_width // ratio_height))
    new_height = max(1, min(height, width * ratio_height // ratio_width))
    top, left = (height - new_height) // 2, (width - new_width) // 2
    return picture[top : top + new_height, left : left + new_width]
