"""Structural similarity in the forms that published code has, over whole pictures.

All take a prediction and a sharp picture of one shape and type, H x W or H x W x C, uint8 or floating, and `peak`, the
data range L on their scale: C1 = (0.01 L)^2, C2 = (0.03 L)^2. (Wang et al., IEEE TIP 13(4), 2004.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurbench.scoring.metrics import engine
from deblurbench.scoring.metrics.windows import GAUSSIAN, RADIUS, UNIFORM

Array = npt.NDArray[Any]
Window = npt.NDArray[np.float64]

_MOST_RISK = 16.0
"""Of a sample, on average. Few photographs are above; of 5000 drawn patterns, none below 24 was off by 1e-6."""


def gaussian_ssim(
    prediction: Array,
    sharp: Array,
    *,
    peak: float = 255.0,
    window: Window = GAUSSIAN,
    relu: bool = False,
    eps: float = 0.0,
    exact: bool = True,
    code: engine.Code | None = None,
) -> float | None:
    """The mean over channels and the valid area with a Gaussian window of 11 x 11, sigma 1.5, population covariance.

    Args:
        window: its eleven taps, where published code has others in the last digits.
        relu: count a negative contrast term as 0 (pyiqa).
        eps: added to the denominator on a scale of 0 .. 1 (kornia).
        exact: in float64; else uint8 pictures with peak 255 are filtered in float32, to within 1e-6: where flat areas
            of very different levels would lose more digits, as hardly in a photograph, in float64 after all.
        code: `engine.choose`'s choice.

    Returns: None where the window does not fit or the arrays are no pictures.
    """
    code = code or engine.choose()
    if not exact and sharp.dtype == np.uint8 and peak == 255 and window is GAUSSIAN and not relu and not eps:
        x, y = _channelled(prediction, sharp)
        if not (valid := _valid(x, GAUSSIAN.size)):
            return None
        total, risk = code.gaussian_fast(x, y)
        if risk < _MOST_RISK * valid:
            return float(1 - total / valid)
    values = gaussian_ssims(prediction, sharp, peak=peak, window=window, relu=relu, epsilons=(eps,), code=code)
    return values[0] if values else None


def gaussian_ssims(
    prediction: Array,
    sharp: Array,
    *,
    epsilons: Sequence[float],
    peak: float = 255.0,
    window: Window = GAUSSIAN,
    relu: bool = False,
    code: engine.Code | None = None,
) -> list[float] | None:
    """What `gaussian_ssim` gives for each of these epsilons, in one pass and in float64."""
    x, y = _channelled(prediction, sharp)
    valid = _valid(x, GAUSSIAN.size)
    if not valid:
        return None
    scaled = [eps * peak**4 for eps in epsilons]
    sums = (code or engine.choose()).gaussian(x, y, window, *_constants(peak), relu, scaled)
    return [total / valid for total in sums]


def reflected_ssim(
    prediction: Array,
    sharp: Array,
    *,
    peak: float = 255.0,
    eps: float = 0.0,
    inner: float | None = None,
    code: engine.Code | None = None,
) -> float | None:
    """As `gaussian_ssim`, but over the whole picture, whose border is reflected without repeating its edge.

    Args:
        inner: what `gaussian_ssim` gives, where it is known: then only the border is computed.

    Returns: None where a side is shorter than 6 (there is nothing to reflect) or the arrays are no pictures.
    """
    x, y = _channelled(prediction, sharp)
    if x.ndim != 3 or min(x.shape[:2]) <= RADIUS:
        return None
    code = code or engine.choose()
    valid = _valid(x, GAUSSIAN.size)
    if not valid:
        return gaussian_ssim(_reflected(x), _reflected(y), peak=peak, eps=eps, code=code)
    if inner is None:
        inner = gaussian_ssim(x, y, peak=peak, eps=eps, code=code)
    border = sum(
        code.gaussian(a, b, GAUSSIAN, *_constants(peak), False, (eps * peak**4,))[0]
        for a, b in zip(_border(x), _border(y), strict=True)
    )
    return float(((inner or 0.0) * valid + border) / x.size)


def volume_ssim(
    prediction: Array, sharp: Array, *, peak: float = 255.0, code: engine.Code | None = None
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
    prediction: Array, sharp: Array, *, peak: float = 255.0, code: engine.Code | None = None
) -> float | None:
    """The mean over channels and the valid area with scikit-image's 7 x 7 uniform window and sample covariance.

    Returns: None where the window does not fit or the arrays are no pictures.
    """
    x, y = _channelled(prediction, sharp)
    valid = _valid(x, UNIFORM)
    if not valid:
        return None
    return float((code or engine.choose()).uniform(x, y, *_constants(peak)) / valid)


def channel_mix(channels: int) -> npt.NDArray[np.float64]:
    """C x C: how the Gaussian along the colour axis, with replicated ends, mixes the channels; each row sums to 1."""
    mix = np.zeros((channels, channels))
    for channel in range(channels):
        for tap in range(-RADIUS, RADIUS + 1):
            mix[channel, min(max(channel + tap, 0), channels - 1)] += GAUSSIAN[tap + RADIUS]
    return mix


def _channelled(prediction: Array, sharp: Array) -> tuple[Array, Array]:
    return (prediction[:, :, None], sharp[:, :, None]) if sharp.ndim == 2 else (prediction, sharp)


def _valid(picture: Array, side: int) -> int:
    """How many samples of a picture have the whole of a window around them; 0 for what is no picture."""
    if picture.ndim != 3 or min(picture.shape[:2]) < side:
        return 0
    return (picture.shape[0] - side + 1) * (picture.shape[1] - side + 1) * picture.shape[2]


def _border(picture: Array) -> list[Array]:
    """Four strips whose valid areas together are the frame of width 5, borders reflected: top, bottom, left, right."""
    both, near = (RADIUS, RADIUS), 2 * RADIUS
    return [
        _reflected(picture[:near], (RADIUS, 0), both),
        _reflected(picture[-near:], (0, RADIUS), both),
        _reflected(picture[:, :near], (0, 0), (RADIUS, 0)),
        _reflected(picture[:, -near:], (0, 0), (0, RADIUS)),
    ]


def _reflected(picture: Array, rows: tuple[int, int] = (5, 5), columns: tuple[int, int] = (5, 5)) -> Array:
    return np.pad(picture, (rows, columns, (0, 0)), mode="reflect")


def _constants(peak: float) -> tuple[float, float]:
    return (0.01 * peak) ** 2, (0.03 * peak) ** 2
