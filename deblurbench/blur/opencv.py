"""Exact sums by OpenCV, on those of its routes that keep every digit.

On 8-bit samples every partial sum of taps x samples is an integer of at most 255 x 65,536 < 2^24: a float32
holds it, so that float32 sums are exact in any order, fused or not. OpenCV adds directly
- in `sepFilter2D`, always: kernels of rank 1 take two passes of it;
- in `filter2D` from float32 to float32, for kernels of fewer than 130 taps on x86 (50 elsewhere), and leaves zeros
  out: sparse kernels are cut into such pieces, so that 66 taps of motion cost 66 taps, not 31 x 31.
Whatever has more taps goes through `dft` in float64, whose error (measured: 2e-8 on 8 bits, 2e-4 on 21) is so far below
1/2 that the nearest integer is the sum. `filter2D` from 8 bits to float32 is not exact on large kernels, as it
transforms in float32, and never used.

Levels of more than 8 bits take two passes in float64, which holds their sums, or the transform.

OpenCV's number of threads is a setting of the whole process, so it is left alone: none of these functions uses more
than one thread (measured: processor time equals wall-clock time with two allowed).
"""

from __future__ import annotations

import math
import platform
import threading
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from deblurbench.blur.kernel import Kernel
from deblurbench.blur.separable import Piece, Taps, factors, pieces

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.floating[Any]]

_DIRECT = 129 if platform.machine().lower() in ("x86_64", "amd64") else 49
# In taps: what one more piece costs, and what a Fourier transform costs (measured, 1280x720).
_PIECE, _TRANSFORM = 9, 230
_LONGEST_LINES = 170  # height + width: beyond, a transform is faster than two passes (measured)


class Plan(NamedTuple):
    """How a kernel is applied: by its factors (column, row), else by its pieces, else (no pieces) by a transform."""

    lines: tuple[Taps, Taps] | None
    pieces: tuple[Piece, ...]


def valid(levels: Array, kernel: Kernel) -> Array:
    """The exact sums where the kernel lies wholly inside: (H - h + 1) x (W - w + 1) x C as integers in some float.

    They hold until the next call in the same thread.

    Args:
        levels: uint8, or integers of 0 .. 2^21 - 1, H x W x C, at least as large as the kernel.
        kernel: h x w taps.
    """
    plan = planned(kernel)
    rows, columns = (n - k + 1 for n, k in zip(levels.shape[:2], kernel.taps.shape, strict=True))
    shape = (rows, columns, levels.shape[2])
    if plan.lines:
        return _by_lines(levels, *plan.lines, shape)
    if plan.pieces and levels.dtype == np.uint8:
        return _by_pieces(levels, plan.pieces, shape)
    return _by_transform(levels, kernel, shape)


def planned(kernel: Kernel) -> Plan:
    """How this kernel is applied; the last plans are kept."""
    return _plan_of(kernel.taps.tobytes(), kernel.taps.shape)


@lru_cache(maxsize=64)
def _plan_of(data: bytes, shape: tuple[int, int]) -> Plan:
    taps = np.frombuffer(data, dtype=np.int32).reshape(shape)[::-1, ::-1]  # OpenCV correlates
    lines = factors(taps)
    if lines and sum(shape) <= _LONGEST_LINES:
        return Plan(lines, ())
    cut = pieces(taps, _DIRECT)
    cheap = np.count_nonzero(taps) + _PIECE * len(cut) <= _TRANSFORM
    return Plan(None, tuple(cut) if cheap else ())


def _by_lines(levels: Array, column: Taps, row: Taps, shape: tuple[int, ...]) -> Array:
    import cv2

    short = levels.dtype == np.uint8
    kind, depth = (np.float32, cv2.CV_32F) if short else (np.float64, cv2.CV_64F)
    source = levels if short else levels.astype(np.float64)
    whole = _workspace.take("lines", levels.shape, kind)
    across: Floats = row.astype(kind)
    down: Floats = column.astype(kind)
    # Anchored in the middle, where OpenCV makes use of symmetry.
    cv2.sepFilter2D(source, depth, across, down, dst=whole, borderType=cv2.BORDER_REPLICATE)
    top, left = len(column) // 2, len(row) // 2
    return whole[top : top + shape[0], left : left + shape[1]]


def _by_pieces(levels: Array, parts: tuple[Piece, ...], shape: tuple[int, ...]) -> Array:
    import cv2

    source = _workspace.take("source", levels.shape)
    np.copyto(source, levels)
    total: Array | None = None
    for part in parts:
        (height, width), (row, column) = part.taps.shape, part[1:]
        seen = source[row : row + shape[0] + height - 1, column : column + shape[1] + width - 1]
        whole = _workspace.take("total" if total is None else "part", seen.shape)
        taps = part.taps.astype(np.float32)
        cv2.filter2D(seen, cv2.CV_32F, taps, dst=whole, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
        sums = whole[: shape[0], : shape[1]]
        total = sums if total is None else np.add(total, sums, out=total)
    assert total is not None, "a kernel has taps"
    return total


class _Workspace(threading.local):
    """Memory that a thread keeps for its next strip: new pages from the system cost half as much as the sums."""

    def __init__(self) -> None:
        self._kept: dict[str, Array] = {}

    def take(self, name: str, shape: tuple[int, ...], kind: type = np.float32) -> Array:
        """An array of this shape and any content, which holds until the thread takes this name again."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size or kept.dtype != kind:
            kept = self._kept[name] = np.empty(size, dtype=kind)
        return kept[:size].reshape(shape)


_workspace = _Workspace()


def _by_transform(levels: Array, kernel: Kernel, shape: tuple[int, ...]) -> Array:
    import cv2

    (rows, columns), (height, width) = levels.shape[:2], kernel.taps.shape
    size = (cv2.getOptimalDFTSize(rows), cv2.getOptimalDFTSize(columns))
    spectrum = _spectrum(kernel.taps.tobytes(), kernel.taps.shape, size)
    short = levels.dtype == np.uint8
    planes = cv2.split(levels) if short else np.moveaxis(levels, 2, 0)
    kind = np.float32 if short else np.float64
    sums = _workspace.take("sums", (len(planes), *shape[:2]), kind)
    source, product = (_workspace.take(name, size, np.float64) for name in ("source64", "product"))
    source.fill(0)  # what wraps around reaches only rows and columns that are not wanted
    for channel, plane in enumerate(planes):
        source[:rows, :columns] = plane
        cv2.dft(source, dst=product, nonzeroRows=rows)
        cv2.mulSpectrums(product, spectrum, 0, product)
        cv2.dft(product, dst=product, flags=cv2.DFT_INVERSE)
        inner = product[height - 1 : rows, width - 1 : columns]
        np.copyto(sums[channel], np.rint(inner, out=inner), casting="same_kind")
    merged = _workspace.take("merged", shape, kind)
    return np.asarray(cv2.merge(list(sums), merged)).reshape(shape)


@lru_cache(maxsize=8)
def _spectrum(data: bytes, shape: tuple[int, int], size: tuple[int, int]) -> Array:
    """The kernel's transform, divided by the size: OpenCV's inverse is not normalised."""
    import cv2

    taps = np.zeros(size)
    taps[: shape[0], : shape[1]] = np.frombuffer(data, dtype=np.int32).reshape(shape)
    return np.asarray(cv2.dft(taps / taps.size))
