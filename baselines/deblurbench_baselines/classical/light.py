"""Pictures as planes of numbers, in the light in which they were blurred, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deblurbench.blur.light import STORED, curve
from deblurbench.images.codec import Picture

Floats = npt.NDArray[np.float64]

_BITS = 8  # after the point of linear light on its way back: its units are far finer than a stored level already

# Orthonormal, so that the rounding noise of the three planes is that of the three channels.
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


def to_planes(picture: Picture, light: str = STORED) -> Floats:
    """The channels of uint8 H x W x 3 in a light, 3 x H x W: 0 .. 255, whatever the light.

    Raises: UsageError for an unknown light.
    """
    if light == STORED:
        return np.moveaxis(picture.astype(np.float64), 2, 0)
    response = curve(light)
    return np.moveaxis(response.to_linear(picture) * (255 / response.levels[:, -1]), 2, 0)


def to_picture(planes: Floats, light: str = STORED) -> Picture:
    """uint8 H x W x 3 of planes in a light, clipped and rounded."""
    values = np.moveaxis(planes, 0, 2)
    if light == STORED:
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
    response = curve(light)
    sums = np.rint(np.clip(values, 0, 255) * (response.levels[:, -1] / 255 * 2**_BITS)).astype(np.int64)
    return response.to_stored(sums, _BITS)


def to_opponent(planes: Floats) -> Floats:
    """Brightness and two opponent colours of R, G and B, 3 x H x W: an orthonormal turn."""
    return np.tensordot(OPPONENT, planes, axes=1)


def from_opponent(planes: Floats) -> Floats:
    """The way back: R, G and B."""
    return np.tensordot(OPPONENT, planes, axes=(0, 0))
