"""How far a model looks: by how much a restored pixel depends on each blurred one around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import Sensitivity

Floats = npt.NDArray[np.float64]

SHARES = (0.5, 0.9, 0.99)
"""Of the squared dependence, for which radii are told."""

_SIDE = 257  # pixels, of the middle of a picture that a network is asked about: its memory grows with it
_HALF = 48  # pixels on each side, within which differences are looked at
_APART = 129  # pixels between pixels that are changed at once: their traces must not meet
_OFF = 16  # pixels by which a changed pixel may lie off the lattice, for one in grey surroundings
_NEAR = 3  # pixels around it, in which the restored picture must not be cut off
# Grey levels by which it is changed: the more, the less rounding matters; but blind methods take many large ones for
# noise, and do less.
_STEPS = (12, 6, 3)


@dataclass(frozen=True, eq=False)
class Response:
    """What the brightness of a restored pixel depends on, averaged over pictures.

    Attributes:
        method: `gradient`, of a network; or `differences`, from pixels that were changed.
        filter: float64, side x side: the change of the restored pixel in the middle with that of each blurred one.
        energy: float64, side x side, >= 0: the mean of its square, less what rounding has added.
        n: gradients, or changed pixels, that were averaged.
    """

    method: Literal["gradient", "differences"]
    filter: Floats
    energy: Floats
    n: int

    def cumulative(self) -> tuple[Floats, Floats]:
        """(radii in pixels, the share of the energy within each): from 0 to the border. Shares are 0 without energy."""
        middle = self.energy.shape[0] // 2
        places = np.arange(self.energy.shape[0]) - middle
        ring = np.rint(np.hypot(places[:, None], places)).astype(np.int64)
        sums = np.bincount(ring.ravel(), self.energy.ravel())[: middle + 1]
        total = np.maximum.accumulate(np.maximum(np.cumsum(sums), 0))
        return np.arange(middle + 1, dtype=np.float64), total / total[-1] if total[-1] > 0 else total

    def radius(self, share: float) -> float | None:
        """The radius in pixels that holds a share of the energy, between whole ones; None where nothing is held."""
        radii, shares = self.cumulative()
        if not shares[-1] > 0:
            return None
        first = int(np.argmax(shares >= share))
        if first == 0:
            return 0.0
        below, above = shares[first - 1], shares[first]
        return float(radii[first - 1] + (share - below) / (above - below))

    @property
    def total(self) -> float | None:
        """The sum of the filter, which is the gain of flat areas; None of differences, whose rounding adds up in it."""
        return float(self.filter.sum()) if self.method == "gradient" else None

    def as_dict(self) -> dict[str, Any]:
        """The figures, without the maps."""
        radii, shares = self.cumulative()
        return {
            "method": self.method,
            "n": self.n,
            "window": self.energy.shape[0],
            "sum": _rounded(self.total),
            "centre": round(float(self.filter[tuple(size // 2 for size in self.filter.shape)]), 6),
            "radius": {f"{share:.0%}": _rounded(self.radius(share)) for share in SHARES},
            "share_within": [round(float(share), 6) for share in shares[: min(len(radii), 1 + _HALF)]],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def by_gradient(sensitivity: Sensitivity, pictures: Sequence[Picture]) -> Response:
    """From the gradients of the middle of each picture. Pictures are cut to their common middle, of an odd side."""
    side = min(_SIDE, *(min(picture.shape[:2]) for picture in pictures))
    side -= 1 - side % 2
    total, square = np.zeros((side, side)), np.zeros((side, side))
    for picture in pictures:
        top, left = ((size - side) // 2 for size in picture.shape[:2])
        gradient = np.asarray(sensitivity(np.ascontiguousarray(picture[top : top + side, left : left + side])))
        total += gradient
        square += gradient.astype(np.float64) ** 2
    return Response("gradient", total / len(pictures), square / len(pictures), len(pictures))


def by_differences(restorers: Sequence[Callable[[Picture], Picture]], pictures: Sequence[Picture]) -> Response | None:
    """From pictures in which a few pixels, far apart, are made brighter and darker; each is restored twice.

    What is seen is the trace that one blurred pixel leaves in the restored ones. Turned by 180 degrees that is what
    one restored pixel depends on, where a method does the same everywhere. Pixels near black or white, from which
    there is no way up or down, are left out.

    Returns: None where no picture has a pixel to change.
    """
    half = min(_HALF, *((min(picture.shape[:2]) - 1) // 2 for picture in pictures))
    traces = [trace for pair in zip(restorers, pictures, strict=True) for trace in _traces(*pair, half)]
    if not traces:
        return None
    stack = np.stack(traces)
    mean, square = stack.mean(axis=0), (stack**2).mean(axis=0)
    return Response("differences", mean, square - _noise(square), len(traces))


def _traces(restorer: Callable[[Picture], Picture], picture: Picture, half: int) -> Iterator[Floats]:
    """(brighter - darker) / (2 steps) around each changed pixel, turned by 180 degrees.

    An inverse of blur multiplies a change. Each pixel takes the largest step with which nothing near it becomes black
    or white, where it would be cut off; one that has none is left out.
    """
    left = list(_places(picture, half))
    for step in _STEPS:
        if not left:
            return
        rows, columns = (np.array(axis) for axis in zip(*left, strict=True))
        changed = []
        for signed in (step, -step):
            other = picture.astype(np.int16)
            other[rows, columns] += signed
            changed.append(restorer(other.astype(np.uint8)))
        brighter, darker = (one.mean(axis=2, dtype=np.float64) for one in changed)
        difference = (brighter - darker) / (2 * step)
        for row, column in left.copy():
            near = [one[row - _NEAR : row + _NEAR + 1, column - _NEAR : column + _NEAR + 1] for one in changed]
            if all(part.min() > 0 and part.max() < 255 for part in near):
                left.remove((row, column))
                yield difference[row - half : row + half + 1, column - half : column + half + 1][::-1, ::-1]


def _places(picture: Picture, half: int) -> Iterator[tuple[int, int]]:
    """On a lattice about the middle, the pixels whose surroundings are nearest to grey, with a window around each."""
    from scipy.ndimage import maximum_filter

    lattice = [_lattice(size, half) for size in picture.shape[:2]]
    away = maximum_filter(np.abs(picture.astype(np.int16) - 128).max(axis=2), 2 * _NEAR + 1)
    for row in lattice[0]:
        for column in lattice[1]:
            rows, columns = (
                slice(max(half, at - _OFF), min(size - half, at + _OFF + 1))
                for at, size in zip((row, column), picture.shape[:2], strict=True)
            )
            part = away[rows, columns]
            down, right = np.unravel_index(int(part.argmin()), part.shape)
            place = rows.start + int(down), columns.start + int(right)
            if int(np.abs(picture[place].astype(np.int16) - 128).max()) + max(_STEPS) <= 127:
                yield place


def _lattice(size: int, half: int) -> list[int]:
    count = max(0, size - 1 - 2 * half) // _APART
    first = size // 2 - count * _APART // 2
    return [first + i * _APART for i in range(count + 1)]


def _noise(square: Floats) -> float:
    """The mean square that rounding leaves: that of the corners, beyond the largest circle."""
    half = square.shape[0] // 2
    places = np.arange(square.shape[0]) - half
    corners = np.hypot(places[:, None], places) > half + 0.5
    return float(square[corners].mean()) if corners.any() else 0.0
