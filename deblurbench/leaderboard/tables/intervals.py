"""95 % intervals of the means of a table: what other scenes of the same kind might have given.

They are those of `deblurbench compare` (docs/compare.md): scenes are drawn with replacement, the draws and the sums are
exact, so that every machine gives the same digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.statistics.bootstrap import percentiles, resamples_of
from deblurbench.scoring.statistics.sums import Floats, sum_by_scene

RESAMPLES = 10_000
SEED = 0
_AT_ONCE = 2000  # methods: their resampled means take 160 MB

Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """Of a method's mean, and of its mean gain over the blurred pictures, in dB.

    None where a number is infinite, so that the mean has no size, and where all pictures are of one scene.
    """

    mean: Interval | None = None
    gain: Interval | None = None


def intervals(psnr: Floats, blurred: Floats, scene: npt.NDArray[np.int64]) -> list[Intervals]:
    """Of each method.

    Args:
        psnr: pictures x methods, dB; may be infinite.
        blurred: of the blurred pictures, dB; may be infinite.
        scene: of each picture, int64 from 0.
    """
    found: list[Intervals] = []
    for first in range(0, psnr.shape[1], _AT_ONCE):
        found += _intervals(psnr[:, first : first + _AT_ONCE], blurred, scene)
    return found


def _intervals(psnr: Floats, blurred: Floats, scene: npt.NDArray[np.int64]) -> list[Intervals]:
    columns = np.column_stack([psnr, blurred])
    finite = np.atleast_1d(np.isfinite(columns).all(axis=0))
    scenes = int(scene.max()) + 1
    if scenes < 2:
        return [Intervals()] * psnr.shape[1]
    means = _resampled_means(np.where(finite, columns, 0.0), scene)
    below = means[-1]
    return [
        Intervals(
            percentiles(mean, scenes) if whole else None,
            percentiles(mean - below, scenes) if whole and finite[-1] else None,
        )
        for mean, whole in zip(means[:-1], finite, strict=False)
    ]


def _resampled_means(columns: Floats, scene: npt.NDArray[np.int64]) -> Floats:
    """Methods x resamples: a resample's mean is the sum of all its pictures by their number."""
    sums = sum_by_scene(columns, scene)
    sizes = sums.counts[:, 0]  # all columns have all pictures
    means = np.empty((columns.shape[1], RESAMPLES))
    first = 0
    for times in resamples_of(len(sizes), RESAMPLES, SEED):
        piece = means[:, first : first + len(times)]
        np.matmul(sums.totals.T, times.T, out=piece)  # exact: integers below 2^53
        piece /= times @ sizes
        first += len(times)
    means *= sums.units[:, None]
    return means
