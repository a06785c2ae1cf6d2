"""The loops behind `host_crops.py`, compiled by numba: a crop is taken from its picture, blurred and rounded at once.

Rows of the picture are read as the kernel needs them, mirrored at the border (reflect101), and kept while it spans
them: all that is worked on stays in the nearest caches. Sums of taps x stored values stay below 2^24, so that float32
holds each exactly, in any order and fused or not; those of linear light stay below 2^37 and are taken in float64.
Loops are over contiguous rows cut to one length beforehand: only then does the compiler use vector instructions.
"""

from __future__ import annotations

import numpy as np

from deblurbench.compiled import compiling

_exact = compiling(error_model="numpy")
_sums = compiling(error_model="numpy", fastmath=True)  # of integers: no order of addition changes them


@_exact
def _fold(position, size):
    """Where a row or a column beyond the border comes from."""
    if 0 <= position < size:
        return position
    if size == 1:
        return 0
    period = 2 * (size - 1)
    folded = position % period
    return folded if folded < size else period - folded


@_exact
def _load(row, left, levels, line):
    """The columns `left`, left + 1, ... of a row W x 3, as many as the line holds; in linear light where there is one.

    Args:
        levels: 3 x 256, the light of each stored value; 3 x 0 for the stored values themselves.
    """
    width, count = len(row), len(line) // 3
    number = line.dtype.type
    begin, end = max(0, -left), min(count, width - left)
    if levels.shape[1]:
        for i in range(count):
            x = _fold(left + i, width)
            for c in range(3):
                line[3 * i + c] = levels[c, row[x, c]]
        return
    for i in range(begin):
        x = _fold(left + i, width)
        for c in range(3):
            line[3 * i + c] = number(row[x, c])
    middle, part = line[3 * begin : 3 * end], row[left + begin : left + end].reshape(-1)
    for j in range(len(middle)):
        middle[j] = number(part[j])
    for i in range(end, count):
        x = _fold(left + i, width)
        for c in range(3):
            line[3 * i + c] = number(row[x, c])


@_sums
def _add_four(a, s, b, t, c, u, d, v, total):
    """total += s a + t b + u c + v d."""
    for j in range(len(total)):
        total[j] += s * a[j] + t * b[j] + u * c[j] + v * d[j]


@_sums
def _add_taps(lines, rows, columns, taps, first, total):
    """Add four single taps, from number `first` on, to all sums of a row."""
    n = len(total)
    a = lines[rows[first], columns[first] : columns[first] + n]
    b = lines[rows[first + 1], columns[first + 1] : columns[first + 1] + n]
    c = lines[rows[first + 2], columns[first + 2] : columns[first + 2] + n]
    d = lines[rows[first + 3], columns[first + 3] : columns[first + 3] + n]
    s, t, u, v = taps[first], taps[first + 1], taps[first + 2], taps[first + 3]
    for j in range(n):
        total[j] += s * a[j] + t * b[j] + u * c[j] + v * d[j]


@_exact
def _round(total, out):
    """The stored values of sums x 2^16, halves up: all three steps are exact, and the cast cuts the fraction off."""
    half, unit = np.float32(32768), np.float32(1 / 65536)
    for j in range(len(out)):
        out[j] = np.uint8(np.int32((np.float32(total[j]) + half) * unit))


@_exact
def _to_stored(total, cells, bounds, out):
    """The stored values of linear light x 2^16: see `LightTable`."""
    last = cells.shape[1] - 1
    for j in range(len(out)):
        c, value = j % 3, np.int64(total[j])
        low = cells[c, min(value >> 16, last)]
        out[j] = low + np.uint8(value >= bounds[c, low])


