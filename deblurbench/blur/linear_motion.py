"""Linear motion blur: the picture moves along a straight line, evenly, while it is exposed."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator

from deblurbench.blur.family import Blur, Drawn
from deblurbench.blur.kernel import spread
from deblurbench.blur.values import Angle, Value, between, draw_value
from deblurbench.draws import Draws

_GRID = 1 << 36
Floats = npt.NDArray[np.float64]


class LinearMotion(Blur):
    """A line of `length` pixels at `angle` degrees, counter-clockwise from the x axis as one sees the picture.

    The blurred picture is the mean of the picture over that line, between its pixels by bilinear interpolation.
    The line is centred, and its speed constant, so that the angles a and a + 180 are one. Drawn in this order:
    length, angle.
    """

    family: ClassVar[str] = "linear-motion"
    length: Annotated[Value, AfterValidator(between(0.1, 255))]
    angle: Angle

    def draw(self, draws: Draws) -> Drawn:
        """A kernel; recorded are its length and angle."""
        length, angle = draw_value(draws, self.length), draw_value(draws, self.angle)
        weights = line_weights(length, angle)
        # A grid of 2^-36 hides the last digits, which are a machine's own.
        return Drawn(spread(np.rint(weights * _GRID).astype(np.int64)), {"length": length, "angle": angle})


def line_weights(length: float, angle: float) -> Floats:
    """The mean over the line of the bilinear hat of every pixel: float64, odd sides, summing to 1.

    It is exact: between two crossings of the pixel grid a hat is a product of two linear functions of the way,
    whose integral Simpson's rule gives.
    """
    x, y = np.cos(np.radians(angle)), -np.sin(np.radians(angle))  # a step along the line; rows run downwards
    reach = [int(np.ceil(length / 2 * abs(step) - 1e-9)) for step in (y, x)]  # of the hats that the line meets
    crossings = [_crossings(length, step) for step in (y, x)]
    ways = np.unique(np.concatenate([[-length / 2, length / 2], *crossings]))
    start, end = ways[:-1], ways[1:]
    middle = (start + end) / 2
    rows, columns = np.floor(middle * y), np.floor(middle * x)  # of the grid cell that each piece lies in
    weights = np.zeros((2 * reach[0] + 3, 2 * reach[1] + 3))
    for down in (0, 1):
        for right in (0, 1):
            hats = [_hat(way * y - rows, down) * _hat(way * x - columns, right) for way in (start, middle, end)]
            integral = (end - start) / 6 * (hats[0] + 4 * hats[1] + hats[2])
            place = (rows.astype(int) + reach[0] + 1 + down, columns.astype(int) + reach[1] + 1 + right)
            np.add.at(weights, place, integral / length)
    return weights[1:-1, 1:-1]  # the border only caught what rounding put beyond the ends


def _crossings(length: float, step: float) -> Floats:
    """Where, on the way from -length / 2 to length / 2, a coordinate that grows by `step` is a whole number."""
    whole = np.arange(np.ceil(-length / 2 * abs(step)), np.floor(length / 2 * abs(step)) + 1)
    ways = whole / step if abs(step) > 1e-12 else np.zeros(0)
    return np.asarray(ways[np.abs(ways) < length / 2])


def _hat(offset: Floats, right: int) -> Floats:
    """The weight of the left or the right of two neighbours at an `offset` of 0 .. 1 from the left one."""
    return offset if right else 1 - offset
