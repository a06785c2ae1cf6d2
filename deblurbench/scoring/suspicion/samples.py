"""Samples on a wrong scale, wrapped, or of another channel."""

from __future__ import annotations

import numpy as np

from deblurbench.scoring.suspicion.finding import Sign
from deblurbench.scoring.suspicion.seen import Seen

_FAR, _MIDDLE = 216, (128, 192)
_COLOURFUL = 4.0  # levels between R and B of the grid's cells, RMS


def almost_black(seen: Seen) -> bool | None:
    """All samples are 0 or 1, and the sharp picture has more than 8."""
    if seen.prediction.dtype != np.uint8 or seen.sharp_rows.max() <= 8:
        return None
    return bool(seen.prediction_rows.max() <= 1 and seen.prediction.max() <= 1)


def floats_to_255(seen: Seen) -> bool | None:
    """Of the floats 1 % exceed 2, which no ringing does on a scale of 0 .. 1."""
    if seen.prediction.dtype == np.uint8:
        return None
    return bool(np.mean(seen.prediction_rows > 2) > 0.01)


def wraps(seen: Seen) -> bool | None:
    """Differences near 255 that no lesser ones lead up to: a restoration's errors are the rarer the larger they are.

    Of the sampled rows, some of which are bright, four samples at least differ by 216 or more, and not half as many
    by 128 .. 191.
    """
    if seen.prediction.dtype != np.uint8 or seen.sharp.dtype != np.uint8:
        return None
    import cv2

    difference = cv2.absdiff(seen.prediction_rows, seen.sharp_rows)
    if difference.max() < _FAR or seen.prediction_rows.max() < _FAR:
        return False
    far = np.count_nonzero(difference >= _FAR)
    middle = np.count_nonzero((difference >= _MIDDLE[0]) & (difference < _MIDDLE[1]))
    return bool(far >= 4 and far > 2 * middle)


def channels_swapped(seen: Seen) -> bool | None:
    """With R and B exchanged the squared error on the coarse grid is less than a quarter."""
    sharp, prediction = seen.sharp_cells, seen.prediction_cells
    if sharp.shape[2] != 3 or np.mean(np.square(sharp[..., 0] - sharp[..., 2])) < _COLOURFUL**2:
        return None
    own = np.mean(np.square(prediction - sharp))
    return bool(np.mean(np.square(prediction[..., ::-1] - sharp)) < own / 4)


SIGNS = (
    Sign(
        "almost-black",
        almost_black,
        0.5,
        "predictions hold nothing but the levels 0 and 1",
        "floats in 0 .. 1 were saved as uint8 without a factor of 255",
        "Save clip(x, 0, 1) * 255, rounded",
    ),
    Sign(
        "floats-to-255",
        floats_to_255,
        0.5,
        "floating predictions go far beyond 1, and are scored after clamping to 0 .. 1",
        "the arrays are on a scale of 0 .. 255",
        "Divide by 255 before saving",
    ),
    Sign(
        "wrapped",
        wraps,
        0.1,
        "predictions have samples that differ by nearly 255 from the sharp picture's, as if taken modulo 256",
        "values below 0 or above 255 were cast to uint8 unclipped",
        "Clip to 0 .. 255 before the cast",
    ),
    Sign(
        "channels-swapped",
        channels_swapped,
        0.7,
        "predictions match the sharp picture much better with red and blue exchanged",
        "OpenCV's BGR was saved as RGB, or the other way round",
        "Convert once, with cv2.cvtColor(x, cv2.COLOR_RGB2BGR) before cv2.imwrite",
    ),
)
