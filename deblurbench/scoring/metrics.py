"""PSNR and SSIM of 8-bit pictures, exact where they can be."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

_SIGMA = 1.5
_RADIUS = 5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
# The window is cut at 11 taps: radius int(3.5 * 1.5 + 0.5).
_WINDOW = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
_WINDOW /= _WINDOW.sum()


def psnr(prediction: Samples, sharp: Samples) -> float:
    """Peak signal-to-noise ratio in dB, peak 255, over all samples together; infinite for equal pictures.

    The sum of squared errors is an integer and exact, so this is scikit-image's value.

    Args:
        prediction, sharp: uint8, of one shape, any number of axes.
    """
    difference = prediction.astype(np.int32) - sharp
    squared = int(np.sum(difference * difference, dtype=np.int64))
    return 10 * math.log10(255**2 / (squared / sharp.size)) if squared else math.inf


def ssim(prediction: Samples, sharp: Samples) -> float | None:
    """Structural similarity as BasicSR computes it: Gaussian window of 11 x 11, sigma 1.5, only where
    the whole window fits, population covariance, range 255; mean over channels.

    Source: XPixelGroup/BasicSR basicsr/metrics/psnr_ssim.py (8d56e3a), read for its constants.

    Args:
        prediction, sharp: uint8, H x W or H x W x C, of one shape.

    Returns:
        The mean; None where it is not defined (smaller than the window, or not a picture).
    """
    if sharp.ndim not in (2, 3) or min(sharp.shape[:2]) < 2 * _RADIUS + 1:
        return None
    height, width = sharp.shape[:2]
    planes = (
        [(prediction, sharp)] if sharp.ndim == 2 else list(zip(_channels(prediction), _channels(sharp), strict=True))
    )
    total = math.fsum(_ssim_sum(x.astype(np.float64), y.astype(np.float64)) for x, y in planes)
    return total / ((height - 2 * _RADIUS) * (width - 2 * _RADIUS) * len(planes))


def _channels(picture: Samples) -> list[Samples]:
    return [picture[:, :, i] for i in range(picture.shape[2])]


def _ssim_sum(x: Floats, y: Floats) -> float:
    """The sum of the SSIM map of two planes, each H x W in 0 .. 255."""
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    top = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
    return float(np.sum(top / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))))


def _blur(plane: Floats) -> Floats:
    """Weighted means under the window, where it fits: (H - 10) x (W - 10)."""
    for axis in (0, 1):
        views = np.lib.stride_tricks.sliding_window_view(plane, len(_WINDOW), axis=axis)
        plane = views @ _WINDOW
    return plane
