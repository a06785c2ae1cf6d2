"""What decides which weights are kept: the error on whole pictures of `val`, as a user would get them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import Restorer
from deblurbench_baselines.data.pairs import Pair


def validation_mse(pairs: Sequence[Pair], restore: Restorer) -> float:
    """Mean over the pairs of the mean squared error of the restored uint8 picture, for a range of [0, 1].

    The squares are summed as integers, so the figure does not depend on an order of addition.
    """
    return math.fsum(mean_squared_error(restore(pair.blur), pair.sharp) for pair in pairs) / len(pairs)


def mean_squared_error(picture: Picture, reference: Picture) -> float:
    """Of two uint8 pictures of one shape, for a range of [0, 1]."""
    difference = picture.astype(np.int32) - reference
    return int(np.square(difference).sum(dtype=np.int64)) / (255**2 * difference.size)


def decibels(mse: float) -> float:
    """10 log10(1 / MSE): the PSNR of an error pooled over pictures, infinite for none.

    A log figure, no score: a mean of PSNRs would be drowned by the nearly sharp pairs of 70 dB and more.
    """
    return math.inf if mse == 0 else -10 * math.log10(mse)
