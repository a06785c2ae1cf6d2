"""Sums per scene that are exact, so that every machine, thread count and library gives the same statistics.

Floating sums depend on the order of their terms, and matrix products on the processor. Here each number is first
rounded to a multiple of a power of two that is so chosen that every sum of resampled or sign-flipped scenes is an
integer below 2^53 times it: float64 then holds every partial sum exactly. For PSNR the unit is below 1e-8 dB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_BITS = 52

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SceneSums:
    """Columns of numbers summed by scene.

    Attributes:
        totals: scenes x columns, float64 holding integers: the sums in units.
        counts: scenes x columns, float64 holding integers: how many numbers each has.
        units: columns, float64: powers of two.
    """

    totals: Floats
    counts: Floats
    units: Floats

    @property
    def scenes(self) -> npt.NDArray[np.int64]:
        """Of each column: how many scenes have any number."""
        return np.count_nonzero(self.counts, axis=0).astype(np.int64)

    def means(self) -> Floats:
        """Of each column, over all its numbers; nan where it has none."""
        return ratio(self.totals.sum(axis=0), self.counts.sum(axis=0)) * self.units


def sum_by_scene(columns: Floats, scene: npt.NDArray[np.int64]) -> SceneSums:
    """Sum columns by scene.

    Args:
        columns: numbers x columns, float64; nan is left out.
        scene: of each number, int64 from 0; every scene has one.
    """
    order = np.argsort(scene, kind="stable")
    starts = np.flatnonzero(np.diff(scene[order], prepend=-1))
    there = ~np.isnan(columns)
    values = np.where(there, columns, 0.0)
    largest_scene = np.diff(starts, append=len(scene)).max()
    bound = np.abs(values).max(axis=0) * (len(starts) * largest_scene)
    exponents = np.where(bound > 0, np.frexp(bound)[1] - _BITS, 0).clip(min=-1000)
    whole = np.rint(np.ldexp(values, -exponents))
    return SceneSums(
        totals=np.add.reduceat(whole[order], starts, axis=0),
        counts=np.add.reduceat(there[order].astype(np.float64), starts, axis=0),
        units=np.ldexp(1.0, exponents),
    )


def ratio(totals: Floats, counts: Floats) -> Floats:
    """Totals over counts; nan where nothing was counted."""
    return np.divide(totals, counts, out=np.full(np.broadcast(totals, counts).shape, np.nan), where=counts > 0)
