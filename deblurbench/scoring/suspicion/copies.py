"""Predictions that are another picture of the pair, or nearer to it than they should be."""

from __future__ import annotations

import numpy as np

from deblurbench.scoring.suspicion.finding import Sign
from deblurbench.scoring.suspicion.seen import Array, Seen, bytes_of


def equals_sharp(seen: Seen) -> bool | None:
    """Each sample is the sharp picture's; of a picture of one colour, or one that was not blurred, nothing is said."""
    return None if _tells_nothing(seen) else _equal(seen.prediction, seen.sharp, seen.prediction_rows, seen.sharp_rows)


def equals_blur(seen: Seen) -> bool | None:
    """Each sample is the blurred picture's."""
    if seen.blur is None or seen.blur_rows is None or _tells_nothing(seen):
        return None
    return _equal(seen.prediction, seen.blur, seen.prediction_rows, seen.blur_rows)


def nearer_to_blur(seen: Seen) -> bool | None:
    """Less squared error against the blurred picture than against the sharp one."""
    if seen.blur is None or _tells_nothing(seen):
        return None
    return _squared_error(seen.prediction, seen.blur) < _squared_error(seen.prediction, seen.sharp)


def _tells_nothing(seen: Seen) -> bool:
    if np.ptp(seen.sharp_rows) == 0:
        return True
    if seen.blur is None or seen.blur_rows is None:
        return False
    return _equal(seen.blur, seen.sharp, seen.blur_rows, seen.sharp_rows)


def _equal(first: Array, second: Array, first_rows: Array, second_rows: Array) -> bool:
    """The few rows first: they nearly always differ where the pictures do."""
    if not np.array_equal(bytes_of(first_rows), bytes_of(second_rows)):
        return False
    return np.array_equal(bytes_of(first), bytes_of(second))


def _squared_error(first: Array, second: Array) -> float:
    import cv2

    return float(cv2.norm(bytes_of(first), bytes_of(second), cv2.NORM_L2SQR))


SIGNS = (
    Sign(
        "equals-sharp",
        equals_sharp,
        0.1,
        "predictions are the sharp picture, pixel for pixel",
        "the sharp pictures were copied, linked or restored over the predictions, or the network was given them",
        "See which folder the predictions came from",
    ),
    Sign(
        "equals-blur",
        equals_blur,
        0.1,
        "predictions are the blurred picture, pixel for pixel",
        "the input was saved in place of the output, the weights were not loaded, or folders were exchanged",
        "See what was saved; the score is that of doing nothing",
    ),
    Sign(
        "nearer-blur",
        nearer_to_blur,
        0.5,
        "predictions are nearer to the blurred picture than to the sharp one",
        "a weak restoration, which may be all there is to it; or training against the blurred pictures",
        "If more was expected, see which folder the loss compares with",
    ),
)
