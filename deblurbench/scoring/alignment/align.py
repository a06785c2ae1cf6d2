"""Aligning a prediction with its sharp picture as RealBlur's script does: gain, ECC homography, bicubic warp, mask.

ECC is the enhanced correlation coefficient of Evangelidis and Psarakis (IEEE TPAMI 30(10), 2008). The script calls
OpenCV's `findTransformECC`, 100 steps with no early end. OpenCV 3 and 4 read pictures at places rounded to 1/32 pixel,
so the steps never settle, and the last bit of any sum, which the processor decides, moves where they stop. OpenCV 5
reads exactly, and gives other numbers. This is the same algorithm with the rounding of OpenCV 4, in float64 but for the
homography, which is kept in float32 as there: what the order of sums changes is lost in that, so that the numbers
depend neither on the OpenCV that is installed nor on the processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.errors import DeblurbenchError, PictureError
from deblurbench.scoring.alignment import warps

Array = npt.NDArray[Any]

VERSION = 2
"""Part of what remembered warps are found by: another algorithm is another version."""

BITS = 5
"""Places in a picture are rounded to 2^-BITS of a pixel."""

_STEPS = 100
_GREY = np.array([0.299, 0.587, 0.114])
_SMOOTHING = np.array([1, 4, 6, 4, 1]) / 16
_SLOPE = np.array([-0.5, 0, 0.5])
_NONE = np.ones(1)
_ROUNDING = 1e-13  # of a sum of squares: a variance below it is none
_LEAST_PIVOT = 10 * np.finfo(np.float32).eps  # with a smaller one OpenCV calls a step's equations singular, and stays
_FAILED = "the prediction cannot be aligned with the sharp picture"


@dataclass(frozen=True)
class Aligned:
    """A pair after alignment.

    Attributes:
        prediction, sharp: H x W x C, float64, in 0 .. 1 or, by gain and bicubic overshoot, beyond; 0 outside the mask.
        inside: the mask, H x W, bool: where the warped prediction has content.
    """

    prediction: Array
    sharp: Array
    inside: Array


def align(prediction: Array, sharp: Array) -> Aligned:
    """Bring a prediction into its sharp picture's brightness and place.

    Args:
        prediction, sharp: H x W x C, RGB or RGB and more, uint8 or floating in 0 .. 1.

    Raises: PictureError where the steps fail (a constant picture, no likeness), where the script has a traceback.
    """
    z, x = _floats(prediction), _floats(sharp)
    moving, fixed = (gain(z, x) * z).astype(np.float64), x.astype(np.float64)
    warp = warps.remembered((prediction, sharp), VERSION, lambda: find_warp(moving, fixed))
    inside = _loops().inside(*fixed.shape[:2], warp)
    if not inside.any():
        raise PictureError(_FAILED, "its content would lie outside")
    warped = _loops().warp_cubic(moving, warp, BITS)
    return Aligned(warped * inside[:, :, None], fixed * inside[:, :, None], inside)


def gain(prediction: Array, sharp: Array) -> np.float32:
    """What the prediction is multiplied by: sum(x z) / sum(z z), in float32; raises PictureError for a black one."""
    z, x = prediction.astype(np.float64), sharp.astype(np.float64)
    power = np.sum(z * z)
    if power == 0:
        raise PictureError(_FAILED, "it is black")
    return np.float32(np.sum(x * z) / power)


def find_warp(moving: Array, fixed: Array, *, bits: int = BITS) -> Array:
    """The homography by which `moving` matches `fixed` best, after 100 steps of ECC from the identity.

    Args:
        moving, fixed: H x W x C, float64; their first three channels count.
        bits: places are rounded to 2^-bits of a pixel.

    Returns: 3 x 3, float64 with digits of float32; it sends places of `fixed` to places of `moving`.
    Raises: PictureError where there is no likeness to go by.
    """
    template, image = (_smooth(picture[:, :, :3] @ _GREY) for picture in (fixed, moving))
    planes = np.stack([image, _filtered(image, _SLOPE, _NONE), _filtered(image, _NONE, _SLOPE)])
    m = np.eye(3)
    for _ in range(_STEPS):
        change = np.append(_step(*_loops().normal_equations(template, planes, m, bits)), 0)
        m = (m + change.reshape(3, 3).T).astype(np.float32).astype(np.float64)
        if not np.isfinite(m).all():
            raise PictureError(_FAILED, "their contents are too unlike")
    return m


def _step(hessian: Array, projections: Array, totals: Array) -> Array:
    """The change of the 8 free parameters that raises the correlation coefficient most."""
    from scipy.linalg.lapack import dgetrf, dgetrs

    (ii, it, i), (_, tt, t), (_, _, n) = totals
    if n == 0:
        raise PictureError(_FAILED, "their contents are too unlike")
    image_power, template_power, correlation = ii - i * i / n, tt - t * t / n, it - i * t / n
    if image_power <= _ROUNDING * ii or template_power <= _ROUNDING * tt:
        raise PictureError(_FAILED, "one of them has no detail")
    image = (projections[0] - i / n * projections[2])[:8]
    template = (projections[1] - t / n * projections[2])[:8]
    factors, order, _ = dgetrf(hessian[:8, :8])
    singular = np.abs(np.diag(factors)).min() < _LEAST_PIVOT
    solved = np.zeros((8, 2)) if singular else dgetrs(factors, order, np.stack([image, template], axis=1))[0]
    rest = correlation - template @ solved[:, 0]
    if not rest > 0:
        raise PictureError(_FAILED, "their contents are too unlike")
    return (image_power - image @ solved[:, 0]) / rest * solved[:, 1] - solved[:, 0]


def _floats(picture: Array) -> Array:
    """Float32 in 0 .. 1, as the script has it."""
    return picture.astype(np.float32) / np.float32(255 if picture.dtype == np.uint8 else 1)


def _smooth(plane: Array) -> Array:
    return _filtered(plane, _SMOOTHING, _SMOOTHING)


def _filtered(plane: Array, across: Array, down: Array) -> Array:
    import cv2

    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, across, down, borderType=cv2.BORDER_REFLECT_101))


def _loops() -> ModuleType:
    try:
        from deblurbench.scoring.alignment import ecc_loops
    except ImportError as error:
        raise DeblurbenchError("alignment needs numba", "install a numba for this Python") from error
    return ecc_loops
