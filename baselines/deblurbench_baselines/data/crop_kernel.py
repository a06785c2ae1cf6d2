"""An integer kernel as crops are blurred with it: turned by 180 degrees, since what runs is a correlation."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deblurbench.blur.kernel import UNIT, Kernel
from deblurbench.blur.separable import factors


class Scattered(NamedTuple):
    """The taps that are not zero: int64 rows, int64 columns, and float32 taps.

    Their number is a multiple of four: they are added four at a time. What is missing are taps of 0.
    """

    down: npt.NDArray[np.int64]
    across: npt.NDArray[np.int64]
    taps: npt.NDArray[np.float32]


class CropKernel:
    """A kernel turned by 180 degrees; float32 holds all its taps.

    Attributes:
        taps: int32, h x w; they sum to 2^16. A crop's pixel sees (h - 1) // 2 rows before it and h // 2 after it.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.taps = np.ascontiguousarray(kernel.taps[::-1, ::-1])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in taps."""
        return self.taps.shape[0], self.taps.shape[1]

    @cached_property
    def lines(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
        """Integers (column, row), float32, whose outer product the taps are; None where there are none."""
        found = factors(self.taps)
        return None if found is None else (found[0].astype(np.float32), found[1].astype(np.float32))

    @cached_property
    def lines_by_fours(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None:
        """The same, each filled up with zeros to a multiple of four: taps are added four at a time."""
        if self.lines is None:
            return None
        column, row = (np.pad(line, (0, -len(line) % 4)) for line in self.lines)
        return column, row

    @cached_property
    def scattered(self) -> Scattered:
        """The taps one by one."""
        down, across = np.nonzero(self.taps)
        missing = (0, -len(down) % 4)
        taps = self.taps[down, across].astype(np.float32)
        return Scattered(np.pad(down, missing), np.pad(across, missing), np.pad(taps, missing))


SAME = CropKernel(Kernel(np.array([[UNIT]], dtype=np.int32)))
"""The kernel of one tap, which changes nothing: exactly."""
