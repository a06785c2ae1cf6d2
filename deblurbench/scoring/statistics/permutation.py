"""The paired sign-flip permutation test, with scenes as the units that are flipped.

If two methods were equally good, swapping them within a scene would change nothing but the sign of that scene's sum of
differences. The p-value is the share of all such flips whose mean difference is at least as far from 0 as the one
that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from deblurbench.draws import Draws
from deblurbench.scoring.statistics.sums import Floats

EXACT = 16  # scenes up to which all 2^n flips are counted
_AT_ONCE = 1 << 22
_ROUNDING = 1e-9  # of all totals' sizes: 0.1 and 30.1 - 30.0 differ by less, and are meant to be equal


def sign_flip_p(totals: Floats, flips: int, seed: int) -> Floats:
    """The two-sided p-value of each column.

    With up to 16 scenes all flips are counted; else `flips` random ones, k of which are as far out, for
    (k + 1) / (flips + 1): never 0, and never too small (Phipson and Smyth 2010).

    Args:
        totals: scenes x columns, float64 holding integers: the sums of differences (see `sums`).
    """
    seen = np.abs(totals.sum(axis=0)) - _ROUNDING * np.abs(totals).sum(axis=0)
    exact = len(totals) <= EXACT
    as_far = np.zeros(totals.shape[1], np.int64)
    count = 0
    for signs in _all_signs(len(totals)) if exact else _random_signs(len(totals), flips, seed):
        as_far += np.count_nonzero(np.abs(signs @ totals) >= seen, axis=0)
        count += len(signs)
    return as_far / count if exact else (as_far + 1) / (count + 1)


def smallest_p(scenes: int, flips: int) -> float:
    """The smallest p-value that the test can give."""
    return 2.0 ** (1 - scenes) if scenes <= EXACT else 1 / (flips + 1)


def _all_signs(scenes: int) -> Iterator[Floats]:
    """All flips but those that turn every sign of another, which are as far out: the first scene keeps its sign."""
    numbers = np.arange(1 << (scenes - 1))
    yield _signs((numbers[:, None] >> np.arange(scenes)) & 1)


def _random_signs(scenes: int, flips: int, seed: int) -> Iterator[Floats]:
    """Random flips; they depend on the number of scenes, `flips` and `seed` alone."""
    draws = Draws(seed, "compare", "flips")
    rows = max(1, _AT_ONCE // scenes)
    for first in range(0, flips, rows):
        count = min(rows, flips - first)
        words = draws.stream(-(-count * scenes // 32))
        bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
        yield _signs(bits[: count * scenes].reshape(count, scenes))


def _signs(bits: npt.NDArray[np.integer]) -> Floats:
    return np.where(bits, -1.0, 1.0)
