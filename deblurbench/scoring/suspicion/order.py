"""Predictions that match another sharp picture than the one of their name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.suspicion.finding import SHOWN, Suspicion, such_as
from deblurbench.scoring.suspicion.seen import Floats, Seen

AT_MOST = 1024
"""So many pictures are compared with one another; 3 MB."""
_BETTER = 0.25  # of the squared error
_SHARE = 0.1
_VISIBLE = 1.0  # levels, RMS


def thumbnail(cells: Floats) -> Floats:
    """16 x 16 mean levels over the channels, flat."""
    return cells.mean(axis=2).ravel()


class Order:
    """Thumbnails of the first pictures, and how they match."""

    def __init__(self) -> None:
        self._thumbnails: dict[str, tuple[Floats, Floats]] = {}

    def add(self, name: str, seen: Seen) -> None:
        """Keep the pair's thumbnails, while there is room."""
        if len(self._thumbnails) < AT_MOST:
            self._thumbnails[name] = thumbnail(seen.prediction_cells), thumbnail(seen.sharp_cells)

    def judge(self) -> list[Suspicion]:
        """One suspicion at most."""
        names = sorted(self._thumbnails)
        if len(names) < 2:
            return []
        predictions, sharp = (np.stack([self._thumbnails[name][i] for name in names]) for i in (0, 1))
        best = _better_matches(predictions, sharp)
        moved = [(i, j) for i, j in enumerate(best) if j is not None]
        if len(moved) < max(2, _SHARE * len(names)) or len({j for _, j in moved}) < 0.7 * len(moved):
            return []
        shown = [f"{names[i]} is like {names[j]}" for i, j in moved[:SHOWN]]
        return [
            Suspicion(
                "order",
                f"{len(moved)} of {len(names)} predictions match the sharp picture of another name much better than"
                f" their own{such_as(shown, len(moved))}{_pattern(names, moved)}",
                "outputs were given the names of a list in another order, such as 1, 10, 2, shuffled, or one late",
                "Name each output after its own input",
                tuple(names[i] for i, _ in moved[:SHOWN]),
            )
        ]


def _better_matches(predictions: Floats, sharp: Floats) -> list[int | None]:
    """Per prediction the sharp picture that it matches much better than its own."""
    found: list[int | None] = []
    powers = np.square(sharp).sum(axis=1)
    for index, prediction in enumerate(predictions):
        errors = powers - 2 * (sharp @ prediction) + float(prediction @ prediction)
        other = int(errors.argmin())
        own, least = float(errors[index]), max(float(errors[other]), 0.0)
        apart = float(np.square(sharp[other] - sharp[index]).mean()) ** 0.5
        found.append(other if other != index and apart >= _VISIBLE and least < _BETTER * own else None)
    return found


def _pattern(names: Sequence[str], moved: Sequence[tuple[int, int]]) -> str:
    """What the exchange looks like, where it is a usual one."""
    steps, count = Counter(j - i for i, j in moved).most_common(1)[0]
    if count >= 0.8 * len(moved):
        return f"; each is {abs(steps)} {'later' if steps > 0 else 'earlier'} in the list"
    natural = sorted(range(len(names)), key=lambda i: _by_number(names[i]))
    if sum(natural[i] == j for i, j in moved) >= 0.8 * len(moved):
        return "; sorted by number (1, 2, 10) against sorted by letter (1, 10, 2)"
    inverse: npt.NDArray[np.intp] = np.argsort(natural)
    if sum(int(inverse[i]) == j for i, j in moved) >= 0.8 * len(moved):
        return "; sorted by letter (1, 10, 2) against sorted by number (1, 2, 10)"
    return ""


def _by_number(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
