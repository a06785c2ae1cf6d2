"""What dead leaves are shaped and textured with, in integers: radii, directions, periodic noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deblurbench.draws import Draws

Integers = npt.NDArray[np.int64]

TILE = 512
"""Side of a texture tile, a power of two."""
TURN = 1024
"""Angles per turn."""
ONE = 4096
"""1.0 of sines, textures and shades."""


def radii(words: Integers, smallest: int, largest: int) -> Integers:
    """Radii of density ~ r^-3: the inverse CDF at words / 2^32, rounded down to smallest .. largest - 1.

    1 / r^2 is uniform between 1 / smallest^2 and 1 / largest^2. Needs smallest * largest < 2^15.5.
    """
    low, high = smallest**2, largest**2
    squares = ((low * high) << 32) // ((high << 32) - words * (high - low))
    return np.sqrt(squares).astype(np.int64)


def sine(angles: Integers) -> Integers:
    """4096 times the sine of angles / 1024 turns, by Bhaskara's formula (off by less than 0.2 %)."""
    half = TURN // 2
    part = (angles % half) * (half - angles % half)
    value = 16 * ONE * part // (5 * half**2 - 4 * part)
    return np.where(angles % TURN < half, value, -value)


def directions(draws: Draws, count: int) -> tuple[Integers, Integers]:
    """`count` cosines and sines, of unit 4096."""
    angles = draws.integers(0, TURN - 1, count)
    return sine(angles + TURN // 4), sine(angles)


def noise_tile(draws: Draws, gain: int, side: int = TILE) -> Integers:
    """A periodic texture of root mean square 4096, int64 side x side, whose power falls like 1 / f^b.

    Octave by octave: the field is enlarged twice and multiplied by gain / 256, and white noise is added.
    So b = 2 + 2 log2(gain / 256). A side is a power of two.
    """
    field = np.zeros((4, 4), dtype=np.int64)
    while len(field) < side:
        field = _enlarge(_enlarge(field).T).T
        white = draws.words(field.size // 4).astype("<u4").view(np.uint8).reshape(field.shape)
        field = ((field * gain) >> 8) + 16 * white.astype(np.int64)
        field -= int(field.sum()) // field.size
    mean_square = int((field * field).sum()) // field.size
    return field * ONE // int(np.sqrt(mean_square))


def _enlarge(field: Integers) -> Integers:
    """Twice the rows, periodic: each is 3/4 of the nearest old row and 1/4 of the next."""
    rows = np.stack([3 * field + np.roll(field, 1, axis=0), 3 * field + np.roll(field, -1, axis=0)], axis=1)
    return rows.reshape(-1, field.shape[1]) >> 2