@_exact
def blur_lines(picture, top, left, shape, column, row, levels, cells, bounds, out):
    """Blur a crop with the outer product of two lines of taps.

    Args:
        picture: uint8 H x W x 3.
        top, left: of the crop.
        shape: (h, w) of the kernel.
        column, row: the lines as they are correlated, turned round, each filled up with zeros to a multiple of four;
            float32, or float64 for linear light.
        levels, cells, bounds: of a `LightTable`.
        out: the crop, uint8 side x side x 3.
    """
    side, n, height = len(out), shape[0], len(picture)
    line = np.empty(3 * (side + len(row) - 1), row.dtype)
    kept, total = np.empty((n, 3 * side), row.dtype), np.empty(3 * side, row.dtype)
    up, before = (n - 1) // 2, (shape[1] - 1) // 2
    for i in range(side + n - 1):
        _load(picture[_fold(top - up + i, height)], left - before, levels, line)
        _across(line, row, kept[i % n])
        if i >= n - 1:
            _down(kept, i + 1, column, total)
            _store(total, levels, cells, bounds, out[i - n + 1].reshape(-1))


@_exact
def _across(line, row, total):
    n = len(total)
    total[:] = 0
    for k in range(0, len(row), 4):
        seen = line[3 * k :]
        a, b, c, d = seen[:n], seen[3 : 3 + n], seen[6 : 6 + n], seen[9 : 9 + n]
        _add_four(a, row[k], b, row[k + 1], c, row[k + 2], d, row[k + 3], total)


@_exact
def _down(kept, oldest, column, total):
    """Add up the rows of a ring, from its oldest on."""
    n = len(kept)
    total[:] = 0
    for k in range(0, len(column), 4):
        a, b = kept[(oldest + k) % n], kept[(oldest + k + 1) % n]
        c, d = kept[(oldest + k + 2) % n], kept[(oldest + k + 3) % n]
        _add_four(a, column[k], b, column[k + 1], c, column[k + 2], d, column[k + 3], total)


@_exact
def _store(total, levels, cells, bounds, out):
    if levels.shape[1]:
        _to_stored(total, cells, bounds, out)
    else:
        _round(total, out)


@_exact
def blur_taps(picture, top, left, shape, down, across, taps, levels, cells, bounds, out):
    """Blur a crop with single taps.

    Args:
        picture: uint8 H x W x 3.
        top, left: of the crop.
        shape: (h, w) of the kernel.
        down, across: int64, the row and column of each tap in the kernel as it is correlated: turned by 180 degrees.
            Their number is a multiple of four; what is missing are taps of 0.
        taps: float32, or float64 for linear light.
        levels, cells, bounds: of a `LightTable`.
        out: the crop, uint8 side x side x 3.
    """
    side, height, n = len(out), len(picture), shape[0]
    lines, total = np.empty((n, 3 * (side + shape[1] - 1)), taps.dtype), np.empty(3 * side, taps.dtype)
    up, before = (n - 1) // 2, (shape[1] - 1) // 2
    rows, columns = np.empty_like(down), 3 * across
    for i in range(side + n - 1):
        _load(picture[_fold(top - up + i, height)], left - before, levels, lines[i % n])
        if i >= n - 1:
            for k in range(len(rows)):
                rows[k] = (i + 1 + down[k]) % n  # where it lies in the ring
            total[:] = 0
            for k in range(0, len(taps), 4):
                _add_taps(lines, rows, columns, taps, k, total)
            _store(total, levels, cells, bounds, out[i - n + 1].reshape(-1))


@_exact
def to_unit(picture, out):
    """out = picture / 255: uint8 side x side x 3, in any order of memory, to float32."""
    line = np.empty((out.shape[1], 3), np.uint8)
    for i in range(len(out)):
        row, numbers, flat = picture[i], line.reshape(-1), out[i].reshape(-1)
        for j in range(np.uint64(len(line))):
            line[j, 0], line[j, 1], line[j, 2] = row[j, 0], row[j, 1], row[j, 2]
        for j in range(len(flat)):  # divisions are slow, one by one: of a contiguous row the compiler does many at once
            flat[j] = np.float32(numbers[j]) / np.float32(255)


KEPT = {"blur_lines": blur_lines, "blur_taps": blur_taps, "to_unit": to_unit}
