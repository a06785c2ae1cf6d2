"""Light in integers: 2^20 is white. The sRGB curve as tables, and the colour space of a sensor as integer matrices.

20 bits, because the read noise of RSBlur is 1.5e-5 .. 4.4e-5 of white: less than 3 steps of a 16-bit scale.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from deblurbench.blur.light import exact_bounds, exact_levels

WHITE = 1 << 20
"""The integer that stands for the light of stored value 255."""

_MATRIX_BITS = 20
_Integer = TypeVar("_Integer", np.int64, np.uint8)

# Linear sRGB to CIE XYZ (D65), one row for each of X, Y, Z.
# Source: rimchang/RSBlur, Uformer-RSBlur/ISP/mat_collections/M_lin2xyz.mat (transposed there).
_LINEAR_TO_XYZ = (
    (0.41245643908969226, 0.3575760776439089, 0.1804374832663989),
    (0.21267285140562256, 0.7151521552878178, 0.07217499330655956),
    (0.0193338955823293, 0.11919202588130294, 0.9503040785363677),
)
# CIE XYZ to the colour space of the Sony A7R3's sensor. Source: .../mat_collections/a7r3_xyz2cam.mat.
_XYZ_TO_A7R3 = (
    (1.6954175654007513, -0.4716018438697571, -0.12843298725852076),
    (-0.4883823389175844, 1.213030589789571, 0.23067161253953877),
    (-0.126723194569989, 0.21350242146585263, 0.8329529616901491),
)

Matrix = tuple[tuple[int, ...], ...]
"""3 x 3 integers in units of 2^-20."""


@cache
def light_of_stored() -> npt.NDArray[np.int64]:
    """For each stored value 0 .. 255 its light, 0 .. 2^20, correctly rounded; int64, 256 entries."""
    return _table(exact_levels("srgb", WHITE), np.int64)


@cache
def stored_of_light() -> npt.NDArray[np.uint8]:
    """For each light 0 .. 2^20 the stored sRGB value, correctly rounded (halves up); uint8, 2^20 + 1 entries."""
    first = [0, *exact_bounds("srgb", WHITE), WHITE + 1]
    return _table(np.repeat(np.arange(256), np.diff(first)), np.uint8)


@cache
def sensor_matrices(sensor: str) -> tuple[Matrix, Matrix]:
    """Linear sRGB to the sensor's colours, and back: integers in units of 2^-20.

    Every row sums to 2^20, so that white and all greys stay exactly what they are.

    Args:
        sensor: `a7r3`, the only one so far.
    """
    if sensor != "a7r3":
        raise ValueError(f"no colour matrix of a sensor named {sensor!r}")
    # Decimals, not LAPACK: the same integers on every machine.
    with localcontext(prec=40):
        forward = [
            [sum((Decimal(row[k]) * Decimal(_LINEAR_TO_XYZ[k][j]) for k in range(3)), Decimal(0)) for j in range(3)]
            for row in _XYZ_TO_A7R3
        ]
        return _integers(forward), _integers(_inverse(forward))


def apply_matrix(planes: npt.NDArray[np.int64], matrix: Matrix) -> npt.NDArray[np.int64]:
    """The product of `matrix` and each pixel of `planes` (int64, 3 x ...), rounded once (halves up)."""
    half = 1 << (_MATRIX_BITS - 1)
    return np.stack([(planes[0] * r + planes[1] * g + planes[2] * b + half) >> _MATRIX_BITS for r, g, b in matrix])


def _integers(matrix: list[list[Decimal]]) -> Matrix:
    unit = 1 << _MATRIX_BITS
    rows = [[int((value * unit).to_integral_value(ROUND_HALF_EVEN)) for value in row] for row in matrix]
    for i, row in enumerate(rows):
        row[i] += unit - sum(row)  # at most 2 units
    return tuple(tuple(row) for row in rows)


def _inverse(m: list[list[Decimal]]) -> list[list[Decimal]]:
    """By the adjugate; indices modulo 3 give the cofactors their signs."""
    cofactor = [
        [
            m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3]
            - m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3]
            for j in range(3)
        ]
        for i in range(3)
    ]
    determinant = sum((m[0][j] * cofactor[0][j] for j in range(3)), Decimal(0))
    return [[cofactor[j][i] / determinant for j in range(3)] for i in range(3)]


def _table(values: npt.ArrayLike, dtype: type[_Integer]) -> npt.NDArray[_Integer]:
    table = np.array(values, dtype=dtype)
    table.setflags(write=False)
    return table
