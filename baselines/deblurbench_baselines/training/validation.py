"""What decides which weights are kept: the error on whole pictures of `val`, as a user would get them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deblurbench.images.codec import Picture
from deblurbench.runs.baseline import Restorer
from deblurbench.scoring.metrics.ssim import uniform_ssim
from deblurbench_baselines.data.pairs import Pair
from deblurbench_baselines.training.processes import Processes

_DIGITS = 9  # of SSIM: its last ones depend on whether numba has compiled it


class Errors(NamedTuple):
    """What one restored picture differs by from the sharp one, for a range of [0, 1].

    Attributes:
        mse, mae: mean squared and mean absolute error.
        ssim: of the protocol `skimage-default`; None where the picture is too small.
        unchanged: whether it is the blurred picture as it was.
    """

    mse: float
    mae: float
    ssim: float | None
    unchanged: bool


class Validation(NamedTuple):
    """What `val` showed: means over its pairs, and whether all pictures came back unchanged."""

    mse: float
    mae: float
    ssim: float | None
    unchanged: bool


def validate(pairs: Sequence[Pair], restore: Restorer, processes: Processes = Processes()) -> Validation:  # noqa: B008
    """Restore all pairs, each process its share.

    Squares and differences are summed as integers, so no figure depends on an order of addition.
    """
    own = {i: _errors(restore(pairs[i].blur), pairs[i]) for i in processes.share(range(len(pairs)))}
    errors = [error for _, error in sorted((i, error) for of in processes.gather(own) for i, error in of.items())]
    ssims = [error.ssim for error in errors if error.ssim is not None]
    return Validation(
        mse=math.fsum(error.mse for error in errors) / len(errors),
        mae=math.fsum(error.mae for error in errors) / len(errors),
        ssim=round(math.fsum(ssims) / len(ssims), _DIGITS) if len(ssims) == len(errors) else None,
        unchanged=all(error.unchanged for error in errors),
    )


def _errors(restored: Picture, pair: Pair) -> Errors:
    difference = restored.astype(np.int32) - pair.sharp
    return Errors(
        mse=_mean_square(difference),
        mae=int(np.abs(difference).sum(dtype=np.int64)) / (255 * difference.size),
        ssim=uniform_ssim(restored, pair.sharp),
        unchanged=np.array_equal(restored, pair.blur),
    )


def mean_squared_error(picture: Picture, reference: Picture) -> float:
    """Of two uint8 pictures of one shape, for a range of [0, 1]."""
    return _mean_square(picture.astype(np.int32) - reference)


def _mean_square(difference: npt.NDArray[np.int32]) -> float:
    return int(np.square(difference).sum(dtype=np.int64)) / (255**2 * difference.size)


def decibels(mse: float) -> float:
    """10 log10(1 / MSE): the PSNR of an error pooled over pictures, infinite for none.

    A log figure, no score: a mean of PSNRs would be drowned by the nearly sharp pairs of 70 dB and more.
    """
    return math.inf if mse == 0 else -10 * math.log10(mse)
