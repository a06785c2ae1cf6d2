"""Camera shake as a random trajectory (Boracchi and Foi 2012), with the formula and constants of DeblurGAN.

A point starts with a velocity of random direction. At every step the velocity takes a Gaussian push, a pull back to
the start, and now and then an impulse that turns it around; then its speed is set to what makes the whole path
`length` pixels long. (KupynOrest/DeblurGAN motion_blur/generate_trajectory.py and generate_PSF.py.)

Every position is the same on any machine: normal deviates come from a table of quantiles, cosines are rounded to a
grid of 2^-30, and all else is + - * / and the square root in float64, which IEEE 754 rounds exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import cos, fsum, pi, radians, sin, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from deblurbench.blur.kernel import Kernel, quantise
from deblurbench.draws import Draws

Points = npt.NDArray[np.float64]
"""float64 n x 2: x to the right and y downwards, in pixels."""

_GRID = 1 << 30
_WORD = 1 << 32
_QUANTILES = 1 << 14


@dataclass(frozen=True)
class Shake:
    """What rules one trajectory.

    Attributes:
        length: of the whole path, pixels.
        steps: positions in it, the start included.
        expl: how strongly each step is perturbed, and how likely an impulse is ("big shake").
        centripetal: how strongly the start pulls back.
        big_shake: the probability of an impulse at a step is this times `expl`.
        gaussian_shake: standard deviation of the push per axis, in units of `expl` times the speed.
        angle: of the first velocity, degrees counter-clockwise from the x axis.
    """

    length: float
    steps: int
    expl: float
    centripetal: float
    big_shake: float
    gaussian_shake: float
    angle: float


def _on_grid(value: float) -> float:
    """`value` on a grid of 2^-30, where a last-digit difference between machines is gone."""
    return round(value * _GRID) / _GRID


@cache
def normal_quantiles() -> list[float]:
    """2^14 equally likely values of the standard normal distribution: its quantiles at (i + 1/2) / 2^14."""
    normal = NormalDist()
    return [_on_grid(normal.inv_cdf((i + 0.5) / _QUANTILES)) for i in range(_QUANTILES)]


def trajectory(shake: Shake, draws: Draws) -> Points:
    """The positions of one trajectory, `steps` x 2, starting at the origin."""
    count = shake.steps - 1
    trials, turns, across, down = draws.words(4 * count).reshape(4, count).tolist()
    normal = normal_quantiles()
    likely = shake.big_shake * shake.expl * _WORD
    angle = radians(shake.angle)
    start = shake.expl or 1.0  # DeblurGAN's first velocity is `expl` pixels long, not yet the common speed
    speed = shake.length / count
    # Velocities are in units of the speed; each is of length 1 but for the first.
    u, v = _on_grid(cos(angle)) * start / speed, -_on_grid(sin(angle)) * start / speed
    x = y = 0.0
    points = [(x, y)]
    for trial, turn, push_x, push_y in zip(trials, turns, across, down, strict=True):
        du = shake.expl * (shake.gaussian_shake * normal[push_x >> 18] - shake.centripetal * x)
        dv = shake.expl * (shake.gaussian_shake * normal[push_y >> 18] - shake.centripetal * y)
        if trial < likely:  # twice the velocity, turned by pi and up to half a radian
            c, s = _on_grid(cos(pi + turn / _WORD - 0.5)), _on_grid(sin(pi + turn / _WORD - 0.5))
            du, dv = du + 2 * (u * c - v * s), dv + 2 * (u * s + v * c)
        u, v = u + du, v + dv
        size = sqrt(u * u + v * v) or 1.0
        u, v = u / size, v / size
        x, y = x + u * speed, y + v * speed
        points.append((x, y))
    return np.array(points)


def exposed(points: Points, fraction: float) -> tuple[Points, npt.NDArray[np.float64]]:
    """The positions that a shutter sees which is open for the first `fraction` of the time, and their weights.

    As in DeblurGAN the start does not count, and the last position counts by the part of its step.
    """
    weights = np.clip(fraction * len(points) - np.arange(len(points) - 1), 0, 1)
    seen = weights > 0
    return points[1:][seen], weights[seen]


def splat(points: Points, weights: npt.NDArray[np.float64]) -> Kernel:
    """The kernel of weighted positions, their centroid on its centre pixel.

    Each position is spread bilinearly over the four pixels around it. The kernel is cut to what is not zero, evenly
    on both sides of the centre, so that its sizes are odd.
    """
    total = fsum(weights)
    centred = points - [fsum(weights * points[:, axis]) / total for axis in (0, 1)]
    low = np.floor(centred).astype(np.intp)
    right, below = (centred - low).T
    left, above = 1 - right, 1 - below
    radius = int(np.abs(low).max()) + 1
    taps = np.zeros((2 * radius + 1, 2 * radius + 1))
    column, row = low.T + radius
    for y, x, share in ((0, 0, above * left), (0, 1, above * right), (1, 0, below * left), (1, 1, below * right)):
        np.add.at(taps, (row + y, column + x), weights * share)
    return _trimmed(quantise(taps))


def _trimmed(kernel: Kernel) -> Kernel:
    """The kernel without the outer rows and columns that are zero on both sides."""
    centre = kernel.taps.shape[0] // 2
    rows, columns = (int(np.abs(indices - centre).max()) for indices in np.nonzero(kernel.taps))
    return Kernel(kernel.taps[centre - rows : centre + rows + 1, centre - columns : centre + columns + 1])
