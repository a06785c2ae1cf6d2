"""Ranks as ranges: methods that the pictures of a track cannot tell apart share them.

Every two methods are compared by a paired t-test with scenes as its units. The mean of their differences is that of
all pictures; its standard error is the jackknife's, which leaves out one scene after another (for scenes of one size
this is the usual paired t-test of scene means). A method's range holds its true rank with a probability of 95 %, its
n - 1 comparisons being corrected by Bonferroni's inequality: the marginal confidence set of Mogstad, Romano, Shaikh and
Wilhelm, "Inference for Ranks" (Review of Economic Studies 91, 2024). What leaving out a scene changes is linear in a
method's numbers, so one matrix product serves all pairs.

`deblurbench compare` assumes less and holds all pairs at once; docs/leaderboard-tables.md has both side by side.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.statistics.permutation import EXACT, smallest_p
from deblurbench.scoring.statistics.sums import Floats

ALPHA = 0.05

FEWEST_SCENES = 10
"""With fewer, no two methods are told apart: whether so few numbers are about normal cannot be seen, and the sign-flip
test of `deblurbench compare`, which need not know, has too few signs to flip for more than a handful of methods."""

SMALLEST_GAP = 1e-4
"""dB. Smaller differences of means are none, however regular: tables show four decimals."""

_ROUNDING = 1e-13  # of the scenes' own variances: what a difference of two matrix products is good for

_AT_ONCE = 256  # methods that are compared with all: what is held fits a cache

Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def ranges(psnr: Floats, blurred: Floats, scene: Integers) -> list[tuple[int, int]]:
    """The first and the last rank that each method may have.

    Args:
        psnr: pictures x methods, dB; may be infinite.
        blurred: of the blurred pictures, dB.
        scene: of each picture, from 0.
    """
    better = shown_better(psnr, blurred, scene)
    first, last = 1 + better.sum(axis=0), len(better) - better.sum(axis=1)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def shown_better(psnr: Floats, blurred: Floats, scene: Integers) -> Bools:
    """Which method is shown to be better than which: methods x methods, [i, j] True where i is better than j.

    Two methods are compared on the pictures where both have finite numbers or both infinite ones, which differ by 0;
    a difference that is infinite has no size. What a pair gives depends on other methods by their count alone.
    """
    count = psnr.shape[1]
    better = np.zeros((count, count), np.bool_)
    if count < 2:
        return better
    infinite = np.isinf(psnr)
    patterns, groups = _patterns(infinite)
    base = np.where(np.isfinite(blurred), blurred, 0.0)[:, None]
    values = np.where(infinite, 0.0, psnr - base)  # smaller numbers have more digits
    for k, rows in enumerate(groups):
        for m, columns in enumerate(groups[: k + 1]):
            usable = patterns[:, k] == patterns[:, m]
            of = values[usable]
            apart = _differences(of[:, rows], of[:, columns], scene[usable], count)
            better[np.ix_(rows, columns)] = apart > 0
            better[np.ix_(columns, rows)] = apart.T < 0
    return better


def _patterns(infinite: Bools) -> tuple[Bools, list[Integers]]:
    """Which pictures are infinite: pictures x patterns, and the methods of each. Nearly always nothing is."""
    if not infinite.any():
        return infinite[:, :1], [np.arange(infinite.shape[1])]
    patterns, which = np.unique(infinite, axis=1, return_inverse=True)
    return patterns, [np.flatnonzero(which.ravel() == k) for k in range(patterns.shape[1])]


def _differences(a: Floats, b: Floats, scene: Integers, methods: int) -> npt.NDArray[np.int8]:
    """1 where a method of `a` is shown to be better than one of `b`, -1 where worse, else 0."""
    sizes = np.bincount(scene)[np.unique(scene)].astype(np.float64)
    apart = np.zeros((a.shape[1], b.shape[1]), np.int8)
    if len(sizes) < FEWEST_SCENES:
        return apart
    effective = sizes.sum() ** 2 / (sizes**2).sum()
    critical = critical_t(effective, methods) * math.sqrt((len(sizes) - 1) / len(sizes))
    (means_a, left_a), (means_b, left_b) = _jackknife(a, scene, sizes), _jackknife(b, scene, sizes)
    own_a, own_b = (left_a**2).sum(axis=0), (left_b**2).sum(axis=0)
    for first in range(0, len(apart), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        own = own_a[part, None] + own_b
        spread = np.maximum(own - 2 * (left_a[:, part].T @ left_b), _ROUNDING * own)
        gap = means_a[part, None] - means_b
        seen = np.abs(gap) > np.maximum(critical * np.sqrt(spread), SMALLEST_GAP)
        apart[part] = np.sign(gap) * seen
    return apart


def _jackknife(values: Floats, scene: Integers, sizes: Floats) -> tuple[Floats, Floats]:
    """The mean of each column, and by how much it changes where a scene is left out: scenes x columns."""
    order = np.argsort(scene, kind="stable")
    starts = np.flatnonzero(np.diff(scene[order], prepend=-1))
    totals = np.add.reduceat(values[order], starts, axis=0)
    means = totals.sum(axis=0) / len(values)
    return means, (sizes[:, None] * means - totals) / (len(values) - sizes)[:, None]


def critical_t(scenes: float, methods: int) -> float:
    """How many standard errors tell two of so many methods apart: Student's t at 5 % by n - 1 comparisons.

    Args:
        scenes: as many as of one size would be worth the same, (sum of sizes)^2 / (sum of their squares).
        methods: how many are ranked.
    """
    from scipy.special import stdtrit

    return float(stdtrit(scenes - 1, 1 - ALPHA / (2 * (methods - 1))))


def caution(pictures: int, scenes: int, methods: int) -> str:
    """What a reader of a table of few scenes has to know; empty where there are enough of them.

    Args:
        pictures, scenes: of the track.
        methods: how many have a rank.
    """
    what = f"{pictures:,} pictures of {scenes:,} scene{'s' * (scenes != 1)}"
    if scenes < FEWEST_SCENES:
        return f"Only {what}: too few to tell any two methods apart, whatever their means. Intervals are rough."
    pairs = math.comb(methods, 2)
    if scenes > EXACT or smallest_p(scenes, 0) * pairs < ALPHA:
        return ""
    return (
        f"Only {what}: ranks lean on differences being about normal. A test that assumes less "
        f"(deblurbench compare) can tell no two of {methods} methods apart by so few."
    )
