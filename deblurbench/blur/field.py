"""A field of kernels: blur that varies over the picture, blended exactly between the nodes of a grid."""

from __future__ import annotations

from dataclasses import dataclass

from deblurbench.blur.kernel import Kernel


@dataclass(frozen=True, eq=False)
class KernelField:
    """A grid of kernels spread evenly over a picture, first and last node on its borders.

    Every output pixel is the bilinear blend of what the four kernels around it give there: w(h * x), so a flat
    picture stays flat and no value leaves 0 .. 255.

    Attributes:
        kernels: rows x columns of them, in C order.
        rows, columns: of the grid, each at least 1.
    """

    kernels: tuple[Kernel, ...]
    rows: int
    columns: int

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1 or len(self.kernels) != self.rows * self.columns:
            raise ValueError(f"a field of {self.rows} x {self.columns} nodes has {len(self.kernels)} kernels")
