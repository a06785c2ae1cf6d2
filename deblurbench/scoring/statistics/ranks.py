"""From many p-values to ranks in which ties are shown as ties."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

UNKNOWN = "?"
_MOST_GROUPS = 26 * 27  # a .. zz


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values: below 0.05 where Holm's step-down procedure rejects at 5 % over all of them (Holm 1979)."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted = [0.0] * len(p)
    highest = 0.0
    for step, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - step) * p[i]))
        adjusted[i] = highest
    return adjusted


def rank_ranges(better: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """The ranks that each method may have: from 1 + those shown to be better, to n - those shown to be worse.

    Args:
        better: n x n; [i, j] is True where i is shown to be better than j.
    """
    n = len(better)
    return [(1 + int(better[:, i].sum()), n - int(better[i].sum())) for i in range(n)]


def tie_letters(apart: npt.NDArray[np.bool_]) -> list[str]:
    """Letters such that two methods share one exactly where they are not told apart (Piepho 2004: insert and absorb).

    Args:
        apart: n x n, symmetric, in the order of ranks; True where two methods differ.

    Returns: letters by method, `a` for the first ones; UNKNOWN for all where there are too many groups to show.
    """
    n = len(apart)
    groups = {frozenset(range(n))}
    for i, j in zip(*np.nonzero(np.triu(apart)), strict=True):
        both = {group for group in groups if i in group and j in group}
        parts = {group - {k} for group in both for k in (i, j)}
        kept = groups - both
        groups = kept | {p for p in parts if not any(p <= g for g in kept) and not any(p < g for g in parts)}
        if len(groups) > _MOST_GROUPS:
            return [UNKNOWN] * n
    ordered = sorted(sorted(group) for group in groups)
    between = "" if len(ordered) <= 26 else " "
    return [between.join(_letter(k) for k, group in enumerate(ordered) if i in group) for i in range(n)]


def _letter(k: int) -> str:
    return chr(97 + k) if k < 26 else _letter(k // 26 - 1) + _letter(k % 26)
