"""Structural similarity in the forms that published code has, over whole pictures.

All take a prediction and a sharp picture of one shape and type, H x W or H x W x C, uint8 or floating, and `peak`, the
data range L on their scale: C1 = (0.01 L)^2, C2 = (0.03 L)^2. (Wang et al., IEEE TIP 13(4), 2004.)
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.scoring import engine
from deblurbench.scoring.windows import GAUSSIAN, RADIUS, UNIFORM

Array = npt.NDArray[Any]


def gaussian_ssim(
    prediction: Array,
    sharp: Array,
    *,
    peak: float = 255.0,
    relu: bool = False,
    eps: float = 0.0,
    exact: bool = True,
    code: ModuleType | None = None,
) -> float | None:
    """The mean over channels and the valid area with a Gaussian window of 11 x 11, sigma 1.5, population covariance.

    Args:
        relu: count a negative contrast term as 0 (pyiqa).
        eps: added to the denominator on a scale of 0 .. 1 (kornia).
        exact: in float64; else uint8 pictures with peak 255 are filtered in float32, to within 1e-6.
        code: `engine.choose`'s choice.

    Returns: None where the window does not fit or the arrays are no pictures.
    """
    x, y = _channelled(prediction, sharp)
    if x.ndim != 3 or min(x.shape[:2]) <= 2 * RADIUS:
        return None
    code = code or engine.choose()
    valid = (x.shape[0] - 2 * RADIUS) * (x.shape[1] - 2 * RADIUS) * x.shape[2]
    if not exact and x.dtype == np.uint8 and peak == 255 and not relu and not eps:
        return 1 - code.gaussian_fast(x, y) / valid
    return float(code.gaussian(x, y, *_constants(peak), relu, eps * peak**4) / valid)


def reflected_ssim(
    prediction: Array, sharp: Array, *, peak: float = 255.0, eps: float = 0.0, code: ModuleType | None = None
) -> float | None:
    """As `gaussian_ssim`, but over the whole picture, whose border is reflected without repeating its edge.

    Returns: None where a side is shorter than 6 (there is nothing to reflect) or the arrays are no pictures.
    """
    x, y = _channelled(prediction, sharp)
    if x.ndim != 3 or min(x.shape[:2]) <= RADIUS:
        return None
    pad = ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0))
    x, y = np.pad(x, pad, mode="reflect"), np.pad(y, pad, mode="reflect")
    total = (code or engine.choose()).gaussian(x, y, *_constants(peak), False, eps * peak**4)
    return float(total / sharp.size)


def volume_ssim(
    prediction: Array, sharp: Array, *, peak: float = 255.0, code: ModuleType | None = None
) -> float | None:
    """MATLAB's `ssim` of an RGB array: H x W x C is one volume, and the 11 x 11 x 11 Gaussian reaches across colours.

    Borders are replicated on all axes and the whole map counts. Across colours, replicating makes each channel's
    filtered map a fixed mix of the channels' 2-D ones, so a 2-D filter is enough.

    Returns: None where the arrays are no pictures.
    """
    x, y = _channelled(prediction, sharp)
    if x.ndim != 3 or not x.size:
        return None
    total = (code or engine.choose()).volume(x, y, channel_mix(x.shape[2]), *_constants(peak))
    return float(total / x.size)


def uniform_ssim(
    prediction: Array, sharp: Array, *, peaks: Sequence[float] = (255.0,), code: ModuleType | None = None
) -> list[float] | None:
    """The mean over channels and the valid area with scikit-image's 7 x 7 uniform window and sample covariance.

    Args:
        peaks: one result for each of these data ranges.

    Returns: None where the window does not fit or the arrays are no pictures.
    """
    x, y = _channelled(prediction, sharp)
    if x.ndim != 3 or min(x.shape[:2]) < UNIFORM:
        return None
    sums = (code or engine.choose()).uniform(x, y, np.array([_constants(peak) for peak in peaks]))
    valid = (x.shape[0] - UNIFORM + 1) * (x.shape[1] - UNIFORM + 1) * x.shape[2]
    return [float(total / valid) for total in sums]


def channel_mix(channels: int) -> npt.NDArray[np.float64]:
    """C x C: how the Gaussian along the colour axis, with replicated ends, mixes the channels; each row sums to 1."""
    mix = np.zeros((channels, channels))
    for channel in range(channels):
        for tap in range(-RADIUS, RADIUS + 1):
            mix[channel, min(max(channel + tap, 0), channels - 1)] += GAUSSIAN[tap + RADIUS]
    return mix


def _channelled(prediction: Array, sharp: Array) -> tuple[Array, Array]:
    return (prediction[:, :, None], sharp[:, :, None]) if sharp.ndim == 2 else (prediction, sharp)


def _constants(peak: float) -> tuple[float, float]:
    return (0.01 * peak) ** 2, (0.03 * peak) ** 2
