"""Integer kernels in pieces that are cheap to convolve with, and that add up to the kernel exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Taps = npt.NDArray[np.int32]


class Piece(NamedTuple):
    """A part of a kernel: its taps without a zero margin, and where its first row and column lie in the kernel."""

    taps: Taps
    row: int
    column: int


def factors(taps: Taps) -> tuple[Taps, Taps] | None:
    """Integers (column, row) whose outer product is the kernel, or None where there are none.

    The row is the kernel's strongest one divided by the greatest common divisor of its taps, so that
    every row of a kernel of rank 1 is a whole multiple of it.

    Args:
        taps: int32 h x w, >= 0, not all zero.
    """
    y, x = np.unravel_index(np.argmax(taps), taps.shape)
    row = taps[y] // np.gcd.reduce(taps[y])
    column = taps[:, x] // row[x]
    return (column, row) if np.array_equal(np.outer(column, row), taps) else None


def pieces(taps: Taps, limit: int) -> list[Piece]:
    """Cut a kernel into rectangles of at most `limit` taps, zeros inside them counted, that hold all that is not zero.

    Bands of whole rows, each as high as the limit lets it be: a motion path, thin and long, falls into few.
    """
    found: list[Piece] = []
    row = 0
    while row < len(taps):
        band = _trimmed(taps[row : row + 1], row)
        end = row + 1
        while band and end < len(taps):
            higher = _trimmed(taps[row : end + 1], row)
            if higher is None or higher.taps.size > limit:
                break
            band, end = higher, end + 1
        found += [] if band is None else _cut(band, limit)
        row = end
    return found


def _trimmed(taps: Taps, row: int, column: int = 0) -> Piece | None:
    rows, columns = np.flatnonzero(taps.any(axis=1)), np.flatnonzero(taps.any(axis=0))
    if not len(rows):
        return None
    inner = taps[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Piece(inner, row + int(rows[0]), column + int(columns[0]))


def _cut(band: Piece, limit: int) -> list[Piece]:
    """A band that fits, or its only row in parts that fit."""
    if band.taps.size <= limit:
        return [band]
    starts = range(0, band.taps.shape[1], limit)
    parts = (_trimmed(band.taps[:, i : i + limit], band.row, band.column + i) for i in starts)
    return [part for part in parts if part is not None]
