"""Undoing PNG's filters for 8-bit RGB, compiled by numba. (PNG: ISO/IEC 15948, section 9.)

Each row is stored as differences from the samples to its left and above. Where the left one counts, samples depend on
each other in a chain, and the three channels are three chains: they are followed side by side, in registers. Pixels are
counted by unsigned numbers, which cannot mean a place from the end: without the test for that, it takes half the time.
"""

from __future__ import annotations

import numpy as np

from deblurbench.compiled import compiling

_compiled = compiling()


@_compiled
def unfilter(filtered, picture):
    """Fill a uint8 picture, H x W x 3, from uint8 filtered rows, H x (1 + 3W), each led by its filter's number.

    Returns: whether all filters were known.
    """
    above = np.zeros(picture.shape[1:], np.uint8)
    for i in range(len(picture)):
        kind, line, row = filtered[i, 0], filtered[i, 1:].reshape(-1, 3), picture[i]
        if kind == 0:
            row[:] = line
        elif kind == 1:
            _left(line, row)
        elif kind == 2:
            _up(line, above, row)
        elif kind == 3:
            _average(line, above, row)
        elif kind == 4:
            _paeth(line, above, row)
        else:
            return False
        above = row
    return True


KEPT = {"unfilter": unfilter}


@_compiled
def _left(line, row):
    a0, a1, a2 = np.uint8(0), np.uint8(0), np.uint8(0)
    for j in range(np.uint64(len(row))):
        a0, a1, a2 = np.uint8(a0 + line[j, 0]), np.uint8(a1 + line[j, 1]), np.uint8(a2 + line[j, 2])
        row[j, 0], row[j, 1], row[j, 2] = a0, a1, a2


@_compiled
def _up(line, above, row):
    line, above, row = line.reshape(-1), above.reshape(-1), row.reshape(-1)
    for j in range(len(row)):
        row[j] = line[j] + above[j]


@_compiled
def _average(line, above, row):
    a0, a1, a2 = np.int32(0), np.int32(0), np.int32(0)
    for j in range(np.uint64(len(row))):
        a0 = (line[j, 0] + ((a0 + np.int32(above[j, 0])) >> 1)) & 255
        a1 = (line[j, 1] + ((a1 + np.int32(above[j, 1])) >> 1)) & 255
        a2 = (line[j, 2] + ((a2 + np.int32(above[j, 2])) >> 1)) & 255
        row[j, 0], row[j, 1], row[j, 2] = a0, a1, a2


@_compiled
def _paeth(line, above, row):
    a0, a1, a2 = np.int32(0), np.int32(0), np.int32(0)
    c0, c1, c2 = np.int32(0), np.int32(0), np.int32(0)
    for j in range(np.uint64(len(row))):
        b0, b1, b2 = np.int32(above[j, 0]), np.int32(above[j, 1]), np.int32(above[j, 2])
        a0 = (_nearest(a0, b0, c0) + np.int32(line[j, 0])) & 255
        a1 = (_nearest(a1, b1, c1) + np.int32(line[j, 1])) & 255
        a2 = (_nearest(a2, b2, c2) + np.int32(line[j, 2])) & 255
        row[j, 0], row[j, 1], row[j, 2] = a0, a1, a2
        c0, c1, c2 = b0, b1, b2


@_compiled
def _nearest(a, b, c):
    """Which of left, above and above left is nearest to a + b - c; of equally near ones, the first.

    That is c only where 3c - a - b lies strictly between a and b. Else it is the end that this is not beyond, which
    needs no distances and no jumps. (Equal to the standard's form for all 256^3 triples.)
    """
    low, high, third = min(a, b), max(a, b), 3 * c - a - b
    nearest = low if high <= third else c
    return high if third <= low else nearest
