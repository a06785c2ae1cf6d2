"""Exact blur of 8-bit pictures: integers in, integers out, the same on every machine.

s = sum(taps * x); out = floor((s + 2^15) / 2^16). It is true convolution: a single bright pixel comes
out as the kernel. Borders are `reflect101` (... 2 1 | 0 1 2 ...) by index arithmetic, so a kernel
may be larger than the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.blur.border import extend, reflect101, source_indices
from deblurbench.blur.engines import choose
from deblurbench.blur.kernel import UNIT, Kernel
from deblurbench.images.codec import Picture

__all__ = ["adjoint_sums", "convolve", "reflect101", "weighted_sums"]

LEVELS = 1 << 21
"""Levels of linear light stay below this."""


def weighted_sums(levels: npt.NDArray[np.integer], kernel: Kernel, engine: str = "auto") -> npt.NDArray[np.int64]:
    """sum(taps * x) for each sample: the exact integers before rounding, int64 H x W x C.

    Args:
        levels: integers H x W x C, 0 .. 2^21 - 1 (stored values, or linear light from a table).
        kernel: an integer kernel.
        engine: what computes it (see `blur.engines`); the result does not depend on it.

    Raises:
        ValueError: the levels are not such integers.
        UsageError: no such engine, or it cannot be used here.
    """
    if levels.ndim != 3 or not np.issubdtype(levels.dtype, np.integer):
        raise ValueError(f"levels are integers H x W x C, not {levels.dtype} {levels.shape}")
    if levels.dtype != np.uint8 and levels.size and not 0 <= int(levels.min()) <= int(levels.max()) < LEVELS:
        raise ValueError(f"levels lie between 0 and {LEVELS - 1}, not {levels.min()} .. {levels.max()}")
    total = np.empty(levels.shape, dtype=np.int64)
    for rows, sums in _strips(levels, kernel, engine):
        total[rows] = sums
    return total


def convolve(picture: Picture, kernel: Kernel, engine: str = "auto") -> Picture:
    """Blur uint8 H x W x C with an integer kernel; returns uint8 of the same shape. The engine changes no pixel.

    Raises:
        ValueError: the picture is not uint8 H x W x C.
        UsageError: no such engine, or it cannot be used here.
    """
    if picture.ndim != 3 or picture.dtype != np.uint8:
        raise ValueError(f"a picture is uint8 H x W x C, not {picture.dtype} {picture.shape}")
    blurred = np.empty(picture.shape, dtype=np.uint8)
    for rows, sums in _strips(picture, kernel, engine):
        if np.issubdtype(sums.dtype, np.integer):
            blurred[rows] = (sums + UNIT // 2) >> 16
        else:
            # Below 2^24, so that float32 holds this exactly, too; the cast cuts the fraction off.
            halves_up = np.add(sums, UNIT // 2, out=sums)
            np.copyto(blurred[rows], np.multiply(halves_up, 1 / UNIT, out=sums), casting="unsafe")
    return blurred


def adjoint_sums(levels: npt.NDArray[np.integer], kernel: Kernel) -> npt.NDArray[np.int64]:
    """What the transpose of `weighted_sums` makes of integers H x W x C: int64 H x W x C, exact.

    sum(weighted_sums(x) * y) = sum(x * adjoint_sums(y)) for all x and y, borders included: what a kernel spreads
    beyond the picture is added where `reflect101` took it from.

    Args:
        levels: integers of any sign, their absolute values below 2^40.
        kernel: an integer kernel.
    """
    height, width, channels = levels.shape
    taps = kernel.taps[::-1, ::-1]
    rows, columns = source_indices(levels.shape, taps.shape)
    wide = levels.astype(np.int64)
    spread = np.zeros((len(rows), len(columns), channels), dtype=np.int64)
    for y, x in zip(*np.nonzero(taps), strict=True):
        spread[y : y + height, x : x + width] += int(taps[y, x]) * wide
    folded = np.zeros((height, len(columns), channels), dtype=np.int64)
    np.add.at(folded, rows, spread)
    total = np.zeros((width, height, channels), dtype=np.int64)
    np.add.at(total, columns, folded.transpose(1, 0, 2))
    return np.ascontiguousarray(total.transpose(1, 0, 2))


def _strips(levels: npt.NDArray[np.integer], kernel: Kernel, engine: str) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    """The sums of a few rows at a time: what is worked on stays in the cache, and memory is bounded."""
    chosen = choose(engine, kernel)
    if not levels.size:
        return
    height, taps = levels.shape[0], kernel.taps.shape
    extended = extend(levels, taps)
    count = max(chosen.samples // extended[0].size, 2 * taps[0])  # what overlaps is computed twice
    for start in range(0, height, count):
        stop = min(start + count, height)
        yield slice(start, stop), chosen.valid(extended[start : stop + taps[0] - 1], kernel)
