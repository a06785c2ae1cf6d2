"""The light in which crops are blurred, as tables of integers: what `blur.light.Curve` does, for any device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from deblurbench.blur.light import STORED, curve

__all__ = ["STORED", "LightTable", "light_table"]


@dataclass(frozen=True, eq=False)
class LightTable:
    """A response curve. Linear light x 2^16, s, has the stored value low + (s >= bounds[low]), low = cells[s >> 16].

    Attributes:
        levels: int32, 3 x 256: the linear light of each stored value of R, G and B.
        cells: uint8, 3 x (white + 1): the stored value that each whole light has at least. What lies above white: the
            last one.
        bounds: int64, 3 x 256: light x 2^16 at and above which a stored value is the next one; the last is never met.
    """

    levels: npt.NDArray[np.int32]
    cells: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.int64]


@lru_cache(maxsize=8)
def light_table(light: str) -> LightTable:
    """The tables of a light: `stored`, `srgb`, `gamma-2.2` or `crf:FILE`. Raises UsageError for another."""
    response = curve(light)
    levels, bounds = (np.broadcast_to(table, (3, table.shape[1])) for table in (response.levels, response.bounds))
    whole = np.arange(int(levels[:, -1].max()) + 1, dtype=np.int64) << 16
    cells = [np.searchsorted(line, whole, side="right").astype(np.uint8) for line in bounds]
    never = np.full((3, 1), np.iinfo(np.int64).max)
    return LightTable(np.ascontiguousarray(levels), np.stack(cells), np.concatenate([bounds, never], axis=1))
