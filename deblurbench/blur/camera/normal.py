"""Standard normal numbers from uniform 32-bit words, in integers only: the inverse of the distribution as a table.

A word w stands for the probability (w + 1/2) / 2^32 and becomes the nearest multiple of 2^-12 to the normal quantile
of it. 99.8 % of the words look only at their upper 16 bits, which is one table; the outer 0.2 % (beyond 3.1 sigma)
are searched with all 32 bits, so that the tails are those of a normal distribution as far as 6.3 sigma, the farthest
that 32 bits reach. The distribution function is integrated in 128-bit integers, so the table is the same everywhere.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

STEPS = 12
"""Normal numbers come in units of 2^-12."""

_BITS = 128
_ONE = 1 << _BITS
_PEAK = 3989422804014326779399460599343818684758586311649 * _ONE // 10**49  # 1 / sqrt(2 pi)
_TAIL = 64  # so many of the 2^16 upper halves at either end are tail


@cache
def thresholds() -> npt.NDArray[np.int64]:
    """Entry k: the smallest word whose quantile is at least (k + 1/2) / 2^12, int64, increasing.

    x_k = (k + 1/2) h, h = 2^-12; the density goes from x_k to x_(k+1) by the factor exp(-h^2)^(k+1); its integral is
    the trapezoid sum with the first Euler-Maclaurin correction (error about h^4 / 720: 5e-18).
    """
    h2 = _ONE >> (2 * STEPS)
    shrink = _exp_minus(h2)
    density, factor = (_PEAK * _exp_minus(h2 >> 3)) >> _BITS, shrink
    trapezoids, found, k = _ONE // 2 + (density >> (STEPS + 1)), list[int](), 0
    while True:
        # The derivative of the density is -x density, and that of step 0 is undone by its mirror image.
        correction = (density * (2 * k + 1) >> (3 * STEPS + 1)) // 12
        scaled = (trapezoids + correction) >> (_BITS - 64)
        word = -(-(scaled - (1 << 31)) // (1 << 32))  # ceil(probability * 2^32 - 1/2)
        if word >= 1 << 32:
            return np.array(found, dtype=np.int64)
        found.append(word)
        following = (density * factor) >> _BITS
        trapezoids += (density + following) >> (STEPS + 1)
        density, factor, k = following, (factor * shrink) >> _BITS, k + 1


def normals(words: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """A standard normal number for each word, in units of 2^-12 (int64, -25,9xx .. 25,9xx), of the same shape."""
    upper = words >> np.uint32(16)
    numbers = _body()[upper]
    tail = (upper < _TAIL) | (upper >= (1 << 16) - _TAIL)
    numbers[tail] = quantiles(words[tail].astype(np.int64))
    return numbers


def quantiles(words: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The quantile of each word, all 32 bits considered; exactly odd: that of 2^32 - 1 - w is minus that of w."""
    mirrored = words < 1 << 31
    magnitude = np.searchsorted(thresholds(), np.where(mirrored, (1 << 32) - 1 - words, words), side="right")
    return np.where(mirrored, -magnitude, magnitude).astype(np.int64)


@cache
def _body() -> npt.NDArray[np.int64]:
    """The quantile of the middle of each upper half, 2^16 entries."""
    upper = np.arange(1 << 15, 1 << 16, dtype=np.int64)
    above = quantiles((upper << 16) + (1 << 15))
    return np.concatenate([-above[::-1], above])


def _exp_minus(x: int) -> int:
    """exp(-x) for a small x >= 0, both in units of 2^-128, by the series."""
    term, total, n = _ONE, _ONE, 0
    while term:
        n += 1
        term = (term * x >> _BITS) // n
        total += term if n % 2 == 0 else -term
    return total
