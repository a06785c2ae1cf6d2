"""Exact blur by a field of kernels: sums of integers, rounded once.

At each pixel the up to four nodes around it have integer weights that sum to 2^16: the products of two axes' weights,
which sum to 2^8. A node's convolution is computed only where its weight is not 0, with what lies around that.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deblurbench.blur.convolve import reflect101, weighted_sums
from deblurbench.blur.field import KernelField
from deblurbench.images.codec import Picture

_AXIS = 8  # bits of an axis' weights
SHIFT = 16 + 2 * _AXIS  # bits of a sum: of the taps, and of both axes' weights


def axis_weights(size: int, nodes: int) -> npt.NDArray[np.int64]:
    """The weight of each node at each pixel of an axis: int64 nodes x size, 0 .. 256, each column sums to 256.

    Node i lies at i (size - 1) / (nodes - 1); a single node, and of an axis of one pixel the first, counts alone.
    Positions are rounded to 1/256 of the distance between two nodes, halves up.
    """
    weights = np.zeros((nodes, size), dtype=np.int64)
    pixels = np.arange(size)
    span = max(size - 1, 1)
    position = (2 * pixels * ((nodes - 1) << _AXIS) + span) // (2 * span)
    lower, part = position >> _AXIS, position & ((1 << _AXIS) - 1)
    weights[lower, pixels] = (1 << _AXIS) - part
    weights[np.minimum(lower + 1, nodes - 1), pixels] += part
    return weights


def field_sums(
    levels: npt.NDArray[np.integer], field: KernelField, engine: str = "auto"
) -> tuple[npt.NDArray[np.int64], int]:
    """The blended sums of each sample before rounding, and their unit: sums / 2^shift is the exact blurred level.

    Args:
        levels: integers H x W x C, 0 .. 2^21 - 1 (stored values, or linear light from a table).
        field: the kernels.
        engine: what computes it; the result does not depend on it.

    Returns:
        int64 H x W x C, less than 2^53; and 32.
    """
    height, width, channels = levels.shape
    rows, columns = axis_weights(height, field.rows), axis_weights(width, field.columns)
    reach = [max(kernel.taps.shape[axis] for kernel in field.kernels) // 2 for axis in (0, 1)]
    padded = levels[reflect101(height, reach[0], reach[0])][:, reflect101(width, reach[1], reach[1])]
    total = np.zeros((height, width * channels), dtype=np.int64)
    for number, kernel in enumerate(field.kernels):
        row, column = rows[number // field.columns], columns[number % field.columns]
        if not (row.any() and column.any()):
            continue  # more nodes than pixels
        (top, bottom), (left, right) = _support(row), _support(column)
        # What the kernel sees from there: `above` rows above, never more than `reach`; likewise to the left.
        above, beside = (size // 2 for size in kernel.taps.shape)
        seen = padded[
            reach[0] + top - above : reach[0] + bottom + above, reach[1] + left - beside : reach[1] + right + beside
        ]
        # The borders that are assumed around `seen` reach into its own outermost pixels alone.
        sums = weighted_sums(seen, kernel, engine).reshape(len(seen), -1)
        # Whole rows of samples: loops over the channels alone would be several times slower.
        share = sums[above : above + bottom - top, beside * channels : (beside + right - left) * channels]
        share *= np.repeat(column[left:right], channels)
        share *= row[top:bottom, None]
        total[top:bottom, left * channels : right * channels] += share
    return total.reshape(levels.shape), SHIFT


def _support(weights: npt.NDArray[np.int64]) -> tuple[int, int]:
    """The first index where a node counts, and one past the last; between them it counts everywhere."""
    indices = np.flatnonzero(weights)
    return int(indices[0]), int(indices[-1]) + 1


def blur_by_field(picture: Picture, field: KernelField, engine: str = "auto") -> Picture:
    """Blur uint8 H x W x C with a field of kernels: out = floor(s / 2^32 + 1/2); returns uint8 of the same shape."""
    sums, shift = field_sums(picture, field, engine)
    return ((sums + (1 << (shift - 1))) >> shift).astype(np.uint8)
