"""Defocus blur: the evenly lit image of a lens' aperture, a disk or a regular polygon.

Its taps are areas, counted in integers. Every pixel is cut into 256 rows; in each the shape is the interval between
its left and its right edge, taken in units of 2^-20 pixel, and a pixel counts what of the interval lies in it. A
pixel's share of the shape is off by less than 0.0005 pixel, and only next to the top and bottom of a disk by so much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, ValidationInfo, field_validator

from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.kernel import spread
from deblurbench.blur.values import Angle, Value, between, draw_value
from deblurbench.draws import Draws

PIXEL = 1 << 20
"""Units of length in a pixel."""

_ROWS = 1 << 8
Ints = npt.NDArray[np.int64]


def _check_blades(blades: int) -> int:
    if blades != 0 and not 3 <= blades <= 12:
        raise ValueError("0 for a disk, or 3 to 12 blades for a polygon")
    return blades


class Defocus(Blur):
    """A disk of `radius` pixels or, with `blades`, the regular polygon whose corners lie on its circle.

    `rotation` turns the polygon: the direction from its centre to its first corner (0 where it is left out). Up to
    a radius of half a pixel, nothing is blurred. A disk's centroid is the centre; a polygon's, taken at the pixels'
    centres, is up to 0.03 pixel off it (0.11 below a radius of 2). Drawn in this order: radius, rotation.
    """

    family: ClassVar[str] = "defocus"
    radius: Annotated[Value, AfterValidator(between(0.1, 100))]
    blades: Annotated[int, AfterValidator(_check_blades)] = 0
    rotation: Angle | None = None

    @field_validator("rotation")
    @classmethod
    def _check_rotation(cls, rotation: Value | None, info: ValidationInfo) -> Value | None:
        if rotation is not None and info.data.get("blades") == 0:
            raise ValueError("a disk has no rotation: give the number of blades, or leave the rotation out")
        return rotation

    def draw(self, draws: Draws) -> Drawn:
        """A kernel; recorded are its radius, its number of blades and, where it has any, its rotation."""
        radius = draw_value(draws, self.radius)
        if not self.blades:
            return Drawn(spread(disk_areas(radius)), {"radius": radius, "blades": 0})
        rotation = draw_value(draws, self.rotation or 0.0)
        kernel = spread(polygon_areas(radius, self.blades, rotation))
        return Drawn(kernel, {"radius": radius, "blades": self.blades, "rotation": rotation})


def disk_areas(radius: float) -> Ints:
    """What of each pixel a disk about the middle one covers, in units of 2^-28 pixel: int64, odd size, square."""
    reach = round(radius * PIXEL)

    def edges(heights: Ints) -> tuple[Ints, Ints]:
        half = np.sqrt(np.maximum(reach**2 - heights**2, 0)).astype(np.int64)  # IEEE 754: the same root everywhere
        return -half, half

    return _areas(reach, edges)


def polygon_areas(radius: float, blades: int, rotation: float) -> Ints:
    """The same for a regular polygon with its corners on the circle of that radius, the first one at `rotation`."""
    angles = np.radians(rotation + 360 / blades * np.arange(blades))
    x = np.rint(radius * PIXEL * np.cos(angles)).astype(np.int64)
    y = np.rint(-radius * PIXEL * np.sin(angles)).astype(np.int64)  # rows run downwards
    sides = list(zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True))

    def edges(heights: Ints) -> tuple[Ints, Ints]:
        left, right = np.full_like(heights, PIXEL << 8), np.full_like(heights, -PIXEL << 8)
        for x0, y0, x1, y1 in sides:
            met = (np.minimum(y0, y1) <= heights) & (heights < np.maximum(y0, y1))
            at = x0 + (heights[met] - y0) * (x1 - x0) // (y1 - y0)
            left[met] = np.minimum(left[met], at)
            right[met] = np.maximum(right[met], at)
        return left, right

    return _areas(round(radius * PIXEL), edges)


def _areas(reach: int, edges: Callable[[Ints], tuple[Ints, Ints]]) -> Ints:
    """Sums over the rows of each pixel of the length of the shape in it; `edges` gives its ends at given heights."""
    side = max(-((PIXEL // 2 - reach) // PIXEL), 0)  # pixels that the shape touches on either side of the middle one
    starts = (np.arange(-side, side + 1) * 2 - 1) * PIXEL // 2  # left or upper borders of the pixels
    within = (2 * np.arange(_ROWS) + 1) * PIXEL // (2 * _ROWS)
    areas = np.zeros((len(starts), len(starts)), dtype=np.int64)
    for row, top in enumerate(starts):
        left, right = edges(top + within)
        covered = np.minimum(right[:, None], starts + PIXEL) - np.maximum(left[:, None], starts)
        areas[row] = np.maximum(covered, 0).sum(axis=0)
    return areas
