"""The colour filter array of a sensor, and the linear demosaicing of Malvar, He and Cutler in integers.

Source: Malvar, He, Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images",
ICASSP 2004: taps in eighths and sixteenths, here all in sixteenths, one rounding (halves up).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
"""The colours of the top left 2 x 2 pixels, row by row."""

MARGIN = 2
"""How far the taps reach: a mosaic is given with so many pixels more on each side."""


def sites(pattern: str) -> Iterator[tuple[int, int, int]]:
    """(row, column, channel) of the four pixels of a pattern; channel 0 is red, 1 green, 2 blue."""
    for index, colour in enumerate(pattern):
        yield index // 2, index % 2, "RGB".index(colour)


def mosaic(planes: npt.NDArray[Any], pattern: str) -> npt.NDArray[Any]:
    """The one colour that each pixel of a sensor sees: H x W of 3 x H x W. Any H and W, odd ones too."""
    raw = np.empty(planes.shape[1:], dtype=planes.dtype)
    for row, column, channel in sites(pattern):
        raw[row::2, column::2] = planes[channel, row::2, column::2]
    return raw


def demosaic(raw: npt.NDArray[np.int64], pattern: str) -> npt.NDArray[np.int64]:
    """All three colours of each pixel, 3 x H x W, of a mosaic of (H + 4) x (W + 4) int64 whose corner is (-2, -2).

    Exact on any picture that is an affine function of the coordinates, equal in slope in all three colours.
    """
    height, width = raw.shape[0] - 2 * MARGIN, raw.shape[1] - 2 * MARGIN
    out = np.empty((3, height, width), dtype=np.int64)
    channels = {(row, column): channel for row, column, channel in sites(pattern)}
    for (row, column), channel in channels.items():
        around = _Around(raw, row, column, height, width)
        view = out[:, row::2, column::2]
        view[channel] = around.at(0, 0)
        if channel == 1:
            view[channels[row, 1 - column]] = around.from_line(around.beside, around.beside2, around.above2)
            view[channels[1 - row, column]] = around.from_line(around.above, around.above2, around.beside2)
        else:
            view[1] = around.green()
            view[2 - channel] = around.opposite()
    return out


class _Around:
    """Sums of the neighbours of all pixels at one site of the pattern."""

    def __init__(self, raw: npt.NDArray[np.int64], row: int, column: int, height: int, width: int) -> None:
        self._raw, self._top, self._left = raw, MARGIN + row, MARGIN + column
        self._bottom, self._right = MARGIN + height, MARGIN + width
        self.beside, self.beside2 = self.at(0, -1) + self.at(0, 1), self.at(0, -2) + self.at(0, 2)
        self.above, self.above2 = self.at(-1, 0) + self.at(1, 0), self.at(-2, 0) + self.at(2, 0)
        self._diagonal = self.at(-1, -1) + self.at(-1, 1) + self.at(1, -1) + self.at(1, 1)

    def at(self, y: int, x: int) -> npt.NDArray[np.int64]:
        """The samples that lie (y, x) from the site."""
        return self._raw[self._top + y : self._bottom + y : 2, self._left + x : self._right + x : 2]

    def green(self) -> npt.NDArray[np.int64]:
        """Green at a red or blue pixel."""
        return _sixteenths(8 * self.at(0, 0) + 4 * (self.beside + self.above) - 2 * (self.beside2 + self.above2))

    def opposite(self) -> npt.NDArray[np.int64]:
        """Blue at a red pixel, red at a blue one."""
        return _sixteenths(12 * self.at(0, 0) + 4 * self._diagonal - 3 * (self.beside2 + self.above2))

    def from_line(
        self, near: npt.NDArray[np.int64], along: npt.NDArray[np.int64], across: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Red or blue at a green pixel whose neighbours of that colour are the two of `near`."""
        return _sixteenths(10 * self.at(0, 0) + 8 * near - 2 * (along + self._diagonal) + across)


def _sixteenths(total: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return (total + 8) >> 4
